"""How several things are said in one sentence."""

from collections.abc import Sequence

_MOST = 10


def listed(names: Sequence[str]) -> str:
    """Names with commas between, or ``none``; of more than ten the first, and how many more."""
    more = len(names) - _MOST
    shown = ", ".join(names[:_MOST]) or "none"
    return f"{shown} and {more:,} more" if more > 0 else shown
