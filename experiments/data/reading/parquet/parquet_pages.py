"""The headers of a Parquet file's pages, which Arrow believes, held against its footer.

Arrow allocates what a page declares before it looks at the page. The footer is checked for sizes
beyond reason; a page that declares more than the footer does for all of its column is refused.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

from experiments.core.errors import DatasetError

_MOST_OF_A_HEADER = 16 << 20  # bytes, as in Arrow: statistics can hold long texts
_WINDOW = 1 << 12
# Writers count the bytes of headers and levels in different ways
_SLACK_TIMES, _SLACK_BYTES = 2, 1 << 20
_DEEPEST = 20
_MOST_FIELDS = 10_000
_MOST_PAGES = 1_000_000  # they are usually a megabyte each
# Thrift's compact protocol
_STOP, _TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = (
    0, 1, 2, 3, 7, 8, 9, 10, 11, 12,
)  # fmt: skip
_WHOLE_NUMBERS = (4, 5, 6)
# Fields of PageHeader, and of what stands in it for each kind of page with data
_UNPACKED, _PACKED, _DATA_PAGES = 2, 3, (5, 8)
_VALUES = 1


class _Page(NamedTuple):
    """Bytes of its header, bytes after it, bytes unpacked, values (0 in a dictionary)."""

    header: int
    packed: int
    unpacked: int
    values: int


def check_pages(path: Path, metadata: Any) -> None:
    """Raise DatasetError where pages contradict the footer (pyarrow's FileMetaData)."""
    pages = 0
    with path.open("rb") as file:
        for group in range(metadata.num_row_groups):
            for number in range(metadata.num_columns):
                column = metadata.row_group(group).column(number)
                where = (
                    f"{path.name}: the column {column.path_in_schema[:100]!r} of row group {group} "
                    "(from 0)"
                )
                pages += _check_column(file, column, where, _MOST_PAGES - pages)


def _check_column(file: IO[bytes], column: Any, where: str, most: int) -> int:
    """How many pages it has; raises DatasetError for more than ``most``."""
    number = unpacked = values = 0
    allowed = column.total_uncompressed_size * _SLACK_TIMES + _SLACK_BYTES
    for number, page in enumerate(_pages(file, column, where), start=1):
        unpacked += page.header + page.unpacked
        values += page.values
        if unpacked > allowed:
            raise _contradiction(
                f"{where}: its pages declare {unpacked:,} bytes up to page {number:,}, the "
                f"footer {column.total_uncompressed_size:,} for all of them"
            )
        if values > column.num_values:
            raise _contradiction(
                f"{where}: its pages declare {values:,} values up to page {number:,}, the "
                f"footer {column.num_values:,} for all of them"
            )
        if number > most:
            raise DatasetError(
                f"{where}: up to here the file has more than {_MOST_PAGES:,} pages. Write it again "
                "with the usual page size, 1 MB."
            )
    return number


def _pages(file: IO[bytes], column: Any, where: str) -> Iterator[_Page]:
    first = column.dictionary_page_offset if column.has_dictionary_page else None
    starts = [start for start in (first, column.data_page_offset) if start]
    at = min(starts, default=0)
    end = at + column.total_compressed_size
    while at < end:
        page = _read_page(file, at, where)
        at += page.header + page.packed
        if min(page.packed, page.unpacked, page.values) < 0 or at > end:
            raise _contradiction(
                f"{where}: the page that ends at byte {at:,} declares {page.packed:,} bytes, "
                f"{page.unpacked:,} unpacked and {page.values:,} values; the column ends at byte "
                f"{end:,}"
            )
        yield page


def _read_page(file: IO[bytes], at: int, where: str) -> _Page:
    size = _WINDOW
    while True:
        file.seek(at)
        window = file.read(size)
        try:
            return _page(window)
        except (IndexError, ValueError, RecursionError) as error:
            if isinstance(error, IndexError) and len(window) == size < _MOST_OF_A_HEADER:
                size *= 8
                continue
            raise DatasetError(
                f"{where}: the header of the page at byte {at:,} cannot be read. The file is "
                "damaged or encrypted; write or copy it again."
            ) from None


def _page(window: bytes) -> _Page:
    """Raises IndexError where the window is too short, ValueError where it is no header."""
    reader = _Thrift(window)
    fields = reader.struct()
    values = 0
    for number in _DATA_PAGES:
        if isinstance(kind := fields.get(number), dict):
            values = kind.get(_VALUES, 0)
    packed, unpacked = fields.get(_PACKED), fields.get(_UNPACKED)
    if not (isinstance(packed, int) and isinstance(unpacked, int) and isinstance(values, int)):
        raise ValueError("no sizes")
    return _Page(reader.at, packed, unpacked, values)


class _Thrift:
    """Numbers and structs of the compact protocol, by their field numbers; all else is passed."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def struct(self, depth: int = 0) -> dict[int, Any]:
        """The fields from here to the end of the struct."""
        fields: dict[int, Any] = {}
        field = 0
        for _ in range(_MOST_FIELDS):
            head = self._byte()
            kind = head & 0x0F
            if kind == _STOP:
                return fields
            field = field + (head >> 4) if head >> 4 else self._whole()
            fields[field] = kind == _TRUE if kind in (_TRUE, _FALSE) else self._value(kind, depth)
        raise ValueError("too many fields")

    def _value(self, kind: int, depth: int) -> Any:
        if depth > _DEEPEST:
            raise ValueError("too deep")
        if kind in _WHOLE_NUMBERS:
            return self._whole()
        if kind == _STRUCT:
            return self.struct(depth + 1)
        if kind in (_TRUE, _FALSE, _BYTE):
            return self._pass(1)
        if kind == _DOUBLE:
            return self._pass(8)
        if kind == _BINARY:
            return self._pass(self._varint())
        if kind in (_LIST, _SET):
            head = self._byte()
            count = head >> 4 if head >> 4 < 15 else self._varint()
            return self._pass_all([head & 0x0F] * min(count, _MOST_FIELDS + 1), depth)
        if kind == _MAP:
            count = self._varint()
            kinds = self._byte() if count else 0
            return self._pass_all([kinds >> 4, kinds & 0x0F] * min(count, _MOST_FIELDS), depth)
        raise ValueError(f"type {kind}")

    def _pass_all(self, kinds: list[int], depth: int) -> None:
        if len(kinds) > _MOST_FIELDS:
            raise ValueError("too many values")
        for kind in kinds:
            self._value(kind, depth + 1)

    def _pass(self, count: int) -> None:
        self.at += count
        if self.at > len(self._data):
            raise IndexError

    def _byte(self) -> int:
        byte = self._data[self.at]
        self.at += 1
        return byte

    def _varint(self) -> int:
        number = shift = 0
        while True:
            byte = self._byte()
            number |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return number
            if shift > 63:
                raise ValueError("a number too long")

    def _whole(self) -> int:
        number = self._varint()
        return (number >> 1) ^ -(number & 1)


def _contradiction(found: str) -> DatasetError:
    return DatasetError(f"{found}. The file is damaged or made to harm; write it again.")
