"""What a run is, in words that can be checked: RunSpec, its parts, YAML, tables of names."""
