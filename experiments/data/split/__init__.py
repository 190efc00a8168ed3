"""Which samples train, validate and test, and what is worth knowing of such a split."""
