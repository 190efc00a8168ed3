"""Numbers of an array that become equal when they are stored with fewer digits."""

from collections.abc import Sequence

import numpy as np

#: Numbers that are looked at; all together, however large the array is.
MOST_NUMBERS = 200_000

_MOST_ROWS = 1000
_KEPT = 0.9  # of the different values: told where fewer stay different
_SHOWN = 10
_DIGITS = {np.dtype(np.float32): 24, np.dtype(np.float64): 53}  # binary ones


def loses(given: np.dtype, stored: np.dtype) -> bool:
    """Whether a type has numbers that the one in which they are stored cannot tell apart."""
    if given.kind == "f":
        return stored in _DIGITS and given.itemsize > stored.itemsize
    return stored in _DIGITS and given.kind in "iu" and given.itemsize * 8 > _DIGITS[stored]


class StepSample:
    """Rows of an array, drawn from all over it before any is read, to see what storing loses.

    All rows of a small array. Comparing every number of a large one would take a tenth of the time
    of reading it. ``together`` takes all numbers of a row for values of one feature: images.
    """

    def __init__(
        self, rows: int, numbers: int, given: np.dtype, stored: np.dtype, together: bool = False
    ) -> None:
        self._stored = stored
        self._shape = (-1, 1 if together else numbers)
        self._taken: list[np.ndarray] = []
        count = max(2, min(_MOST_ROWS, MOST_NUMBERS // numbers)) if loses(given, stored) else 0
        if count < rows:
            drawn = np.random.default_rng(0).choice(rows, count, replace=False, shuffle=False)
            self.rows = np.sort(drawn)
        else:
            self.rows = np.arange(rows)

    def add(self, raw: np.ndarray, rows: np.ndarray) -> None:
        """The next rows as they are in the file; ``rows`` are their numbers from 0, ascending."""
        if not len(rows):
            return
        low, high = np.searchsorted(self.rows, (rows[0], rows[-1] + 1))
        at = np.searchsorted(rows, self.rows[low:high])
        at = at[rows[at] == self.rows[low:high]]
        if len(at):
            self._taken.append(raw[at].reshape(self._shape))

    def notes(self, names: Sequence[str], verb: str = "is") -> tuple[str, ...]:
        """A note for each feature of which different values become equal, by their names."""
        if not self._taken:
            return ()
        values = np.concatenate(self._taken)
        values = np.sort(values.astype(values.dtype.newbyteorder("="), copy=False), axis=0)
        # Rounding keeps the order. NaN, which comes last, is not greater than anything
        stored = values.astype(self._stored)
        before, after = (1 + (some[1:] > some[:-1]).sum(axis=0) for some in (values, stored))
        coarse = np.flatnonzero(after < _KEPT * before)
        told = [
            self._note(f"{names[one]} {verb}", stored[:, one], int(before[one]), int(after[one]))
            for one in coarse[:_SHOWN]
        ]
        if len(coarse) > _SHOWN:
            more = f"The same applies to {len(coarse) - _SHOWN:,} more features"
            told.append(f"{more}: they are stored in steps of their own.")
        return tuple(told)

    def _note(self, subject: str, stored: np.ndarray, before: int, after: int) -> str:
        largest = np.nanmax(np.abs(stored))
        advice = "Subtract the smallest before" if largest > 1 else "Multiply them before"
        return (
            f"{subject} stored in steps of {_number(np.spacing(largest))}, all that {self._stored} "
            f"can tell apart near {_number(largest)}: of those looked at, {before:,} different "
            f"values become {after:,}. {advice}, if less matters."
        )


def _number(value: np.floating) -> str:
    """Whole numbers below 1e15 in full, others with six digits."""
    number = float(value)
    return f"{number:,.0f}" if number.is_integer() and number < 1e15 else f"{number:g}"
