"""The command line: one module a subject; each imports what it needs and nothing more."""

#: What is for other rooms; the rest is this one's own.
__all__ = ["parser"]
