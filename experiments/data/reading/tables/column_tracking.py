"""What a column of a table holds, found out batch by batch."""

import math
from collections.abc import Callable, Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from experiments.data.reading.reader import MOST_CATEGORIES, Column, ColumnKind
from experiments.data.reading.tables.column_codes import CodeTracker
from experiments.data.reading.tables.column_odd import OddDates, OddNumbers
from experiments.data.reading.tables.column_repeats import RepeatTracker
from experiments.data.reading.tables.column_values import (
    LONGEST_CATEGORY,
    MARKS,
    as_names,
    booleans_in,
    date_formats,
    days_in,
    numbers_in,
    sign_in,
    texts_in,
    without_marks,
)
from experiments.data.reading.tables.date_styles import first_part, likely

# Of a table that is thousands of columns wide fewer categories are kept of each: 10,000 columns of
# 1,000 texts would take a gigabyte
_MOST_TEXTS = 500_000
_EXAMPLES = 5


class ColumnTracker:
    """State of one column while its table is read; ``column`` says what was found."""

    def __init__(
        self,
        name: str,
        columns: int,
        decimal_comma: bool = False,
        asked: ColumnKind | None = None,
    ) -> None:
        """``columns`` is how many the table has; ``asked`` is as ReadOptions.kind_of says it."""
        self._name = name
        self._asked = asked
        self._most = min(MOST_CATEGORIES, _MOST_TEXTS // max(1, columns))
        self._decimal_comma = decimal_comma
        self._formats: tuple[str, ...] | None = None
        self._first_days: dict[str, float] = {}  # by each format
        self._last_days: dict[str, float] = {}
        self._has_time = False
        self._kinds: dict[ColumnKind, Callable[[pa.Array], pa.Array | None]] = {
            ColumnKind.NUMERIC: self._numbers,
            ColumnKind.BOOLEAN: booleans_in,
            ColumnKind.DATE: self._days,
        }
        if asked is ColumnKind.CATEGORICAL:
            self._kinds = {}
        self._rows = 0
        self._missing = 0
        self._marks = 0
        self._different: dict[str, None] | None = {}
        self._examples: tuple[str, ...] = ()
        self._sign: str | None = None
        self._low: float | None = None
        self._high: float | None = None
        self._is_integer = self._is_consecutive = True
        self._last: float | None = None
        self._odd_numbers, self._odd_dates = OddNumbers(), OddDates()
        if asked is ColumnKind.CATEGORICAL:
            self._look_for_odd(asked)
        self._codes = CodeTracker()
        self._repeats = RepeatTracker(columns)

    def add(self, array: pa.Array) -> None:
        """The next values: clean texts (see column_values), or numbers, booleans or moments."""
        self._rows += len(array)
        self._missing += array.null_count
        if array.null_count == len(array):
            return
        self._keep_different(array)
        was_known = len(self._kinds) == 1
        for kind in list(self._kinds):
            values = self._kinds[kind](array)
            if values is None:
                if was_known:
                    self._look_for_odd(kind)
                del self._kinds[kind]
            else:
                self._kinds = {kind: self._kinds[kind]}
                if kind is ColumnKind.NUMERIC:
                    self._measure(values, array)
                return
        present = self._rows - self._missing
        self._odd_numbers.add(array, self._rows, present, self._decimal_comma)
        self._odd_dates.add(array, self._rows, present, self._decimal_comma)

    def column(self, first: str = "") -> Column:
        """What was found so far; ``first`` ("day", "month" or "year") decides where dates can be
        read in several ways."""
        kind = self._kind()
        missing = self._missing
        different = self._different
        examples = self._examples
        if kind is ColumnKind.NUMERIC:
            missing += self._marks
            examples = tuple(text for text in examples if text not in MARKS)
            if different is not None:
                different = {text: None for text in different if text not in MARKS}
        formats = self._dates(first) if kind is ColumnKind.DATE else ()
        numeric = kind is ColumnKind.NUMERIC and self._low is not None
        return Column(
            name=self._name,
            kind=kind,
            missing=missing,
            distinct=MOST_CATEGORIES + 1 if different is None else len(different),
            categories=self._sorted(different or {}, kind),
            low=self._low if kind is ColumnKind.NUMERIC else None,
            high=self._high if kind is ColumnKind.NUMERIC else None,
            examples=examples,
            is_integer=self._is_integer and numeric,
            is_unique=self._is_integer and numeric and not self._repeats.repeats,
            is_consecutive=self._is_consecutive and numeric,
            decimal_comma=self._decimal_comma,
            date_format=formats[0] if formats else "",
            other_format=formats[1] if len(formats) > 1 else "",
            days=self._span(formats[0]) if formats else None,
            has_time=bool(formats) and self._has_time,
            sign=(self._sign or "") if kind is ColumnKind.NUMERIC else "",
            odd=self._odd_numbers.odd or self._odd_dates.odd,
            code=self._code(),
        )

    def _kind(self) -> ColumnKind:
        present = self._rows - self._missing
        if present == 0:
            return ColumnKind.EMPTY
        if self._kinds and not (ColumnKind.NUMERIC in self._kinds and self._is_no_number()):
            return next(iter(self._kinds))
        different = self._different
        few = different is not None and len(different) <= max(2, present // 2)
        short = all(len(text) <= LONGEST_CATEGORY for text in different or ())
        return ColumnKind.CATEGORICAL if few and short else ColumnKind.TEXT

    def _code(self) -> str:
        return self._codes.example if self._is_integer and ColumnKind.NUMERIC in self._kinds else ""

    def _is_no_number(self) -> bool:
        """Whether what reads as numbers is only marks for missing values, or codes."""
        is_code = bool(self._code()) and self._asked is not ColumnKind.NUMERIC
        return self._low is None or is_code

    def _numbers(self, array: pa.Array) -> pa.Array | None:
        numbers = numbers_in(array, self._decimal_comma)
        if numbers is None or numbers.null_count == len(numbers):
            return numbers
        sign = sign_in(array)
        self._sign = sign if self._sign is None else self._sign
        return numbers if sign == self._sign else None

    def _days(self, array: pa.Array) -> pa.Array | None:
        self._formats = date_formats(array, self._formats)
        found = {one: days_in(array, one) for one in self._formats}
        for one, days in found.items():
            low_high = pc.min_max(days).as_py()
            self._first_days[one] = min(low_high["min"], self._first_days.get(one, math.inf))
            self._last_days[one] = max(low_high["max"], self._last_days.get(one, -math.inf))
        days = next(iter(found.values()), None)
        if days is not None and not self._has_time:
            self._has_time = pc.any(pc.not_equal(pc.floor(days), days)).as_py()
        return days

    def _dates(self, first: str) -> tuple[str, ...]:
        """The format of the dates, and the others by which they can be read if there are any."""
        formats = self._formats or ()
        if len(formats) < 2:
            return formats
        if asked := tuple(one for one in formats if first_part(one) == first):
            return asked
        spans = {one: self._last_days[one] - self._first_days[one] for one in formats}
        return likely(list(self._different or ()), spans)

    def _span(self, date_format: str) -> tuple[str, str]:
        first, last = self._first_days[date_format], self._last_days[date_format]
        return str(np.datetime64(math.floor(first), "D")), str(np.datetime64(math.floor(last), "D"))

    def _keep_different(self, array: pa.Array) -> None:
        if self._different is None:
            return
        values = pc.unique(array)
        if self._asked is ColumnKind.CATEGORICAL:
            values = as_names(values)
        self._different |= dict.fromkeys(texts_in(values))
        if len(self._examples) < _EXAMPLES:
            self._examples = tuple(self._different)[:_EXAMPLES]
        if len(self._different) > self._most:
            self._different = None

    def _measure(self, numbers: pa.Array, array: pa.Array) -> None:
        self._marks += numbers.null_count - array.null_count
        if self._is_integer or self._is_consecutive:
            self._count(numbers)
        low_high = pc.min_max(numbers).as_py()
        if low_high["min"] is None:
            return
        self._low = low_high["min"] if self._low is None else min(self._low, low_high["min"])
        self._high = low_high["max"] if self._high is None else max(self._high, low_high["max"])
        if self._is_integer:
            marked = numbers.null_count > array.null_count
            self._codes.add(without_marks(array) if marked else array, self._low)
            self._repeats.add(numbers, array)

    def _count(self, numbers: pa.Array) -> None:
        values = numbers.drop_null().to_numpy(zero_copy_only=False)
        self._is_integer = self._is_integer and bool((values == np.rint(values)).all())
        if self._is_consecutive:
            before = [] if self._last is None else [self._last]
            with np.errstate(invalid="ignore"):  # inf less inf
                steps = np.diff(np.concatenate([before, values]))
            self._is_consecutive = not numbers.null_count and bool((steps == 1).all())
            self._last = float(values[-1]) if len(values) else self._last

    def _look_for_odd(self, was: ColumnKind) -> None:
        """Only among what a column was before: of dates, none is a number by accident."""
        if was is not ColumnKind.NUMERIC:
            self._odd_numbers.give_up()
        if was is not ColumnKind.DATE:
            self._odd_dates.give_up()

    def _sorted(self, different: dict[str, None], kind: ColumnKind) -> tuple[str, ...]:
        texts = sorted(different)
        is_numeric = kind is ColumnKind.NUMERIC
        if not texts or not (is_numeric or self._asked):
            return tuple(texts)
        numbers = numbers_in(pa.array(texts), self._decimal_comma)
        if numbers is None:
            return tuple(texts)
        by_size = sorted(zip(numbers.to_pylist(), texts, strict=True), key=_by_size)
        return tuple(text for number, text in by_size if number is not None or not is_numeric)


def columns_of(trackers: Iterable[ColumnTracker], first: str) -> tuple[Column, ...]:
    """What all columns hold; where dates can be read in several ways, as the user says by what
    stands ``first``, else as the others are, if those agree."""
    trackers = list(trackers)
    columns = [tracker.column(first) for tracker in trackers]
    shown = {first_part(one.date_format) for one in columns if not one.other_format} - {""}
    if len(shown) == 1:
        first = shown.pop()
        for place, tracker in enumerate(trackers):
            if columns[place].other_format:
                columns[place] = tracker.column(first)
    return tuple(columns)


def _by_size(number_and_text: tuple[float | None, str]) -> tuple[float, str]:
    number, text = number_and_text
    return (float("-inf") if number is None else number, text)
