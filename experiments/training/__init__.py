"""One run inside its training process, which knows nothing of MLflow; ``train`` is the whole."""

#: What is for other rooms; the rest is this one's own.
__all__ = ["feature_cache", "memory_needs", "train"]
