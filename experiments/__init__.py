"""Kerascope's library and command line: specs, training, tracking and diagnosis of Keras runs."""
