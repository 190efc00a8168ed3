"""The lines of a text file, as an editor counts them: for messages, since it takes long."""

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from experiments.datasets.reading.csv_detecting import Layout


def line_of(path: Path, layout: Layout, row: int) -> int:
    """The line, from 1, in which a row of data, from 0, begins."""
    with _text(path, layout) as text:
        reader = csv.reader(text, delimiter=layout.written.delimiter)
        rows, start = -int(layout.written.header), 1
        for cells in reader:
            if cells:
                if rows == row:
                    break
                rows += 1
            start = reader.line_num + 1
    return start + layout.skipped_lines


@contextmanager
def _text(path: Path, layout: Layout) -> Iterator[io.TextIOWrapper]:
    with path.open("rb") as file:
        file.seek(layout.skipped_bytes)
        yield io.TextIOWrapper(file, layout.written.encoding, "replace", newline="")
