"""One thing that is worth knowing of a split."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from types import MappingProxyType
from typing import NamedTuple

#: New values of fields of a spec, by dotted name.
Changes = Mapping[str, str | float | None]


class Severity(IntEnum):
    """How much a finding matters: results mislead, may mislead, or are to be read with care."""

    SERIOUS = 3
    WARNING = 2
    NOTE = 1


class Action(NamedTuple):
    """What would mend a finding, in words and as changes; nothing by default."""

    words: str = ""
    changes: Changes = MappingProxyType({})


@dataclass(frozen=True)
class Finding:
    """``changes`` to the spec, by dotted name, would mend it; ``action`` names them:
    "a stratified split"."""

    severity: Severity
    title: str
    text: str
    action: str = ""
    changes: Changes = field(default_factory=dict)


def as_change(changes: Changes) -> str:
    """Changes as ``FIELD=VALUE;FIELD=VALUE``."""
    return ";".join(
        f"{name}={'null' if value is None else value}" for name, value in changes.items()
    )


def percent(share: float, decimals: int = 0) -> str:
    """0.4 → 40 %."""
    return f"{100 * share:.{decimals}f} %"


def points(value: float) -> str:
    """Points of an accuracy: 7, or 1.6 where that is little."""
    return f"{value:.1f}" if value < 2 else f"{value:.0f}"
