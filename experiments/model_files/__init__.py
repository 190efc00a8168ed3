"""Model files that others wrote, looked at without Keras: is it safe, and what is in it."""
