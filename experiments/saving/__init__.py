"""Models as files: legacy HDF5 with everything that a resume needs, exports, scripts."""

#: What is for other rooms; the rest is this one's own.
__all__ = [
    "exports",
    "incremental_save",
    "keras2_functions",
    "legacy_h5",
    "optimizer_state",
    "training_state",
    "whole_model",
]
