"""How a text file is written, from its first megabyte: encoding, delimiter, header."""

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from experiments.datasets.reading.column_targets import TARGET_NAMES
from experiments.datasets.reading.column_values import booleans_in, clean, date_formats, numbers_in
from experiments.datasets.reading.encodings import asked_for, byte_order_mark, guess
from experiments.datasets.reading.found import MOST_COLUMNS, Wanted, Written
from experiments.datasets.reading.number_styles import comma_columns
from experiments.errors import DatasetError

#: Bytes of the longest line that is read.
LONGEST_LINE = 1 << 20
DELIMITERS = (",", ";", "\t", "|")
#: How long what is not needed whole is shown in a message.
SHOWN = 60

_ROWS_LOOKED_AT = 2000
_COLUMNS_LOOKED_AT = 200
_BEGINS_VALUE = re.compile(r"\s*([-+.,0-9]|(true|false|yes|no|inf(inity)?|nan)\s*$)", re.IGNORECASE)
# A name, and no word for a value that is missing
_NAME = re.compile(r"(?!(n\.?a\.?|missing|unknown|none|null|nan)$)[^\W\d]", re.IGNORECASE)
# What Excel reads of a first line: sep=;
_SEPARATOR = re.compile(r'"?sep=([^\r\n])"?\r?\n', re.IGNORECASE)


@dataclass(frozen=True)
class Layout:
    """How a file is written, the names of its columns, and what stands before them: a byte
    order mark, the line sep=;.

    ``commas`` are the columns, from 0, whose numbers have decimal commas. ``unnamed`` says how
    many columns the header leaves without a name.
    """

    written: Written
    names: tuple[str, ...]
    skipped_bytes: int
    skipped_lines: int = 0
    commas: frozenset[int] = frozenset()
    unnamed: int = 0


class _Beginning(NamedTuple):
    rows: list[list[str]]
    delimiter: str


def detect(path: Path, wanted: Wanted) -> Layout:
    """How a file is written, corrected by ``wanted``; raises DatasetError where it is no table."""
    state = path.stat()
    ways = Wanted(
        delimiter=wanted.delimiter, encoding=wanted.encoding, header=wanted.header,
        decimal=wanted.decimal,
    )  # fmt: skip
    return _detect(path, ways, (state.st_size, state.st_mtime_ns))


@lru_cache(maxsize=8)  # looked at, planned and read: three times the same
def _detect(path: Path, wanted: Wanted, state: tuple[int, int]) -> Layout:
    del state  # only tells files apart that were there one after the other
    with path.open("rb") as file:
        data = file.read(LONGEST_LINE)
        whole = not file.read(1)
    mark, encoding = byte_order_mark(data)
    data = data[mark:]
    if not data.strip():
        raise DatasetError(f"{path.name} is empty. Choose a file with a line for each sample.")
    if wanted.encoding:
        encoding = asked_for(wanted.encoding, encoding)
    encoding = encoding or guess(path, data, whole)
    text = codecs.getincrementaldecoder(encoding)("replace").decode(data, whole)
    if not whole:
        text = _whole_lines(path, text)
    skipped, bom = mark, mark > 0
    separator = _SEPARATOR.match(text)
    if separator:
        text = text[separator.end() :]
        skipped += len(separator[0].encode(encoding))
        wanted = replace(wanted, delimiter=wanted.delimiter or separator[1])
    beginning = _rows(path, text, wanted)
    first, rest = beginning.rows[0], beginning.rows[1:]
    if len(first) > MOST_COLUMNS:
        raise DatasetError(
            f"{path.name}: line 1 has {len(first):,} columns. Allowed: up to {MOST_COLUMNS:,}. "
            "Save it with those that matter."
        )
    header = wanted.header
    if header is None:
        header = _is_header(first, rest)
    columns = _columns(rest if header else beginning.rows, len(first))
    commas = frozenset(range(len(first))) if wanted.decimal == "," else frozenset()
    if wanted.decimal is None:
        commas = comma_columns(columns, beginning.delimiter)
    written = Written(beginning.delimiter, encoding, header, bom, bool(commas))
    names = _names(path, first) if header else [f"column {n + 1}" for n in range(len(first))]
    unnamed = sum(not name.strip() for name in first) if header else 0
    return Layout(written, tuple(names), skipped, int(bool(separator)), commas, unnamed)


def _whole_lines(path: Path, text: str) -> str:
    end = max(text.rfind("\n"), text.rfind("\r"))
    if end < 0:
        raise DatasetError(
            f"{path.name}: line 1 is longer than {LONGEST_LINE:,} bytes. Write one line for each "
            f"sample, of up to {MOST_COLUMNS:,} columns."
        )
    return text[: end + 1]


