"""How a text file is written, from its first megabyte: encoding, delimiter, header."""

import codecs
import csv
import io
import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from experiments.datasets.reading.column_values import booleans_in, clean, days_in, numbers_in
from experiments.datasets.reading.found import MOST_COLUMNS, Wanted, Written
from experiments.errors import DatasetError, unknown

#: Bytes of the longest line that is read.
LONGEST_LINE = 1 << 20
DELIMITERS = (",", ";", "\t", "|")
#: How long what is not needed whole is shown in a message.
SHOWN = 60

_GUESSED_FROM = 1 << 16  # bytes: charset-normalizer takes a second for a megabyte
_ROWS_LOOKED_AT = 200
_COLUMNS_LOOKED_AT = 200
_BEGINS_VALUE = re.compile(r"\s*([-+.,0-9]|(true|false|yes|no|inf(inity)?|nan)\s*$)", re.IGNORECASE)
_BOMS = (  # UTF-32's begins with UTF-16's
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Python has encodings that take time without end (idna) or unpack (zlib)
_ENCODINGS = (
    *("utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be", "ascii"),
    *(f"cp{page}" for page in (437, 850, 852, 866, 932, 949, 950, *range(1250, 1259))),
    *(f"iso8859-{part}" for part in range(1, 17) if part != 12),
    *("gb18030", "gbk", "big5", "euc_kr", "euc_jp", "shift_jis", "koi8-r", "koi8-u", "mac-roman"),
)


@dataclass(frozen=True)
class Layout:
    """How a file is written, the names of its columns and the bytes of its byte order mark.

    ``unnamed`` says how many columns the header leaves without a name.
    """

    written: Written
    names: tuple[str, ...]
    skipped_bytes: int
    unnamed: int = 0


class _Beginning(NamedTuple):
    rows: list[list[str]]
    delimiter: str


def detect(path: Path, wanted: Wanted) -> Layout:
    """How a file is written, corrected by ``wanted``; raises DatasetError where it is no table."""
    state = path.stat()
    ways = Wanted(delimiter=wanted.delimiter, encoding=wanted.encoding, header=wanted.header)
    return _detect(path, ways, (state.st_size, state.st_mtime_ns))


@lru_cache(maxsize=8)  # looked at, planned and read: three times the same
def _detect(path: Path, wanted: Wanted, state: tuple[int, int]) -> Layout:
    del state  # only tells files apart that were there one after the other
    with path.open("rb") as file:
        data = file.read(LONGEST_LINE)
        whole = not file.read(1)
    mark, encoding = _byte_order_mark(data)
    data = data[mark:]
    if not data.strip():
        raise DatasetError(f"{path.name} is empty. Choose a file with a line for each sample.")
    if wanted.encoding:
        allowed = _allowed_encoding(wanted.encoding)
        # Without its mark, UTF-16 would be read in this machine's byte order
        encoding = encoding if encoding and encoding.startswith(allowed) else allowed
    encoding = encoding or _guess_encoding(data, whole)
    text = codecs.getincrementaldecoder(encoding)("replace").decode(data, whole)
    if not whole:
        text = _whole_lines(path, text)
    beginning = _rows(path, text, wanted)
    first, rest = beginning.rows[0], beginning.rows[1:]
    if len(first) > MOST_COLUMNS:
        raise DatasetError(
            f"{path.name}: line 1 has {len(first):,} columns. Allowed: up to {MOST_COLUMNS:,}. "
            "Save it with those that matter."
        )
    header = wanted.header
    if header is None:
        header = _is_header(first, rest, beginning.delimiter == ";")
    written = Written(beginning.delimiter, encoding, header, mark > 0)
    names = _names(path, first) if header else [f"column {n + 1}" for n in range(len(first))]
    unnamed = sum(not name.strip() for name in first) if header else 0
    return Layout(written, tuple(names), mark, unnamed)


def _byte_order_mark(data: bytes) -> tuple[int, str | None]:
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return len(mark), encoding
    return 0, None


def _allowed_encoding(name: str) -> str:
    try:
        canonical = codecs.lookup(name).name
    except LookupError:
        canonical = name
    if canonical not in _ENCODINGS:
        raise DatasetError(unknown("encoding", name, _ENCODINGS))
    return canonical


def _guess_encoding(data: bytes, whole: bool) -> str:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data, whole)
        return "utf-8"
    except UnicodeDecodeError as error:
        # Guess from around the first letter that is no UTF-8
        start = max(0, data.rfind(b"\n", 0, error.start) + 1 - _GUESSED_FROM // 2)
    if b"\0" in data:
        return "utf-8"  # no encoding of texts that has no mark has NUL; refused with its place
    from charset_normalizer import from_bytes

    sample = data[start : start + _GUESSED_FROM]
    best = from_bytes(sample).best()
    if best is None:
        return "cp1252" if _decodes(data, "cp1252") else "iso8859-1"
    try:
        # What reads the same in Western Europe's encoding is that: cp1250 is guessed for German
        if sample.decode("cp1252") == str(best):
            return "cp1252"
    except UnicodeDecodeError:
        pass
    guessed = codecs.lookup(best.encoding).name
    if guessed in _ENCODINGS and _decodes(data, guessed):
        return guessed
    return "cp1252" if _decodes(data, "cp1252") else "iso8859-1"


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        codecs.getincrementaldecoder(encoding)().decode(data)
    except UnicodeDecodeError:
        return False
    return True


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
    table = [row for row in rows if len(row) == cells]
    columns = list(zip(*table[1:21], strict=True)) if cells <= MOST_COLUMNS else []
    some = columns[:: max(1, len(columns) // _COLUMNS_LOOKED_AT)]
    comma = beginning.delimiter == ";"
    values = sum(_are_values(column, comma) for column in some)
    return (agreeing / len(rows), values / max(1, len(some)), cells)


def _are_values(texts: tuple[str, ...], decimal_comma: bool) -> bool:
    """Whether texts are numbers, booleans or dates, and not all missing."""
    if len(texts) == 1 and not _BEGINS_VALUE.match(texts[0]):
        return False  # names of columns: thousands, each by itself
    array = clean(pa.array(texts, pa.string()))
    if array.null_count == len(array):
        return False
    numbers = numbers_in(array, decimal_comma)
    if numbers is not None:
        return numbers.null_count < len(numbers)
    return booleans_in(array) is not None or days_in(array) is not None


def _is_header(first: list[str], rest: list[list[str]], decimal_comma: bool) -> bool:
    if any(_are_values((name,), decimal_comma) for name in first) or not any(first):
        return False
    columns = list(zip(*(row for row in rest if len(row) == len(first)), strict=True))
    if any(_are_values(column, decimal_comma) for column in columns):
        return True
    names = [name.strip() for name in first]
    repeated = any(name in column for name, column in zip(names, columns, strict=False) if name)
    return len(set(names)) == len(names) and not repeated


def _names(path: Path, first: list[str]) -> list[str]:
    names = [name.strip() or f"column {n + 1}" for n, name in enumerate(first)]
    for name, times in Counter(names).items():
        if times > 1:
            places = ", ".join(str(n + 1) for n, each in enumerate(names) if each == name)
            raise DatasetError(
                f"{path.name}: the header has {name[:SHOWN]!r} {times} times, in columns "
                f"{places[:SHOWN]}. Give each column its own name."
            )
    return names
