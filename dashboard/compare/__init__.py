"""The page *Compare*: what is computed is apart from what is drawn."""
