"""Images in class folders, as a folder or an archive."""

#: What is for other rooms; the rest is this one's own.
__all__ = ["image_decoding", "image_members"]