def _rows(path: Path, text: str, wanted: Wanted) -> _Beginning:
    """The first rows, split by the delimiter under which they look most like a table."""
    if wanted.delimiter is not None:
        if len(wanted.delimiter) != 1 or wanted.delimiter in '"\r\n' or ord(wanted.delimiter) > 127:
            raise DatasetError(
                f"Received {wanted.delimiter!r} as delimiter. Allowed: one ASCII character such as "
                f"{', '.join(map(repr, DELIMITERS))}."
            )
        return _Beginning(_split(path, text, wanted.delimiter), wanted.delimiter)
    tried, refused = [], []
    for delimiter in DELIMITERS:
        try:
            tried.append(_Beginning(_split(path, text, delimiter), delimiter))
        except DatasetError as error:
            refused.append(error)
    best = max(tried, key=_likeness, default=None)
    if best is None or (refused and len(best.rows[0]) == 1):
        raise refused[0]
    return best


def _split(path: Path, text: str, delimiter: str) -> list[list[str]]:
    rows: list[list[str]] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for row in reader:
            if row:
                rows.append(row)
            if len(rows) == _ROWS_LOOKED_AT:
                break
    except csv.Error as error:
        raise DatasetError(
            f"{path.name}: line {reader.line_num:,} cannot be split into cells ({error}). "
            "Close every quote, and keep cells under 131,072 characters."
        ) from error
    if not rows:
        raise DatasetError(f"{path.name} has no rows. Choose a file with a line for each sample.")
    return rows


def _likeness(beginning: _Beginning) -> tuple[float, float, int]:
    """How many rows agree in their number of cells, how many cells are values, how many cells."""
    rows = beginning.rows[:-1] if len(beginning.rows) > 2 else beginning.rows
    cells, agreeing = Counter(map(len, rows)).most_common(1)[0]
    if cells == 1:
        return (0.0, 0.0, 1)
    columns = _columns(rows[1:21], cells) if cells <= MOST_COLUMNS else []
    some = columns[:: max(1, len(columns) // _COLUMNS_LOOKED_AT)]
    values = sum(map(_are_values, some))
    return (agreeing / len(rows), values / max(1, len(some)), cells)


def _columns(rows: Sequence[Sequence[str]], cells: int) -> list[tuple[str, ...]]:
    """The cells of each column, of the rows that have so many cells."""
    return list(zip(*(row for row in rows if len(row) == cells), strict=True)) or [()] * cells


def _are_values(texts: tuple[str, ...]) -> bool:
    """Whether texts are numbers, booleans or dates, and not all missing."""
    if len(texts) == 1 and not _BEGINS_VALUE.match(texts[0]):
        return False  # names of columns: thousands, each by itself
    array = clean(pa.array(texts, pa.string()))
    if array.null_count == len(array):
        return False
    for decimal_comma in (False, True):
        numbers = numbers_in(array, decimal_comma)
        if numbers is not None:
            return numbers.null_count < len(numbers)
    return booleans_in(array) is not None or bool(date_formats(array))


def _is_header(first: list[str], rest: list[list[str]]) -> bool:
    """Whether the first line has names: none of it is a value, or what is stands among names."""
    columns = _columns(rest, len(first))
    names = [name.strip() for name in first]
    values = [_are_values((name,)) for name in names]
    if not any(names):
        return False
    if any(values):
        return _has_names_among(names, values, columns)
    if any(map(_are_values, columns)):
        return True
    repeated = any(name in column for name, column in zip(names, columns, strict=True) if name)
    return len(set(names)) == len(names) and not repeated


def _has_names_among(names: list[str], values: list[bool], columns: list[tuple[str, ...]]) -> bool:
    """Whether a first line with values is one of names all the same: 0, 1, 2, target."""
    if len(set(names)) < len(names) or not any(columns):
        return False
    texts = [n for n, name in enumerate(names) if _NAME.match(name) and not values[n]]
    if any(names[n].lower() in TARGET_NAMES or _are_values(columns[n]) for n in texts):
        return True
    # country, 2019, 2020: they count, and what is beside them stands in no row
    whole = [name for n, name in enumerate(names) if values[n]]
    count = [int(name) for name in whole if name.isascii() and name.isdigit()]
    counts = len(count) == len(whole) > 1 and count == list(range(count[0], count[-1] + 1))
    unseen = any(0 < len(set(columns[n])) < len(columns[n]) for n in texts)
    return counts and unseen and not any(names[n] in columns[n] for n in texts)


def unquote(text: str) -> str:
    """A text without the quotes around it that are left where a space stands before them."""
    if len(text) > 1 and text[0] == text[-1] == '"':
        return text[1:-1].replace('""', '"')
    return text


def _names(path: Path, first: list[str]) -> list[str]:
    names = [unquote(name.strip()) or f"column {n + 1}" for n, name in enumerate(first)]
    for name, times in Counter(names).items():
        if times > 1:
            places = ", ".join(str(n + 1) for n, each in enumerate(names) if each == name)
            raise DatasetError(
                f"{path.name}: the header has {name[:SHOWN]!r} {times} times, in columns "
                f"{places[:SHOWN]}. Give each column its own name."
            )
    return names
