"""Measurements: `python -m benchmarks`. They print numbers and ratios and never fail a test."""
