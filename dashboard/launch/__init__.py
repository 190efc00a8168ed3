"""The page *Launch*: the form, its preview, and the draft that is kept."""
