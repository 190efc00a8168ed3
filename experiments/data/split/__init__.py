"""Which samples train, validate and test, and what is worth knowing of such a split."""

#: What is for other rooms; the rest is this one's own.
__all__ = ["audit", "better_splits", "duplicate_groups", "split_findings", "split_spec", "splits"]
