"""Tables in Parquet files, read batch by batch."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from experiments.core.errors import DatasetError
from experiments.data.reading.parquet.parquet_pages import check_pages
from experiments.data.reading.reader import (
    MOST_CATEGORIES,
    MOST_COLUMNS,
    Block,
    Column,
    ColumnKind,
    FileContents,
    Plan,
    ReadOptions,
    Table,
)
from experiments.data.reading.tables.column_blocks import MOST_ROWS, read_blocks
from experiments.data.reading.tables.column_scanning import TableFile
from experiments.data.reading.tables.column_tracking import ColumnTracker, columns_of
from experiments.data.reading.tables.column_values import clean, shorten
from experiments.data.reading.tables.table_plans import as_table, plan_table

_MOST_CELLS = 500_000  # of a batch
_LONGEST_FOOTER = 64 << 20
# What is declared may be this many times the file, once it is larger than a gigabyte
_MOST_PACKED = 1000
_ALWAYS_ALLOWED = 1 << 30
_NO_DICTIONARY = {"DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"}
# Of a batch of texts without a dictionary, as long as they can be; and its rows however long
_MOST_BYTES, _FEW_ROWS = 64 << 20, 64
_BUFFER = 1 << 16  # bytes of a column that are read at a time


class ParquetFiles:
    """Reader of Parquet."""

    def look(self, path: Path, wanted: ReadOptions) -> Table:
        """The table in the file: every row of it was read."""
        schema = _checked_schema(path)
        with _parquet(path, ()) as parquet:
            check_pages(path, parquet.metadata)
        strange = _unusable(schema)
        names = [name for name in schema.names if name not in strange]
        trackers = {
            name: ColumnTracker(name, len(names), asked=wanted.kind_of(name)) for name in names
        }
        rows = 0
        for batch in _batches(path, names):
            rows += batch.num_rows
            for name, array in zip(names, batch.columns, strict=True):
                trackers[name].add(array)
        if rows == 0 or not names:
            what = "rows" if names else "columns of single values"
            raise DatasetError(f"{path.name} has no {what}. Choose a file with one row per sample.")
        found = {one.name: one for one in columns_of(trackers.values(), wanted.dates_first)}
        return Table(rows, tuple(found.get(field.name) or _opaque(field) for field in schema))

    def plan(self, path: Path, found: FileContents, wanted: ReadOptions) -> Plan:
        """What would be stored of it."""
        unusable = _unusable(_checked_schema(path))
        return plan_table(_opened(path), as_table(found), wanted, unusable)

    def blocks(
        self, path: Path, found: FileContents, plan: Plan, wanted: ReadOptions
    ) -> Iterator[Block]:
        """The samples."""
        return read_blocks(_opened(path), as_table(found), plan, wanted.drop_missing)


def _opened(path: Path) -> TableFile:
    return TableFile(path.name, lambda *asked: _batches(path, *asked))


def _opaque(field: pa.Field) -> Column:
    """A column whose values are no single numbers or texts."""
    return Column(
        name=field.name,
        kind=ColumnKind.TEXT,
        missing=0,
        distinct=MOST_CATEGORIES + 1,
        examples=(str(field.type),),
    )


def _checked_schema(path: Path) -> pa.Schema:
    """The columns; raises DatasetError where the file is no Parquet or declares too much."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 8))
        end = file.read()
    if end[4:] == b"PARE":
        raise DatasetError(f"{path.name} is encrypted. Write it again without encryption.")
    if size < 12 or end[4:] != b"PAR1":
        raise DatasetError(
            f"{path.name} is not a Parquet file, or is cut off: it does not end with PAR1. Write "
            "or copy it again."
        )
    footer = int.from_bytes(end[:4], "little")
    if footer > min(size, _LONGEST_FOOTER):
        raise DatasetError(
            f"{path.name} declares a footer of {footer:,} bytes. Allowed: up to "
            f"{min(size, _LONGEST_FOOTER):,}. Write it again, in fewer row groups."
        )
    with _parquet(path, ()) as parquet:
        metadata, schema = parquet.metadata, parquet.schema_arrow
        _check_sizes(path, metadata, schema, size)
        return schema


