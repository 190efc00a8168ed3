"""Getting runs trained: the queue, the worker, launchers, supervision, and the Keras server."""

#: What is for other rooms; the rest is this one's own.
__all__ = [
    "branch_runs",
    "dataset_process",
    "fold_runs",
    "inline_launcher",
    "keras_client",
    "log_import",
    "queue",
    "remedy_runs",
    "run_verdict",
    "weight_transfer_runs",
    "worker",
]
