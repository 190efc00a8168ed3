"""From a spec to a Keras model: architectures, pretrained bases, and the weights they need."""
