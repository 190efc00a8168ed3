"""The column of a table that says of each row whether it is for training, validation or test."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np

from experiments.data.catalog import PART_WORDS, TRAINING
from experiments.data.reading.reader import Column, ColumnKind, Feature, Table
from experiments.data.reading.tables.column_scanning import SplitColumns, TableFile, Target, scan


def part_column(table: Table, taken: Collection[str]) -> Column | None:
    """The one column, beside those that are ``taken`` for something else, that has nothing but
    train, val, test and the like, in every row, training among them."""
    found = [one for one in table.columns if one.name not in taken and _says_parts(one)]
    return found[0] if len(found) == 1 else None


class Parts(NamedTuple):
    """How many rows each part has, and the classes that no training row has."""

    counts: tuple[int, ...] = ()
    untrained: tuple[str, ...] = ()


def count_parts(
    file: TableFile, table: Table, target: Target, part: Column, needed: Sequence[Feature]
) -> Parts:
    """The parts of a table, without the rows that miss any of the features ``needed``."""
    counts = np.zeros(3, np.int64)
    trained: set[int] = set()
    for rows in scan(file, table, needed, target, SplitColumns(part=part)):
        if rows.parts is not None:
            whole = ~np.isnan(rows.x).any(axis=1)
            counts += np.bincount(rows.parts[whole], minlength=3)
            if target.class_names:
                trained |= set(rows.y[whole & (rows.parts == TRAINING)].astype(int).tolist())
    names = enumerate(target.class_names)
    return Parts(tuple(counts.tolist()), tuple(name for n, name in names if n not in trained))


def _says_parts(column: Column) -> bool:
    words = [text.casefold() for text in column.categories]
    return (
        column.kind is ColumnKind.CATEGORICAL
        and not column.missing
        and len(words) > 1
        and all(word in PART_WORDS for word in words)
        and any(PART_WORDS[word] == TRAINING for word in words)
    )
