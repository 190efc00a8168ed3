"""Model files that others made: opened in Keras, and their weights taken into other networks."""
