"""Tables in text files: CSV, TSV and the like, read in blocks of a megabyte."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from experiments.core.errors import DatasetError
from experiments.data.reading.reader import (
    Block,
    ColumnKind,
    FileContents,
    Plan,
    ReadOptions,
    Table,
)
from experiments.data.reading.tables.column_blocks import read_blocks
from experiments.data.reading.tables.column_scanning import TableFile
from experiments.data.reading.tables.column_tracking import ColumnTracker, columns_of
from experiments.data.reading.tables.column_values import MISSING, clean
from experiments.data.reading.tables.number_styles import about_unclear
from experiments.data.reading.tables.table_plans import as_table, plan_table
from experiments.data.reading.text.csv_detecting import LONGEST_LINE, Layout, detect
from experiments.data.reading.text.csv_headers import MARK, SHOWN
from experiments.data.reading.text.csv_lines import line_of, refuse_text_after_quote
from experiments.data.reading.text.csv_refusals import no_rows, why
from experiments.data.reading.text.csv_stream import CheckedText

_FEW_ROWS = 1000
_MOST_WAITING = 4 << 20  # bytes


class CsvFiles:
    """Reader of texts that are tables."""

    def look(self, path: Path, wanted: ReadOptions) -> Table:
        """The table in the file: every row of it was read."""
        layout = detect(path, wanted)
        trackers = [
            ColumnTracker(name, len(layout.names), place in layout.commas, wanted.kind_of(name))
            for place, name in enumerate(layout.names)
        ]
        rows = 0
        for batch in _batches(path, layout, layout.names):
            _refuse_repeated_header(path, layout, batch, rows)
            rows += batch.num_rows
            for tracker, array in zip(trackers, batch.columns, strict=True):
                tracker.add(array)
        if rows == 0:
            raise DatasetError(no_rows(path))
        return Table(rows, columns_of(trackers, wanted.dates_first), layout.written)

    def plan(self, path: Path, found: FileContents, wanted: ReadOptions) -> Plan:
        """What would be stored of it."""
        layout = detect(path, wanted)
        notes: tuple[str, ...] = (layout.doubt,) if layout.doubt else ()
        if layout.unnamed:
            notes += (
                f"{layout.unnamed:,} of the columns have no name in the header; they are named by "
                "their position.",
            )
        if layout.ending.lines:
            lines = "1 line" if layout.ending.lines == 1 else f"{layout.ending.lines:,} lines"
            notes += (f"Left out at the end of the file: {lines} without a value.",)
        table = as_table(found)
        numbers = {column.name for column in table.columns if column.kind is ColumnKind.NUMERIC}
        unclear = [(layout.names[one.column], one) for one in layout.unclear]
        notes += about_unclear([one for one in unclear if one[0] in numbers], layout.commas)
        return plan_table(_opened(path, layout), table, wanted, notes=notes)

    def blocks(
        self, path: Path, found: FileContents, plan: Plan, wanted: ReadOptions
    ) -> Iterator[Block]:
        """The samples."""
        layout = detect(path, wanted)
        return read_blocks(_opened(path, layout), as_table(found), plan, wanted.drop_missing)


def read_texts(path: Path, wanted: ReadOptions) -> tuple[pa.Table, set[str]]:
    """All cells as clean texts, null where they are missing, and the columns whose numbers have
    decimal commas. Holds the whole file in memory; raises DatasetError."""
    layout = detect(path, wanted)
    schema = pa.schema([(name, pa.string()) for name in layout.names])
    table = pa.Table.from_batches(_batches(path, layout, layout.names), schema)
    return table, {layout.names[place] for place in layout.commas}


def _opened(path: Path, layout: Layout) -> TableFile:
    return TableFile(path.name, lambda *asked: _batches(path, layout, *asked))


def _batches(
    path: Path, layout: Layout, names: Sequence[str], as_written: Collection[str] = ()
) -> Iterator[pa.RecordBatch]:
    """The rows of some columns, as clean texts; header left out."""
    from pyarrow import csv

    invalid: list[Any] = []

    def refuse(row: Any) -> str:
        invalid.append(row)
        return "error"

    keys = {name: f"f{n}" for n, name in enumerate(layout.names)}
    wanted_keys = [keys[name] for name in names]
    header = int(layout.written.header)
    rows = 0
    with closing(CheckedText(path, layout)) as stream:
        try:
            reader = csv.open_csv(
                pa.PythonFile(stream, mode="r"),
                # On one thread only are rows numbered, and no more than a few blocks in memory
                read_options=csv.ReadOptions(
                    use_threads=False, block_size=LONGEST_LINE, autogenerate_column_names=True
                ),
                parse_options=csv.ParseOptions(
                    delimiter=layout.splitting,
                    newlines_in_values=True,
                    invalid_row_handler=refuse,
                ),
                convert_options=csv.ConvertOptions(
                    column_types=dict.fromkeys(keys.values(), pa.string()),
                    include_columns=wanted_keys,
                    null_values=[""] if as_written else list(MISSING),
                    strings_can_be_null=True,
                    check_utf8=False,  # the stream is
                ),
            )
            last = None
            for batch in _gathered(reader):
                if rows == 0:
                    batch = batch.slice(header)
                    rows += header
                rows += batch.num_rows
                if batch.num_rows:
                    last = batch.slice(batch.num_rows - 1)
                    kept = [name in as_written for name in names]
                    yield pa.RecordBatch.from_arrays(_clean_all(batch, kept), names=list(names))
        except pa.ArrowException as error:
            raise DatasetError(why(path, layout, invalid, rows, error)) from error
        _refuse_open_quote(path, stream, last, rows - header)
        if stream.quotes.odd and stream.lines > rows:  # else no cell has swallowed a line
            refuse_text_after_quote(path, layout)


def _clean_all(batch: pa.RecordBatch, as_written: Sequence[bool]) -> list[pa.Array]:
    """The columns, clean; of a wide table all at once, since each call costs more than its few
    cells."""
    if batch.num_rows > _FEW_ROWS or batch.num_columns == 1 or any(as_written):
        arrays = zip(batch.columns, as_written, strict=True)
        return [_unquoted(clean(array, kept), kept) for array, kept in arrays]
    together = _unquoted(clean(pa.concat_arrays(batch.columns)))
    rows = batch.num_rows
    return [together.slice(n * rows, rows) for n in range(batch.num_columns)]


def _unquoted(texts: pa.Array, as_written: bool = False) -> pa.Array:
    """Without quotes around them: they are left where a space stands before them."""
    if not pc.any(pc.starts_with(texts, '"')).as_py():
        return texts
    return clean(pc.replace_substring_regex(texts, '^"(.*)"$', r"\1"), as_written)


def _gathered(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Batches of at least 1,000 rows or 4 MB.

    A megabyte of 10,000 columns is ten rows: by itself each would cost what a thousand cost.
    """
    waiting: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        waiting.append(batch)
        rows += batch.num_rows
        size += batch.nbytes
        if rows >= _FEW_ROWS or size >= _MOST_WAITING:
            yield pa.concat_batches(waiting)
            waiting.clear()
            rows = size = 0
    if waiting:
        yield pa.concat_batches(waiting)


