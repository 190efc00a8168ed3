"""One thing that is worth knowing of a split."""

from dataclasses import dataclass, field
from enum import IntEnum


class Severity(IntEnum):
    """How much a finding matters: results mislead, may mislead, or are to be read with care."""

    SERIOUS = 3
    WARNING = 2
    NOTE = 1


@dataclass(frozen=True)
class Finding:
    """``changes`` to the spec, by dotted name, would mend it; ``action`` names them:
    "a stratified split"."""

    severity: Severity
    title: str
    text: str
    action: str = ""
    changes: dict[str, str | float] = field(default_factory=dict)

    def as_change(self) -> str:
        """The changes as ``FIELD=VALUE;FIELD=VALUE``."""
        return ";".join(f"{name}={value}" for name, value in self.changes.items())


def percent(share: float, decimals: int = 0) -> str:
    """0.4 → 40 %."""
    return f"{100 * share:.{decimals}f} %"


def points(value: float) -> str:
    """Points of an accuracy: 7, or 1.6 where that is little."""
    return f"{value:.1f}" if value < 2 else f"{value:.0f}"
