"""What a run is, in words that can be checked: RunSpec, its parts, YAML, tables of names."""

#: What is for other rooms; the rest is this one's own.
__all__ = [
    "applications",
    "base_files",
    "losses",
    "metrics",
    "model_specs",
    "optimizers",
    "run_spec",
    "spec_files",
    "training_specs",
]
