"""The page *Runs*: the table of runs, its filter and its actions."""
