"""CSV and other delimited text: encoding, dialect, header, lines."""

#: What is for other rooms; the rest is this one's own.
__all__ = ["csv_detecting", "csv_files"]
