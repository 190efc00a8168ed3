"""From a spec to a Keras model: architectures, pretrained bases, and the weights they need."""

#: What is for other rooms; the rest is this one's own.
__all__ = [
    "application_times",
    "application_weights",
    "architectures",
    "bases",
    "building",
    "weight_files",
]
