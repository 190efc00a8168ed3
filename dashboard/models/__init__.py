"""The page *Models*: a saved model opened, asked, inspected."""
