"""The only place that imports mlflow: the store, its runs, their histories and artifacts."""

#: What is for other rooms; the rest is this one's own.
__all__ = [
    "artifacts",
    "changes",
    "direct_database",
    "epochs",
    "history_reader",
    "imported_runs",
    "points",
    "run",
    "run_index",
    "run_specs",
    "runs",
    "server",
    "shipping",
    "store",
    "stored_bases",
    "stored_datasets",
]
