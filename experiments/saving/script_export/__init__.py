"""A run as a stand-alone Python script: data, network, training, saving and loading."""
