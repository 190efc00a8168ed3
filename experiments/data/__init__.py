"""Datasets: the catalog, those that users stored, and their samples in memory or on disk.

``reading/`` has the readers of files that users bring, ``split/`` what validates and tests.
"""

#: What is for other rooms; the rest is this one's own.
__all__ = [
    "catalog",
    "dataset_spec",
    "distributions",
    "downloads",
    "loading",
    "preview",
    "samples",
    "stored",
]
