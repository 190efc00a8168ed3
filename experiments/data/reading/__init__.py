"""Files that users bring: looked at whole, then stored as a dataset. Never imports Keras.

A kind of file has a reader (``reader.Reader``: look, plan, blocks) in a folder of its own;
``kinds`` chooses among them, ``storing`` writes what they give.
"""

#: What is for other rooms; the rest is this one's own.
__all__ = ["kinds", "reader", "storing"]
