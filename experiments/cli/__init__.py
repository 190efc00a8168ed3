"""The command line: one module a subject; each imports what it needs and nothing more."""
