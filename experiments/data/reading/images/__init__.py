"""Images in class folders, as a folder or an archive."""
