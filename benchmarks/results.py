"""What a measurement found, as data; and the same as text or JSON."""

from collections.abc import Sequence
from statistics import median
from typing import Any, NamedTuple

_DIGITS = {"s": 2, "ms": 2, "MB": 0, "%": 1, "": 0}


class Line(NamedTuple):
    """One thing that was measured: a label, what each repeat gave, and the unit."""

    label: str
    samples: Sequence[float]
    unit: str = "s"

    @property
    def middle(self) -> float:
        """The median of the repeats."""
        return median(self.samples)


class Section(NamedTuple):
    """Lines that belong together; ``base`` is the label of the line that ratios are to."""

    title: str
    lines: Sequence[Line]
    base: str = ""
    notes: Sequence[str] = ()

    def ratio(self, line: Line) -> float | None:
        """How many times the base a line is, both medians of this section."""
        base = next((other for other in self.lines if other.label == self.base), None)
        if base is None or base.unit != line.unit or base.middle <= 0:
            return None
        return line.middle / base.middle

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "title": self.title,
            "base": self.base or None,
            "lines": [
                {
                    "label": line.label,
                    "median": line.middle,
                    "samples": list(line.samples),
                    "unit": line.unit,
                    "ratio": self.ratio(line),
                }
                for line in self.lines
            ],
            "notes": list(self.notes),
        }

    def to_text(self) -> str:
        """A table: label, median, smallest to largest, ratio to the base."""
        rows = [(line.label, *_cells(line), self._ratio_cell(line)) for line in self.lines]
        widths = [max((len(row[i]) for row in rows), default=0) for i in range(4)]
        lines = [
            f"  {label:<{widths[0]}}  {middle:>{widths[1]}}  {reach:<{widths[2]}}  "
            f"{ratio:>{widths[3]}}".rstrip()
            for label, middle, reach, ratio in rows
        ]
        return "\n".join([self.title, *lines, *(f"  {note}" for note in self.notes)])

    def _ratio_cell(self, line: Line) -> str:
        ratio = self.ratio(line)
        return "" if ratio is None else f"{ratio:.2f} ×"


def of_repeats(parts: Sequence[dict[str, float]], unit: str = "s") -> list[Line]:
    """One line for each key of the repeats' dicts, in the order of the first."""
    return [Line(name, [part[name] for part in parts], unit) for name in parts[0]]


def _cells(line: Line) -> tuple[str, str]:
    digits = _DIGITS[line.unit]
    low, high = min(line.samples), max(line.samples)
    reach = f"({low:,.{digits}f} … {high:,.{digits}f})" if len(line.samples) > 1 else ""
    return f"{line.middle:,.{digits}f} {line.unit}".rstrip(), reach
