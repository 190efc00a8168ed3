"""The page *Run*: one run, live or ended."""
