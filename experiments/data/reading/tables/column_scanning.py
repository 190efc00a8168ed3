"""Rows of a table as numbers: features as one float32 matrix, targets as classes or numbers."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from experiments.core.errors import DatasetError
from experiments.data.catalog import PART_WORDS
from experiments.data.reading.keys import same_number
from experiments.data.reading.reader import Column, ColumnKind, Feature, Style, Table
from experiments.data.reading.tables.column_exact import exact_groups, exact_in, is_large
from experiments.data.reading.tables.column_values import NAMES, as_names, values_in


@dataclass(frozen=True)
class TableFile:
    """A file that has a table; ``read`` is given the names of columns, and of those as written."""

    name: str
    read: Callable[[Sequence[str], Collection[str]], Iterator[pa.RecordBatch]]

    def batches(
        self, names: Sequence[str], as_written: Collection[str] = ()
    ) -> Iterator[pa.RecordBatch]:
        """The rows of the columns of these names, in this order: clean texts (see column_values),
        or numbers, booleans or moments. In those ``as_written`` texts that stand for missing values
        stay."""
        return self.read(names, as_written)


@dataclass(frozen=True)
class Target:
    """The column that is predicted; ``class_names`` none for a regression."""

    name: str
    kind: ColumnKind
    class_names: tuple[str, ...] = ()

    @property
    def as_written(self) -> tuple[str, ...]:
        """Its name where a text that else stands for missing values is a class of it."""
        return () if set(NAMES).isdisjoint(self.class_names) else (self.name,)


def feature_values(array: pa.Array, feature: Feature, style: Style) -> np.ndarray:
    """One feature of some rows: (n,) float64, NaN where missing; raises DatasetError."""
    if feature.kind is ColumnKind.CATEGORICAL:
        return _positions(array, feature.categories, feature.name)
    values = values_in(array, feature.kind, style)
    if values is None:
        raise _changed(feature.name)
    return values


def target_values(array: pa.Array, target: Target, style: Style) -> np.ndarray:
    """The targets of some rows: (n,) float64, numbers of classes if there are any, NaN where
    missing; raises DatasetError."""
    if target.kind is ColumnKind.CATEGORICAL:
        return _positions(array, target.class_names, target.name)
    values = values_in(array, target.kind, style)
    if values is None:
        raise _changed(target.name)
    if target.kind is ColumnKind.BOOLEAN or not target.class_names:
        return values
    numbers = exact_in(pa.array(target.class_names), style.decimal_comma)
    if numbers is None:
        raise _changed(target.name)
    if is_large(min(numbers), max(numbers)):
        return _exact_positions(array, numbers, target.name, style)
    classes = np.array(numbers)
    places = np.searchsorted(classes, values).clip(max=len(classes) - 1)
    missing = np.isnan(values)
    if (classes[places] != values)[~missing].any():
        raise _changed(target.name)
    return np.where(missing, np.nan, places)


def group_values(array: pa.Array, column: Column) -> np.ndarray:
    """The groups of some rows: (n,) int64, equal where the values are."""
    if column.kind in (ColumnKind.CATEGORICAL, ColumnKind.TEXT):
        encoded = pc.dictionary_encode(as_names(array))
        numbers = [same_number(text) for text in encoded.dictionary.to_pylist()]
        return np.array(numbers, np.int64)[encoded.indices.to_numpy(zero_copy_only=False)]
    if column.kind is ColumnKind.NUMERIC and is_large(column.low, column.high):
        groups = exact_groups(array, column.decimal_comma)
        if groups is None:
            raise _changed(column.name)
        return groups
    values = values_in(array, column.kind, column.style)
    if values is None:
        raise _changed(column.name)
    return (values + 0).view(np.int64)  # -0.0 + 0 is 0.0, which it equals


def part_values(array: pa.Array, name: str) -> np.ndarray:
    """The parts of some rows: (n,) int8."""
    encoded = pc.dictionary_encode(array)
    parts = [PART_WORDS.get(str(word).casefold()) for word in encoded.dictionary.to_pylist()]
    if encoded.indices.null_count or None in parts:
        raise _changed(name)
    return np.array(parts, np.int8)[encoded.indices.to_numpy(zero_copy_only=False)]


class RowBlock(NamedTuple):
    """Some rows: x (n, features) float32, y (n,) float64; groups, times and parts as Block has
    them."""

    x: np.ndarray
    y: np.ndarray
    groups: np.ndarray | None = None
    times: np.ndarray | None = None
    parts: np.ndarray | None = None

    def where(self, kept: slice | np.ndarray) -> "RowBlock":
        """Those of a slice, or that are true in ``kept``, (n,)."""
        keys = (self.groups, self.times, self.parts)
        groups, times, parts = (key if key is None else key[kept] for key in keys)
        return RowBlock(self.x[kept], self.y[kept], groups, times, parts)


class SplitColumns(NamedTuple):
    """The columns by which the rows can be split."""

    group: Column | None = None
    time: Column | None = None
    part: Column | None = None


def scan(
    file: TableFile,
    table: Table,
    features: Sequence[Feature],
    target: Target,
    by: SplitColumns = SplitColumns(),  # noqa: B008
) -> Iterator[RowBlock]:
    """The whole file, batch by batch."""
    styles = {column.name: column.style for column in table.columns}
    columns = [column.name for column in (*features, target, *by) if column]
    names = list(dict.fromkeys(columns))  # a key may be a feature too
    for batch in file.batches(names, target.as_written):
        arrays = dict(zip(names, batch.columns, strict=True))
        x = np.empty((batch.num_rows, len(features)), np.float32)
        for place, feature in enumerate(features):
            x[:, place] = feature_values(arrays[feature.name], feature, styles[feature.name])
        yield RowBlock(
            x,
            target_values(arrays[target.name], target, styles[target.name]),
            group_values(arrays[by.group.name], by.group) if by.group else None,
            feature_values(arrays[by.time.name], Feature(by.time.name, by.time.kind), by.time.style)
            if by.time
            else None,
            part_values(arrays[by.part.name], by.part.name) if by.part else None,
        )


def first_row(
    file: TableFile, name: str, test: Callable[[pa.Array], np.ndarray]
) -> tuple[int, str]:
    """The first row (of data, from 1) of a column that passes a test, and what stands there."""
    rows = 0
    for batch in file.batches([name]):
        array = batch.column(0)
        passed = np.flatnonzero(test(array))
        if len(passed):
            place = int(passed[0])
            return rows + place + 1, str(array[place].as_py())
        rows += batch.num_rows
    raise _changed(name)


def text_in(file: TableFile, name: str, row: int) -> str:
    """What stands in a row (of data, from 1) of a column, also where it is missing."""
    for batch in file.batches([name], [name]):
        if row <= batch.num_rows:
            return str(batch.column(0)[row - 1].as_py() or "")
        row -= batch.num_rows
    raise _changed(name)


def _positions(array: pa.Array, categories: tuple[str, ...], name: str) -> np.ndarray:
    found = pc.index_in(as_names(array), value_set=pa.array(categories, pa.string()))
    if categories and found.null_count != array.null_count:
        raise _changed(name)
    places = pc.cast(found, pa.float64()).to_numpy(zero_copy_only=False)
    return np.where(pc.is_null(array).to_numpy(zero_copy_only=False), np.nan, places)


def _exact_positions(
    array: pa.Array, classes: list[int | float], name: str, style: Style
) -> np.ndarray:
    encoded = pc.dictionary_encode(array.drop_null())
    values = exact_in(encoded.dictionary, style.decimal_comma)
    places = {number: place for place, number in enumerate(classes)}
    if values is None or not places.keys() >= {value for value in values if value == value}:
        raise _changed(name)
    found = np.array([places.get(value, np.nan) for value in values], np.float64)
    all_places = np.full(len(array), np.nan)
    present = pc.is_valid(array).to_numpy(zero_copy_only=False)
    all_places[present] = found[encoded.indices.to_numpy(zero_copy_only=False)]
    return all_places


def _changed(name: str) -> DatasetError:
    return DatasetError(
        f"The column {name!r} has other values than when the file was read first. Add the file "
        "again when nothing writes to it."
    )
