"""Model files that others made, looked at without Keras: are they safe, and what is in them."""

#: What is for other rooms; the rest is this one's own.
__all__ = [
    "difference",
    "file_formats",
    "file_inspection",
    "inside",
    "inspect_process",
    "inspection_report",
    "keras_names",
    "layer_tree",
    "safety",
    "stored_optimizer",
    "weights",
    "yaml_configs",
]
