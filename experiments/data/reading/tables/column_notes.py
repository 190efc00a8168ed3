"""What is worth knowing of a table's columns: ids, cells that do not fit."""

import re
from collections.abc import Collection, Iterable, Iterator

import pyarrow as pa

from experiments.core.words import listed
from experiments.data.reading.reader import Column, ColumnKind, OddValues, Table
from experiments.data.reading.tables.column_precision import why_equal
from experiments.data.reading.tables.column_values import date_formats
from experiments.data.reading.tables.number_units import amounts_in

# pandas writes the rows' numbers unasked, without a name; a second time beside the first
_NUMBERS = re.compile(r"unnamed: [0-9]+([._][0-9]+)*|level_0|__index_level_[0-9]+__", re.I)
_IDS = re.compile(r"(id|index|idx|nr|no\.?|#|row(_?(id|nr|no|number|names?))?|.*[ _.-]id)", re.I)
_CAMEL_ID = re.compile(r".*[a-z](Id|ID)")  # PassengerId, and not paid
_OTHER_DATES = re.compile(
    r"\d{1,4}([./-])\d{1,2}\1\d{2,4}\b(?!\1).*|\d{1,2}[ -](jan|feb|mar|apr|may|jun|jul|aug|sep|"
    r"oct|nov|dec)[a-z]*[ -]\d{2,4}.*",
    re.IGNORECASE,
)
_YEAR = re.compile(r"\b(1[5-9]|20|21)\d{2}")
_SHOWN = 10


def why_no_feature(column: Column, rows: int, place: int | None = None) -> str:
    """Why nothing can be learned from a column, as notes say it; "" where something can.

    ``place`` is that of a column in a text with names, from 1: without one it is called by it.
    """
    present = rows - column.missing
    if column.kind is ColumnKind.EMPTY:
        return "empty"
    if column.distinct == 1:
        return "with one value only"
    if column.kind is ColumnKind.TEXT:
        if column.examples and all(map(_OTHER_DATES.fullmatch, column.examples)):
            return _how_written(column)
        if column.distinct == present > 1:
            return f"a different {'code' if column.code else 'text'} in every row"
        return "codes, too many for categories" if column.code else "text"
    if why := why_equal(column):
        return why
    nameless = column.name == f"column {place}" or bool(_NUMBERS.fullmatch(column.name))
    return _why_id(column, present, nameless)


def _how_written(column: Column) -> str:
    """What keeps texts that look like dates from being read as such."""
    if any(date_formats(pa.array([text])) for text in column.examples):
        return "dates that are not all written the same way, as 2024-01-31 or 31.01.2024"
    return "dates in an unknown format"


def about(table: Table, names: Collection[str]) -> tuple[str, ...]:
    """Notes on columns that are not what they were meant to be; those called ``names`` are
    categories because the user said so."""
    odd = [odd_words(c, c.odd, table.rows) + "." for c in table.columns if c.odd]
    more = (
        (f"The same applies to {len(odd) - _SHOWN:,} more columns.",) if len(odd) > _SHOWN else ()
    )
    units = tuple(_about_units([c for c in table.columns if c.name not in names]))[:_SHOWN]
    dates = tuple(_about_dates([c for c in table.columns if c.name not in names]))[:_SHOWN]
    return (*odd[:_SHOWN], *more, *_about_signs(table), *units, *dates)


def _about_signs(table: Table) -> Iterator[str]:
    signs = [f"{column.name} ({column.sign})" for column in table.columns if column.sign]
    if signs:
        yield f"Read as numbers, without the sign beside them: {listed(signs)}."


def _about_units(columns: Iterable[Column]) -> Iterator[str]:
    for column in columns:
        if column.kind not in (ColumnKind.CATEGORICAL, ColumnKind.TEXT) or column.odd:
            continue
        found = amounts_in(dict.fromkeys((*column.examples, *column.categories)))
        if column.code or found is None:
            continue
        told = f"numbers with {found.unit}" if found.unit else "numbers"
        yield (
            f"{column.name} is read as {column.kind}; its values look like {told}: "
            f"{found.example!r}. Write only digits, a sign and a decimal point there if they "
            "are amounts."
        )


def _about_dates(columns: Iterable[Column]) -> Iterator[str]:
    for column in columns:
        texts = column.examples
        if column.kind is not ColumnKind.CATEGORICAL or column.odd or not texts:
            continue
        if all(_OTHER_DATES.fullmatch(text) and _YEAR.search(text) for text in texts):
            yield (
                f"{column.name} is read as {column.kind}; its values look like "
                f"{_how_written(column)}: {texts[0]!r}."
            )


def odd_words(column: Column, odd: OddValues, rows: int) -> str:
    """Which cell keeps a column from being numbers, or dates, as a sentence without its end."""
    present = rows - column.missing
    return (
        f"{column.name} is read as {column.kind}, since {odd.count:,} of its {present:,} values "
        f"{'is' if odd.count == 1 else 'are'} no {odd.what}: the first is {odd.text!r} in row "
        f"{odd.row:,} (of data, from 1)"
    )


def _why_id(column: Column, present: int, nameless: bool) -> str:
    """Whole numbers that only tell the rows apart, by the column's name or since it has none."""
    if not column.is_integer or present < 3 or column.low is None or column.high is None:
        return ""
    named = _IDS.fullmatch(column.name) or _CAMEL_ID.fullmatch(column.name)
    if not column.is_unique or not (named or nameless or column.name == "column 1"):
        return ""
    if column.low in (0, 1) and column.high - column.low == present - 1:
        return "the numbers of the rows"
    if nameless and not named:
        return "whole numbers without a name, another in every row"
    return "ids, another in every row" if named else ""
