"""The few values that keep a column from being numbers, or dates."""

import pyarrow as pa
import pyarrow.compute as pc

from experiments.data.reading.reader import OddValues
from experiments.data.reading.tables.column_values import is_text, shorten, without_marks
from experiments.data.reading.tables.date_styles import are_dates, are_seasons, formats_of
from experiments.data.reading.tables.number_styles import are_numbers

# More values that do not fit than this, and than this share, are no accident
_MOST_ODD = 10
_MOST_ODD_SHARE = 0.2
_LOOKED_AT = 10  # different values, for one that is a date


class OddNumbers:
    """What is no number in a column of texts that nearly all are; ``odd`` says it."""

    what = "number"

    def __init__(self) -> None:
        self._odd: OddValues | None = None
        self._is_nearly = True

    @property
    def odd(self) -> OddValues | None:
        """None where all fit, or where too many do not for an accident."""
        return self._odd if self._is_nearly else None

    def give_up(self) -> None:
        """The column is something else."""
        self._is_nearly = False

    def add(self, array: pa.Array, rows: int, present: int, decimal_comma: bool) -> None:
        """The next values; ``rows`` and values that are ``present`` are counted with these."""
        fits = self._fits(array, decimal_comma) if self._is_nearly and is_text(array) else None
        if fits is None:
            return self.give_up()
        odd = pc.fill_null(pc.invert(fits), False)
        count = pc.sum(odd).as_py() or 0
        if count and self._odd is None:
            place = pc.index(odd, True).as_py()
            text = shorten(array[place].as_py())
            self._odd = OddValues(0, rows - len(array) + place + 1, text, self.what)
        if self._odd:
            total = self._odd.count + count
            self._odd = OddValues(total, self._odd.row, self._odd.text, self.what)
            most = max(_MOST_ODD, _MOST_ODD_SHARE * present)
            self._is_nearly = total <= most and 2 * total < present

    def _fits(self, array: pa.Array, decimal_comma: bool) -> pa.Array | None:
        """Whether each is one, null where it is missing; None where none is."""
        return are_numbers(without_marks(array), decimal_comma)


class OddDates(OddNumbers):
    """What is no date in a column of texts that nearly all are, written in one way."""

    what = "date"

    def __init__(self) -> None:
        super().__init__()
        self._format = ""

    def _fits(self, array: pa.Array, decimal_comma: bool) -> pa.Array | None:
        if self._format:
            return are_dates(array, self._format)
        some = pc.unique(array[: _LOOKED_AT * _LOOKED_AT].drop_null())[:_LOOKED_AT].to_pylist()
        if are_seasons(some):
            return None
        formats = dict.fromkeys(one for text in some for one in formats_of(text))
        fits = {one: are_dates(array, one) for one in formats}
        if not fits:
            return None
        self._format = max(fits, key=lambda one: pc.sum(fits[one]).as_py() or 0)
        return fits[self._format]
