"""How a text file is written, from its first megabyte: encoding, delimiter, header."""

import codecs
import csv
import io
import re
from collections import Counter
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from experiments.core.errors import DatasetError
from experiments.data.reading.reader import DELIMITERS, MOST_COLUMNS, ReadOptions, TextDialect
from experiments.data.reading.tables.number_styles import AmbiguousNumber, Commas, find_commas
from experiments.data.reading.text.csv_endings import AT_ITS_END, NOTHING, Ending, find_ending
from experiments.data.reading.text.csv_headers import (
    SHOWN,
    Header,
    are_values,
    columns_of,
    judge_header,
    names_in,
    refuse_second_header,
    stands_over_values,
)
from experiments.data.reading.text.csv_spaces import with_tabs
from experiments.data.reading.text.encodings import asked_for, byte_order_mark, guess

#: Stands for any white space between cells.
WHITE_SPACE = "whitespace"
#: Bytes of the longest line that is read.
LONGEST_LINE = 1 << 20

_ROWS_LOOKED_AT = 2000
_COLUMNS_LOOKED_AT = 200
_FEW_ROWS = 3
# Sentences do not all have so many words, with a number in one place or without, in so many lines
_MANY_CELLS, _MANY_WORDS, _MANY_ROWS = 5, 8, 20
# What Excel reads of a first line: sep=;
_SEPARATOR = re.compile(r'"?sep=([^\r\n])"?\r?\n', re.IGNORECASE)


@dataclass(frozen=True)
class Layout:
    """How a file is written, the names of its columns, and what stands before them: a byte
    order mark, the line sep=;.

    ``commas`` are the columns, from 0, whose numbers have decimal commas, ``unclear`` those
    that may have. ``unnamed`` says how many columns the header leaves without a name, and ``doubt``
    what is not clear about it. ``unlike_rows`` is whether no row of data can be as the header.
    ``row_names`` is whether they begin the rows, and not the header: as R's write.table writes.
    ``usual_cells`` is how many most rows have, 0 where few rows show it, and ``ending`` what
    is left out behind them.
    """

    written: TextDialect
    names: tuple[str, ...]
    skipped_bytes: int
    skipped_lines: int = 0
    commas: frozenset[int] = frozenset()
    unclear: tuple[AmbiguousNumber, ...] = ()
    unnamed: int = 0
    doubt: str = ""
    unlike_rows: bool = False
    row_names: bool = False
    usual_cells: int = 0
    ending: Ending = AT_ITS_END

    @property
    def splitting(self) -> str:
        """The character between cells, once white space is a tab (see csv_spaces)."""
        return _splitting(self.written.delimiter)


class _Beginning(NamedTuple):
    rows: list[list[str]]
    delimiter: str
    row_names: bool = False


def detect(path: Path, wanted: ReadOptions) -> Layout:
    """How a file is written, corrected by ``wanted``; raises DatasetError where it is no table."""
    state = path.stat()
    ways = ReadOptions(
        delimiter=wanted.delimiter, encoding=wanted.encoding, header=wanted.header,
        decimal=wanted.decimal,
    )  # fmt: skip
    return _detect(path, ways, (state.st_size, state.st_mtime_ns))


@lru_cache(maxsize=8)  # looked at, planned and read: three times the same
def _detect(path: Path, wanted: ReadOptions, state: tuple[int, int]) -> Layout:
    del state  # only tells files apart that were there one after the other
    with path.open("rb") as file:
        data = file.read(LONGEST_LINE)
        whole = not file.read(1)
    mark, encoding = byte_order_mark(data)
    data = data[mark:]
    if not data.strip():
        raise DatasetError(f"{path.name} is empty. Choose a file with one line per sample.")
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
    ending = find_ending(path, skipped, encoding, _splitting(beginning.delimiter))
    while whole and len(beginning.rows) > 1 and not "".join(beginning.rows[-1]).strip(NOTHING):
        beginning.rows.pop()
    first, rest = beginning.rows[0], beginning.rows[1:]
    if len(first) > MOST_COLUMNS:
        raise DatasetError(
            f"{path.name}: line 1 has {len(first):,} columns. Allowed: up to {MOST_COLUMNS:,}. "
            "Save it with those that matter."
        )
    if beginning.row_names:
        judged = Header(True, sure=True)
    elif wanted.header is None:
        refuse_second_header(path, first, rest)
        judged = judge_header(first, rest)
    else:
        judged = Header(wanted.header, sure=wanted.header and stands_over_values(first, rest))
    header = judged.there
    columns = columns_of(rest if header else beginning.rows, len(first))
    commas = Commas(frozenset(range(len(first))) if wanted.decimal == "," else frozenset())
    if wanted.decimal is None:
        commas = find_commas(columns, beginning.delimiter)
    written = TextDialect(beginning.delimiter, encoding, header, bom, bool(commas.columns))
    names = names_in(path, first) if header else [f"column {n + 1}" for n in range(len(first))]
    unnamed = sum(not name.strip() for name in first) if header else 0
    return Layout(
        written=written,
        names=tuple(names),
        skipped_bytes=skipped,
        skipped_lines=int(bool(separator)),
        commas=commas.columns,
        unclear=commas.unclear,
        unnamed=unnamed,
        doubt=judged.note,
        unlike_rows=judged.sure,
        row_names=beginning.row_names,
        usual_cells=_usual_cells(rest),
        ending=ending,
    )


