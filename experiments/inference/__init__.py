"""What a trained model is asked: predictions, classes, scores, explanations, embeddings."""

#: What is for other rooms; the rest is this one's own.
__all__ = [
    "classification",
    "embedding",
    "evaluation",
    "explanation",
    "prediction",
    "sample_files",
    "scores",
]
