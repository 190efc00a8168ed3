"""Data sets: what there is (catalogue), reading it (loading) and dividing it (splits)."""
