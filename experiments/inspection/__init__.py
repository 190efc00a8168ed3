"""Model files that others made, looked at without Keras: are they safe, and what is in them."""