def _usual_cells(rows: list[list[str]]) -> int:
    cells, times = Counter(map(len, rows)).most_common(1)[0] if rows else (0, 0)
    return cells if times >= _FEW_ROWS else 0


def _whole_lines(path: Path, text: str) -> str:
    end = max(text.rfind("\n"), text.rfind("\r"))
    if end < 0:
        raise DatasetError(
            f"{path.name}: line 1 is longer than {LONGEST_LINE:,} bytes. Write one line for each "
            f"sample, of up to {MOST_COLUMNS:,} columns."
        )
    return text[: end + 1]


def _rows(path: Path, text: str, wanted: ReadOptions) -> _Beginning:
    """The first rows, split by the delimiter under which they look most like a table."""
    if wanted.delimiter == WHITE_SPACE:
        return _with_row_names(_split(path, with_tabs(text), "\t"), text, wanted)
    if wanted.delimiter is not None:
        if len(wanted.delimiter) != 1 or wanted.delimiter in '"\r\n' or ord(wanted.delimiter) > 127:
            raise DatasetError(
                f"Received {wanted.delimiter!r} as delimiter. Allowed: {WHITE_SPACE}, or one ASCII "
                f"character such as {', '.join(map(repr, list(DELIMITERS)[:-1]))}."
            )
        return _Beginning(_split(path, text, wanted.delimiter), wanted.delimiter)
    tried, refused = [], []
    for delimiter in (one for one in DELIMITERS if one != WHITE_SPACE):
        try:
            tried.append(_Beginning(_split(path, text, delimiter), delimiter))
        except DatasetError as error:
            refused.append(error)
    best = max(tried, key=_likeness, default=None)
    if best is None or _likeness(best)[0] < 1 or _likeness(best)[1] == 0:
        one_column = best is None or _likeness(best)[2] == 1
        spaced = _with_white_space(path, text, wanted, refuse=one_column)
        if spaced is not None:
            return spaced
    if best is None or (refused and len(best.rows[0]) == 1):
        raise refused[0]
    return best


def _with_white_space(
    path: Path, text: str, wanted: ReadOptions, refuse: bool
) -> _Beginning | None:
    """The rows as white space splits them, where all agree and half of their cells are values, or
    there are many cells in many rows; ``refuse`` those of which nearly all agree."""
    try:
        rows = _split(path, with_tabs(text), "\t")
    except DatasetError:
        return None
    spaced = _with_row_names(rows, text, wanted)
    agreeing, values, cells = _likeness(spaced)
    many = cells >= (_MANY_CELLS if values else _MANY_WORDS) and len(rows) >= _MANY_ROWS
    if agreeing == 1 and len(rows) > 2 and cells > 1 and (values >= 0.5 or many):
        return spaced
    if refuse and 0.8 <= agreeing < 1 and cells >= _FEW_ROWS and values >= 0.5:
        other = next(row for row in rows if len(row) != cells)
        raise DatasetError(
            f"{path.name}: by white space most lines have {cells:,} cells, and others not, such as "
            f"{' '.join(other)[:SHOWN]!r} with {len(other):,}. Write NA where a value is missing, "
            "put quotes around cells and names with spaces, and delete lines that are not rows; or "
            "say by which delimiter the cells are split."
        )
    return None


def _with_row_names(rows: list[list[str]], text: str, wanted: ReadOptions) -> _Beginning:
    """Rows by white space; with an empty cell before the header where that has one cell less than
    all others, which begin with different names: so R's write.table writes them."""
    first, rest = rows[0], rows[1:]
    names = {row[0] for row in rest}
    alike = len(rest) >= _FEW_ROWS and {len(row) for row in rest} == {len(first) + 1}
    above = text.lstrip(" \t")[:1] in "\r\n"
    if wanted.header is False or not alike or len(names) < len(rest) or above:
        return _Beginning(rows, WHITE_SPACE)
    if len(set(first)) < len(first) or any(are_values((name,)) for name in first):
        return _Beginning(rows, WHITE_SPACE)
    return _Beginning([["", *first], *rest], WHITE_SPACE, row_names=True)


def _splitting(delimiter: str) -> str:
    return "\t" if delimiter == WHITE_SPACE else delimiter


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
        raise DatasetError(f"{path.name} has no rows. Choose a file with one line per sample.")
    return rows


def _likeness(beginning: _Beginning) -> tuple[float, float, int]:
    """How many rows agree in their number of cells, how many cells are values, how many cells."""
    rows = beginning.rows[:-1] if len(beginning.rows) > 2 else beginning.rows
    cells, agreeing = Counter(map(len, rows)).most_common(1)[0]
    if cells == 1:
        return (0.0, 0.0, 1)
    columns = columns_of(rows[1:21], cells) if cells <= MOST_COLUMNS else []
    some = columns[:: max(1, len(columns) // _COLUMNS_LOOKED_AT)]
    values = sum(map(are_values, some))
    return (agreeing / len(rows), values / max(1, len(some)), cells)
