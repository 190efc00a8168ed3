"""Whether the first line of a text names its columns, by what stands below it."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from experiments.core.errors import DatasetError
from experiments.data.reading.tables.column_targets import TARGET_NAMES
from experiments.data.reading.tables.column_values import (
    MARKS,
    MISSING,
    booleans_in,
    clean,
    date_formats,
    numbers_in,
)
from experiments.data.reading.tables.date_styles import is_month
from experiments.data.reading.text.csv_counts import (
    LONG_COUNT,
    LONG_STEPS,
    are_years,
    counts,
    has_no_number,
    has_no_whole_number,
    has_numbers_alone,
    is_far_from,
)

#: How long what is not needed whole is shown in a message.
SHOWN = 60
#: A byte order mark, which stands within a text where files were joined.
MARK = "\ufeff"

_BEGINS_VALUE = re.compile(r"\s*([-+.,0-9]|(true|false|yes|no|inf(inity)?|nan)\s*$)", re.IGNORECASE)
# A name, and no word for a value that is missing
_NAME = re.compile(r"(?!(n\.?a\.?|missing|unknown|none|null|nan)$)[^\W\d]", re.IGNORECASE)
_MARKS = frozenset((*MISSING, *MARKS)) - {""}
_WORDS = frozenset(("true", "false", "yes", "no"))
_SPACE = f" \t{MARK}"
_FEW_ROWS = 3  # show nothing about a column

Cells = tuple[str, ...]


class Header(NamedTuple):
    """Whether there is one, and a note where that is not clear.

    ``sure`` is whether its cells, as they are, cannot be a sample.
    """

    there: bool
    note: str = ""
    sure: bool = False


def judge_header(first: list[str], rest: list[list[str]]) -> Header:
    """Whether the first line has names."""
    names = [name.strip() for name in first]
    if not any(names):
        return Header(False)
    others = _unlike(first, rest)
    if len(others) < len(rest):  # a header that comes again, or a sample that does
        again = _judge(first, names, columns_of(others, len(first)))
        if again.sure:
            return again
    return _judge(first, names, columns_of(rest, len(first)))


def stands_over_values(first: list[str], rest: list[list[str]]) -> bool:
    """Whether a line has a name over a column of values; lines equal to it do not count."""
    columns = columns_of(_unlike(first, rest), len(first))
    pairs = zip((name.strip() for name in first), columns, strict=True)
    return any(
        _NAME.match(name) and not _is_value(name, column) and are_values(column)
        for name, column in pairs
    )


def refuse_second_header(path: Path, first: list[str], rest: list[list[str]]) -> None:
    """Refuse a line of units below the names, and names on two levels as pandas writes them."""
    if len(rest) <= _FEW_ROWS or len(rest[0]) != len(first):
        return
    second = [cell.strip() for cell in rest[0]]
    named = [n for n, cell in enumerate(second) if cell and cell not in _MARKS]
    if len(named) < 2 or any(are_values((cell,)) for cell in (*first, *second)):
        return
    columns = columns_of(rest[1:], len(first))
    over = [n for n in named if are_values(columns[n])]
    if len(over) < 2 or any(second[n] in map(str.strip, columns[n]) for n in named):
        return
    raise DatasetError(
        f"{path.name}: line 2 has names too, or units ({_shown(rest[0])}), and values begin below "
        "it. Write each column's name in line 1 only, and delete line 2."
    )


def columns_of(rows: Sequence[Sequence[str]], cells: int) -> list[Cells]:
    """The cells of each column, of the rows that have so many cells."""
    return list(zip(*(row for row in rows if len(row) == cells), strict=True)) or [()] * cells


def are_values(texts: Cells) -> bool:
    """Whether texts are numbers, booleans or dates, and not all missing."""
    if len(texts) == 1 and (not _BEGINS_VALUE.match(texts[0]) or is_month(texts[0])):
        return False  # names of columns: thousands, each by itself
    array = clean(pa.array(texts, pa.string()))
    if array.null_count == len(array):
        return False
    for decimal_comma in (False, True):
        numbers = numbers_in(array, decimal_comma)
        if numbers is not None:
            return numbers.null_count < len(numbers)
    return booleans_in(array) is not None or bool(date_formats(array))


def unquote(text: str) -> str:
    """A text without the quotes around it that are left where a space stands before them."""
    if len(text) > 1 and text[0] == text[-1] == '"':
        return text[1:-1].replace('""', '"')
    return text


def names_in(path: Path, first: list[str]) -> list[str]:
    """The names in a header, all different; raises DatasetError where two are the same."""
    names = [unquote(name.strip()) or f"column {n + 1}" for n, name in enumerate(first)]
    for name, times in Counter(names).items():
        if times > 1:
            places = ", ".join(str(n + 1) for n, each in enumerate(names) if each == name)
            raise DatasetError(
                f"{path.name}: the header has {name[:SHOWN]!r} {times} times, in columns "
                f"{places[:SHOWN]}. Give each column its own name."
            )
    return names


def _unlike(first: list[str], rows: list[list[str]]) -> list[list[str]]:
    """The rows that are not the same as the first; a byte order mark is no difference."""
    names = [name.strip() for name in first]
    return [
        row
        for row in rows
        if row[0].strip(_SPACE) != names[0] or list(map(str.strip, row[1:])) != names[1:]
    ]


def _judge(first: list[str], names: list[str], columns: list[Cells]) -> Header:
    pairs = list(zip(names, columns, strict=True))
    values = [_is_value(name, below) and not _is_no_truth(name, below) for name, below in pairs]
    dates = [
        n
        for n, pair in enumerate(pairs)
        if values[n] and has_no_number(pair[:1]) and _is_odd_date(*pair)
    ]
    if len(dates) > 1:
        values = [value and n not in dates for n, value in enumerate(values)]
    if all(value or not name for value, name in zip(values, names, strict=True)):
        return _of_numbers(first, names, columns)
    repeated = {
        n for n, name in enumerate(names) if name and name in {cell.strip() for cell in columns[n]}
    }
    texts = [n for n, name in enumerate(names) if _NAME.match(name) and not values[n]]
    if any(values) and (len(set(names)) < len(names) or not any(columns)):
        return Header(False)
    against = {n for n in repeated if not values[n]}
    if any(names[n].lower() in TARGET_NAMES and n not in against for n in texts):
        return Header(True, sure=True)
    over = {n for n in texts if n not in against and are_values(columns[n])}
    if any(values):
        if over:
            return Header(True, sure=True) if len(over) > len(against) else _no(first)
        if dates:
            return _no(first)
        return _beside_numbers(first, names, values, texts, columns)
    against |= {n for n, name in enumerate(names) if name in _MARKS}
    above_values = bool(over) or any(map(are_values, columns))
    if not against:
        return Header(above_values or len(set(names)) == len(names), sure=above_values)
    unseen = {n for n in texts if n not in against and 0 < len(set(columns[n])) < len(columns[n])}
    speaking = len(over | unseen)
    if above_values and speaking > len(against):
        return Header(True, sure=bool(over))
    if above_values and speaking == len(against):
        return Header(True, _as_names(first))
    return _no(first) if 2 * speaking >= len(against) else Header(False)


def _is_value(name: str, column: Cells) -> bool:
    """Whether the cell of the first line is one; months are names too, over what is none."""
    return are_values((name,)) or (is_month(name) and any(map(is_month, column)))


def _no(first: list[str]) -> Header:
    return Header(False, _as_sample(first))


def _is_no_truth(name: str, column: Cells) -> bool:
    """Whether No, True and the like stand over anything else: a name."""
    if name.lower() not in _WORDS:
        return False
    below = {cell.strip().lower() for cell in column} - {"", *map(str.lower, _MARKS)}
    return bool(below) and not below & _WORDS


def _is_odd_date(name: str, column: Cells) -> bool:
    """Whether a date stands over numbers."""
    return has_numbers_alone(column) and bool(date_formats(pa.array([name])))


def _beside_numbers(
    first: list[str], names: list[str], values: list[bool], texts: list[int], columns: list[Cells]
) -> Header:
    """country, 2019, 2020 above texts and numbers: numbers that count, or years, may be names."""
    if any(names[n] in columns[n] for n in texts):
        return Header(False)
    numbers = [name for name, value in zip(names, values, strict=True) if value]
    below = [column for column, value in zip(columns, values, strict=True) if value]
    counting = sum(map(counts, zip(*below, strict=True)))
    ascending = numbers == sorted(set(numbers))
    years = ascending and are_years(numbers) and not all(map(are_years, below))
    if not (counts(numbers) or years) or counting > len(below[0]) // 10:
        return Header(False)
    if counting or len(below[0]) < _FEW_ROWS:
        return _no(first)
    far = all(map(is_far_from, numbers, below))
    if len(numbers) >= LONG_COUNT or (len(numbers) > 1 and far):
        return Header(True, sure=True)
    unseen = any(len(set(columns[n])) < len(columns[n]) for n in texts)
    if len(numbers) >= (_FEW_ROWS if unseen else LONG_STEPS) or (years and len(numbers) > 1):
        return Header(True, _as_names(first))
    return _no(first)


def _of_numbers(first: list[str], names: list[str], columns: list[Cells]) -> Header:
    """Whether a line of nothing but numbers has names: 0, 1, 2 as pandas writes them for an array,
    years."""
    begin = 0 if names[0] else 1  # the index, which has no name
    numbers, below = names[begin:], columns[begin:]
    index = list(map(str.strip, columns[0]))
    if begin and index and (counts(numbers) or numbers == ["0"]):
        if index == [str(n) for n in range(len(index))]:
            return Header(True, sure=True)
    counting = sum(map(counts, zip(*below, strict=True)))
    # Of small whole numbers some rows count by chance; where many do the first is one of them
    few = counting <= (len(below[0]) // 10 if numbers[:1] == ["0"] else 0)
    texts = begin and all(index) and has_no_number(columns[0]) and not are_values(columns[0])
    if texts and few and (counts(numbers) or (are_years(numbers) and len(numbers) > 1)):
        named = len(set(index)) == len(index) >= _FEW_ROWS and not counting
        return Header(True, "" if named else _as_names(first), sure=named)
    if not counts(numbers) or not few:
        return Header(False)
    if counting or len(below[0]) < _FEW_ROWS:
        return _no(first)
    return _short_count(first, numbers, below)


def _short_count(first: list[str], numbers: list[str], below: list[Cells]) -> Header:
    """Whether numbers that count, and no row below does, are names. Of two to four fractions the
    first sample may count by chance: %g writes 0.0 and 1.0 as 0 and 1."""
    far = list(map(is_far_from, numbers, below))
    fractions = list(map(has_no_whole_number, below))
    if len(numbers) >= LONG_COUNT or all(far) or any(map(has_no_number, below)):
        return Header(True, sure=True)
    if len(numbers) >= LONG_STEPS and any(fractions):
        return Header(True, sure=True)
    classes = len(numbers) >= _FEW_ROWS and all(fractions[:-1]) and not fractions[-1]
    if any(fractions) and (any(far) or classes):
        return Header(True, _as_names(first))
    return _no(first)


def _as_sample(first: list[str]) -> str:
    return (
        f"The first line is read as a sample: {_shown(first)}. If it has the names of the columns, "
        "say so in The first line (--header)."
    )


def _as_names(first: list[str]) -> str:
    return (
        f"The first line is read as names: {_shown(first)}. If it is a sample, say so in The first "
        "line (--no-header)."
    )


def _shown(row: Sequence[str]) -> str:
    text = ", ".join(map(str.strip, row))
    return repr(text if len(text) <= SHOWN else f"{text[:SHOWN]}…")
