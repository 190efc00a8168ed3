"""Model files that others made: opened in Keras, and their weights taken into other networks."""

#: What is for other rooms; the rest is this one's own.
__all__ = ["config_models", "opening", "weight_transfer", "weight_transfer_process"]
