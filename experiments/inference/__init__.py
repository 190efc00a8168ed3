"""What a trained model is asked: predictions, classes, scores, explanations, embeddings."""
