"""Words for what is missing, such as None, that may as well be names of classes."""

from collections import Counter
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from experiments.data.reading.reader import Column, ColumnKind, Table
from experiments.data.reading.tables.column_scanning import TableFile
from experiments.data.reading.tables.column_tracking import ColumnTracker
from experiments.data.reading.tables.column_values import MISSING, NAMES, is_text

_LEAST_SHARE = 0.05  # of the rows; less are gaps
_LOOKED_AT = 10_000  # rows


def with_names(file: TableFile, table: Table, column: Column) -> tuple[Column, tuple[str, ...]]:
    """A target as it is with None and the like among its classes, and a note on it; as it was where
    these are rare, or where other values are missing."""
    if column.kind not in (ColumnKind.CATEGORICAL, ColumnKind.BOOLEAN):
        return column, ()
    if column.missing < _LEAST_SHARE * table.rows:
        return column, ()
    tracker = ColumnTracker(column.name, len(table.columns), asked=ColumnKind.CATEGORICAL)
    words: Counter[str] = Counter()
    for batch in file.batches([column.name], [column.name]):
        tracker.add(batch.column(0))
        words += _words(batch.column(0))
    if sum(words.values()) < column.missing or not words.keys() <= set(NAMES):
        return column, ()
    if min(words.values()) < _LEAST_SHARE * table.rows:
        return column, ()
    told = " and ".join(f"{word!r} ({count:,} rows)" for word, count in sorted(words.items()))
    return tracker.column(), (f"A class of {column.name}, and not missing: {told}.",)


def about_words(file: TableFile, table: Table, columns: Sequence[Column]) -> tuple[str, ...]:
    """A note on features in which such words are taken as missing, by the first rows."""
    names = [
        column.name
        for column in columns
        if column.kind is ColumnKind.CATEGORICAL and column.missing >= _LEAST_SHARE * table.rows
    ]
    found: dict[str, list[str]] = {}
    rows = 0
    for batch in file.batches(names, names) if names else ():
        for name, array in zip(names, batch.columns, strict=True):
            for word in _words(array).keys() & set(NAMES):
                if name not in found.setdefault(word, []):
                    found[word].append(name)
        rows += batch.num_rows
        if rows >= _LOOKED_AT:
            break
    told = "; ".join(f"{word!r} in {', '.join(found[word])}" for word in sorted(found))
    return (f"Taken as missing: {told}.",) if found else ()


def _words(array: pa.Array) -> Counter[str]:
    if not is_text(array):
        return Counter()
    marks = array.filter(pc.is_in(array, value_set=pa.array(MISSING)))
    return Counter({one["values"]: one["counts"] for one in pc.value_counts(marks).to_pylist()})
