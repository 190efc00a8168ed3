"""CSV and other delimited text: encoding, dialect, header, lines."""
