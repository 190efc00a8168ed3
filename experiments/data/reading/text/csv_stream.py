"""The text of a file as UTF-8, checked on the way: its encoding, no NUL bytes."""

import codecs
import csv
import io
from pathlib import Path

import numpy as np

from experiments.core.errors import DatasetError
from experiments.data.reading.text.csv_detecting import WHITE_SPACE, Layout
from experiments.data.reading.text.csv_spaces import Spaces

_CHUNK = 1 << 18
_QUOTE, _NEWLINE, _RETURN = b'"\n\r'


class CheckedText(io.RawIOBase):
    """A text file as a stream of UTF-8 bytes; reading raises DatasetError with line and column.

    Lines are those that an editor shows, from 1. ``quotes`` are those that went by.
    """

    def __init__(self, path: Path, layout: Layout) -> None:
        self._path = path
        self._file = path.open("rb")
        self._file.seek(layout.skipped_bytes)
        self._encoding = layout.written.encoding
        self._delimiter = layout.splitting
        self._spaces = Spaces() if layout.written.delimiter == WHITE_SPACE else None
        self._end = layout.ending.start
        self._decoder = codecs.getincrementaldecoder(self._encoding)()
        self._skipped = layout.skipped_lines
        self._line = 1 + self._skipped
        self._tail = b""  # of the line that is not at its end yet, as UTF-8
        self._ready = self._delimiter.encode() if layout.row_names else b""
        self._ended = False
        self.quotes = Quotes(self._delimiter)

    @property
    def lines(self) -> int:
        """How many have begun, without those that the layout skips."""
        return self._line - self._skipped - (not self._tail)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while not self._ended and (size < 0 or len(self._ready) < size):
            self._ready += self._next()
        if size < 0:
            size = len(self._ready)
        data, self._ready = self._ready[:size], self._ready[size:]
        return data

    def close(self) -> None:
        self._file.close()
        super().close()

    def _next(self) -> bytes:
        left = _CHUNK if self._end is None else self._end - self._file.tell()
        raw = self._file.read(min(_CHUNK, left))
        self._ended = not raw
        try:
            text = self._decoder.decode(raw, final=self._ended)
            data = (self._spaces.add(text, self._ended) if self._spaces else text).encode()
        except UnicodeDecodeError as error:
            before = error.object[: error.start].decode(self._encoding, "replace").encode()
            wrong = " ".join(f"{byte:02X}" for byte in error.object[error.start : error.end][:4])
            # Japanese in UTF-16: few letters beside the delimiters have a NUL
            such = "utf-16-le" if b"\0" in error.object else "cp1252"
            raise DatasetError(
                f"{self._place(before)}: bytes {wrong} are not valid {self._encoding.upper()}. Say "
                f"which encoding the file has (for example {such}), or save it as UTF-8."
            ) from error
        nul = data.find(b"\0")
        if nul >= 0:
            raise DatasetError(
                f"{self._place(data[:nul])}: a NUL byte, which text never contains. Save the file "
                "as plain text; if it is UTF-16 without a mark, give the encoding utf-16-le."
            )
        self.quotes.add(data)
        end = data.rfind(b"\n")
        if end >= 0:
            self._line += data.count(b"\n")
            self._tail = data[end + 1 :]
        else:
            self._tail = (self._tail + data)[-_CHUNK:]
        return data

    def _place(self, before: bytes) -> str:
        line = self._line + before.count(b"\n")
        end = before.rfind(b"\n")
        start = before[end + 1 :] if end >= 0 else self._tail + before
        text = start.decode("utf-8", "replace").replace("\0", "")
        try:
            cells = next(csv.reader([text + "x"], delimiter=self._delimiter), [""])
        except csv.Error:
            cells = text.split(self._delimiter)
        return f"{self._path.name}, line {line:,}, column {len(cells):,}"


class Quotes:
    """Looks at all quotes of a text on the way: ``odd`` is whether one that closes a cell has text
    behind it, if each cell with quotes begins and ends with one.

    It adds up to 5 % to the time of reading (50 MB with quotes in each row). Which cell it is tells
    csv_lines, in as long as reading takes: for texts with odd quotes and more lines than rows.
    """

    def __init__(self, delimiter: str) -> None:
        self._allowed = np.zeros(256, bool)
        self._allowed[[_QUOTE, _NEWLINE, _RETURN, ord(delimiter)]] = True
        self._last = b""  # byte: what follows it is not known yet
        self.count = 0
        self.odd = False

    def add(self, data: bytes) -> None:
        """The next piece of the text, as UTF-8."""
        quotes = data.count(b'"')
        if not self.odd and (quotes or self._last == b'"'):
            piece = np.frombuffer(self._last + data, np.uint8)
            places = np.flatnonzero(piece[:-1] == _QUOTE)
            before = self.count - (self._last == b'"')
            closing = places[(before + 1) % 2 :: 2]
            self.odd = not self._allowed[piece[closing + 1]].all()
        self.count += quotes
        self._last = data[-1:] or self._last
