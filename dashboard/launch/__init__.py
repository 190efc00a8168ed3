"""The page *Launch*: the form, its preview, and the draft that is kept."""

#: What is for other rooms; the rest is this one's own.
__all__ = ["draft"]
