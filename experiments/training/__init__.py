"""One run inside its training process, which knows nothing of MLflow; ``train`` is the whole."""
