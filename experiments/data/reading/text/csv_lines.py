"""The lines of a text file, as an editor counts them: for messages, since it takes long."""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from experiments.core.errors import DatasetError
from experiments.data.reading.text.csv_detecting import WHITE_SPACE, Layout
from experiments.data.reading.text.csv_spaces import with_tabs


def line_of(path: Path, layout: Layout, row: int) -> int:
    """The line, from 1, in which a row of data, from 0, begins."""
    with _text(path, layout) as text:
        reader = csv.reader(text, delimiter=layout.splitting)
        rows, start = -int(layout.written.header), 1
        for cells in reader:
            if cells:
                if rows == row:
                    break
                rows += 1
            start = reader.line_num + 1
    return start + layout.skipped_lines


def refuse_text_after_quote(path: Path, layout: Layout) -> None:
    """Refuse a cell over several lines with text after the quote that closes it: that quote was
    to open another cell, and the lines between are lost. White space there is no text."""
    delimiter = re.escape(layout.splitting)
    behind = re.compile(rf'"(?:(?!{delimiter})[ \t])+(?={delimiter}|[\r\n]|$)')
    with _text(path, layout) as text:
        # Within a cell this takes white space only, and leaves quotes and delimiters as they are
        trimmed = (behind.sub('"', line) for line in text)
        reader = csv.reader(trimmed, delimiter=layout.splitting, strict=True)
        begin = 1
        while True:
            try:
                next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                if "expected after" in str(error) and reader.line_num > begin:
                    lines = [line + layout.skipped_lines for line in (begin, reader.line_num)]
                    raise DatasetError(
                        f"{path.name}: a quote in line {lines[0]:,} is closed in line "
                        f"{lines[1]:,} only, with text behind it: the lines between would be "
                        f"one cell. Close the quotes of both lines, or delete them."
                    ) from error
            begin = reader.line_num + 1


@contextmanager
def _text(path: Path, layout: Layout) -> Iterator[Iterable[str]]:
    with path.open("rb") as file:
        file.seek(layout.skipped_bytes)
        text = io.TextIOWrapper(file, layout.written.encoding, "replace", newline="")
        yield map(with_tabs, text) if layout.written.delimiter == WHITE_SPACE else text
