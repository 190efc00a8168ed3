"""Datasets: the catalog, those that users stored, and their samples in memory or on disk.

``reading/`` has the readers of files that users bring, ``split/`` what validates and tests.
"""
