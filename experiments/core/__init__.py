"""What everything stands on: errors, settings, sizes, and the files that a run writes."""
