"""What everything stands on: errors, settings, sizes, and the files that a run writes."""

#: What is for other rooms; the rest is this one's own.
__all__ = [
    "atomic_files",
    "checkpoint_files",
    "errors",
    "findings",
    "format_versions",
    "journal",
    "keras_compat",
    "old_files",
    "process_limits",
    "recent",
    "recorded",
    "run_folder",
    "settings",
    "sizes",
    "spec_part",
    "version",
    "words",
]
