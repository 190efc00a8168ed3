"""What columns of a table hold, whichever kind of file they come from."""

#: What is for other rooms; the rest is this one's own.
__all__ = ["column_values", "date_styles", "number_signs"]
