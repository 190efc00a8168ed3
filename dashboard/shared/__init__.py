"""What pages share: caches, background work, components, filters of runs, texts."""

#: What is for other rooms; the rest is this one's own.
__all__ = [
    "cache",
    "components",
    "dataset_rows",
    "experiment_choice",
    "exported_tables",
    "filters",
    "formats",
    "help_texts",
    "images",
    "model_source",
    "model_uploads",
    "param_texts",
    "run_changes",
    "run_numbers",
    "run_summary",
    "streamlit_fixes",
    "verdicts",
]