def _refuse_repeated_header(path: Path, layout: Layout, batch: pa.RecordBatch, before: int) -> None:
    """Files that were joined, each with its header."""
    if not layout.unlike_rows:
        return
    equal: pa.Array | None = None
    for name, column in zip(layout.names, batch.columns, strict=True):
        if name.startswith("column ") or name in MISSING:
            continue  # it may have no name
        same = pc.is_in(column, value_set=pa.array([name, MARK + name]))
        equal = same if equal is None else pc.and_(equal, same)
        if not pc.any(equal).as_py():
            return
    if equal is not None:
        line = line_of(path, layout, before + equal.index(True).as_py())
        raise DatasetError(
            f"{path.name}: line {line:,} repeats line {1 + layout.skipped_lines}: delete it, and "
            "each further one."
        )


def _refuse_open_quote(path: Path, stream: CheckedText, last: Any, row: int) -> None:
    """Arrow ends a cell whose quote is open at the end of the file: all lines after it are lost."""
    if last is None or stream.quotes.count % 2 == 0:
        return
    for name, column in zip(last.schema.names, last.columns, strict=True):
        text = column[0].as_py() or ""
        if "\n" in text or "\r" in text:
            raise DatasetError(
                f"{path.name}, row {row:,} (of data, from 1), column {int(name[1:]) + 1}: a quote "
                f"is opened and never closed: {text[:SHOWN]!r}. Close it."
            )


CSV = CsvFiles()
