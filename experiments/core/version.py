"""Which Kerascope this is. pyproject.toml reads it from here, so a clone that is not installed and
a package say the same."""

VERSION = "0.2.0"
