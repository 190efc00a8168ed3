"""Codes among what looks like numbers: 01234 is a name, and as a number loses its zero."""

import pyarrow as pa
import pyarrow.compute as pc

from experiments.data.reading.tables.column_values import is_text, shorten

_SHORTEST = 4  # 007 and 01 are as often numbers


class CodeTracker:
    """Whether all values of a column of numbers are equally many digits, and one begins with 0."""

    def __init__(self) -> None:
        self._length = 0
        self._may_be = True
        self._example = ""

    @property
    def example(self) -> str:
        """The first code that begins with 0; "" where these are no codes."""
        return self._example if self._may_be else ""

    def add(self, array: pa.Array, lowest: float | None) -> None:
        """The next values, all of them numbers; ``lowest`` is the smallest so far."""
        if self._may_be and lowest is not None:
            self._may_be = is_text(array) and self._are_codes(array, lowest)

    def _are_codes(self, texts: pa.Array, lowest: float) -> bool:
        # Lengths cost a twentieth of a look at the letters, and rule nearly all columns out
        lengths = pc.min_max(pc.binary_length(texts)).as_py()
        if lengths["min"] is None:
            return True
        self._length = self._length or lengths["min"]
        if not self._length == lengths["min"] == lengths["max"] or self._length < _SHORTEST:
            return False
        if lowest >= 10 ** (self._length - 1):
            return True  # no zero so far, as in years
        if not pc.all(pc.utf8_is_decimal(texts)).as_py():
            return False
        if not self._example:
            first = pc.index(pc.starts_with(texts, "0"), True).as_py()
            self._example = shorten(texts[first].as_py()) if first >= 0 else ""
        return True