def _check_sizes(path: Path, metadata: Any, schema: pa.Schema, size: int) -> None:
    if max(metadata.num_columns, len(schema)) > MOST_COLUMNS:
        raise DatasetError(
            f"{path.name} has {metadata.num_columns:,} columns. Allowed: up to {MOST_COLUMNS:,}. "
            "Write it again with those that matter."
        )
    repeated = [name for name, times in Counter(schema.names).items() if times > 1]
    if repeated:
        raise DatasetError(
            f"{path.name} has several columns called {repeated[0]!r}. Give each its own name."
        )
    groups = range(metadata.num_row_groups)
    unpacked = sum(metadata.row_group(group).total_byte_size for group in groups)
    declared = max(unpacked, metadata.num_rows * metadata.num_columns * 4)
    if declared > max(_ALWAYS_ALLOWED, size * _MOST_PACKED):
        raise DatasetError(
            f"{path.name} declares {metadata.num_rows:,} rows and {declared:,} bytes in a file of "
            f"{size:,} bytes. Allowed: up to {_MOST_PACKED:,} times the file. Write it again "
            "without what repeats."
        )


def _unusable(schema: pa.Schema) -> dict[str, str]:
    """The columns whose values cannot be features, and what they are."""
    return {
        field.name: f"of the type {field.type}" for field in schema if not _is_single(field.type)
    }


def _is_single(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    types = pa.types
    single = (
        *(types.is_boolean, types.is_integer, types.is_floating, types.is_decimal),
        *(types.is_timestamp, types.is_date, types.is_null, _is_string),
    )
    return any(check(kind) for check in single)


def _is_string(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def _parquet(path: Path, texts: Sequence[str]) -> Any:
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(
            path,
            # A text that stands in every row is in memory once
            read_dictionary=list(texts),
            memory_map=False,
            buffer_size=_BUFFER,
            pre_buffer=False,
            page_checksum_verification=True,
        )
    except (pa.ArrowException, OSError) as error:
        raise _corrupt(path, 0, error) from error


def _batches(
    path: Path, names: Sequence[str], as_written: Collection[str] = ()
) -> Iterator[pa.RecordBatch]:
    """The rows of some columns: clean texts, or numbers, booleans or moments."""
    if not names:
        return
    with _parquet(path, ()) as parquet:
        schema, plain = parquet.schema_arrow, _without_dictionaries(parquet.metadata)
    texts = [n for n in names if _is_string(schema.field(n).type) and n not in plain]
    rows = 0
    size = max(1, min(MOST_ROWS, _MOST_CELLS // len(names)))
    longest = max((plain[name] for name in names if name in plain), default=0)
    if longest * size > _MOST_BYTES:
        size = max(min(size, _FEW_ROWS), _MOST_BYTES // longest)
    with _parquet(path, texts) as parquet:
        try:
            for batch in parquet.iter_batches(size, columns=list(names), use_threads=False):
                try:
                    arrays = []
                    for name in names:
                        arrays.append(_plain(batch.column(name), name in as_written))
                except UnicodeDecodeError as error:
                    raise DatasetError(
                        f"{path.name}: the column {name!r} has text that is not UTF-8 in rows "
                        f"{rows + 1:,} to {rows + batch.num_rows:,}: {error}. Write it again as "
                        "text, or as numbers."
                    ) from error
                rows += batch.num_rows
                yield pa.RecordBatch.from_arrays(arrays, names=list(names))
        except (pa.ArrowException, OSError) as error:
            raise _corrupt(path, rows, error) from error


def _without_dictionaries(metadata: Any) -> dict[str, int]:
    """The columns that Arrow cannot read as dictionaries (25.0: "not yet implemented"), and how
    many bytes a text of theirs can have: each may begin with the whole one before it."""
    found: dict[str, int] = {}
    for group in range(metadata.num_row_groups):
        for number in range(metadata.num_columns):
            one = metadata.row_group(group).column(number)
            if _NO_DICTIONARY & set(one.encodings):
                name = one.path_in_schema
                found[name] = max(found.get(name, 0), one.total_uncompressed_size)
    return found


def _plain(array: pa.Array, as_written: bool) -> pa.Array:
    """Texts clean and no longer than what tells them apart, numbers without NaN."""
    kind = array.type
    if pa.types.is_dictionary(kind):
        values = array.dictionary
        if _is_string(values.type):
            texts = [None if text is None else shorten(text) for text in values.to_pylist()]
            values = clean(pa.array(texts, pa.string()), as_written)
        return values.take(array.indices)
    if _is_string(kind):
        texts = [None if text is None else shorten(text) for text in array.to_pylist()]
        return clean(pa.array(texts, pa.string()), as_written)
    if pa.types.is_floating(kind):
        if pa.types.is_float16(kind):
            array = pc.cast(array, pa.float32())
        return pc.if_else(pc.is_nan(array), pa.scalar(None, array.type), array)
    return array


def _corrupt(path: Path, rows: int, error: Exception) -> DatasetError:
    return DatasetError(
        f"{path.name} cannot be read as Parquet after row {rows:,}: {error}. It is corrupt or "
        "encrypted; write or copy it again."
    )


PARQUET = ParquetFiles()
