"""What columns of a table hold, whichever kind of file they come from."""
