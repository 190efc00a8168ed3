"""The page *Data*: datasets, and adding one."""
