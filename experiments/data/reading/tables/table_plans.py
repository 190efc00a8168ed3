"""What would be stored of a table: its features, its target, and what is left out."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import partial

import numpy as np
import pyarrow as pa

from experiments.core.errors import DatasetError, unknown
from experiments.core.words import listed
from experiments.data.catalog import Kind, Task
from experiments.data.reading.reader import (
    Column,
    ColumnKind,
    Feature,
    FileContents,
    Plan,
    ReadOptions,
    Style,
    Table,
    parts_notes,
)
from experiments.data.reading.tables.column_keys import KeyColumns, choose_keys
from experiments.data.reading.tables.column_kinds import about_codes, check_kinds, too_many
from experiments.data.reading.tables.column_notes import about, why_no_feature
from experiments.data.reading.tables.column_parts import Parts, count_parts, part_column
from experiments.data.reading.tables.column_precision import about_precision, about_times
from experiments.data.reading.tables.column_scanning import TableFile, Target, first_row, scan
from experiments.data.reading.tables.column_targets import choose_target
from experiments.data.reading.tables.column_values import shorten, values_in
from experiments.data.reading.tables.column_words import about_words
from experiments.data.reading.tables.date_styles import first_part

_FEATURES = (ColumnKind.NUMERIC, ColumnKind.BOOLEAN, ColumnKind.CATEGORICAL, ColumnKind.DATE)
_LARGEST = float(np.finfo(np.float32).max)


def as_table(found: FileContents) -> Table:
    """What a reader of tables has found."""
    if not isinstance(found, Table):
        raise TypeError(f"A reader of tables was given {type(found).__name__}")
    return found


def plan_table(
    file: TableFile,
    table: Table,
    wanted: ReadOptions,
    unusable: Mapping[str, str] | None = None,
    notes: Sequence[str] = (),
) -> Plan:
    """The samples that would be stored; ``unusable`` columns have values that cannot be, and why.

    Raises DatasetError where the table cannot be learned from.
    """
    unusable = unusable or {}
    check_kinds(file, table, wanted, unusable)
    target, task, chosen = choose_target(file, table, wanted, unusable)
    keys = choose_keys(file, table, wanted, target.name, unusable)
    part = part_column(table, {target.name, *keys.names, *wanted.features, *wanted.categories})
    left_out: tuple[str, ...] = ()
    if wanted.features:
        columns = _asked_for(file, table, wanted, target.name, unusable)
    else:
        because = dict.fromkeys(keys.names, "by which the rows can be split")
        because = too_many(table, wanted) | because | dict(unusable)
        because |= {part.name: "since it says which part a row is in"} if part else {}
        columns, left_out = _by_rule(table, target.name, because)
    if not columns:
        raise DatasetError(
            f"{file.name} has no feature besides the target {target.name!r}. {' '.join(left_out)} "
            "Needed: columns of numbers, dates, true and false, or categories that differ."
        )
    _refuse_too_large(file, table, columns, target, task)
    features = tuple(_feature(column) for column in columns)
    amounts = [one for one in table.columns if one.name == target.name and not target.class_names]
    samples, dropping = _kept(file, table, wanted, columns, target)
    needed = [_feature(one) for one in columns if one.missing and wanted.drop_missing]
    parts = count_parts(file, table, target, part, needed) if part else Parts()
    return Plan(
        kind=Kind.TABULAR,
        task=task,
        shape=(len(features),),
        samples=samples,
        dtype="float32",
        target=target.name,
        class_names=target.class_names,
        features=features,
        notes=(
            *notes, *chosen, *keys.notes, *parts_notes(*parts), *about_codes(table), *left_out,
            *about(table, wanted.categories),
            *about_precision([*columns, *amounts]),
            *_about_dates(columns, keys), *dropping,
            *about_words(file, table, columns),
        ),
        group=keys.group.name if keys.group else "",
        time=keys.time.name if keys.time else "",
        part=part.name if part else "",
        parts=parts.counts,
    )  # fmt: skip


def _feature(column: Column) -> Feature:
    categories = column.categories if column.kind is ColumnKind.CATEGORICAL else ()
    return Feature(column.name, column.kind, categories, column.date_format)


def _asked_for(
    file: TableFile, table: Table, wanted: ReadOptions, target: str, unusable: Mapping[str, str]
) -> list[Column]:
    columns = {column.name: column for column in table.columns}
    for name in wanted.features:
        if name not in columns:
            raise DatasetError(f"{file.name}: {unknown('feature', name, columns)}")
        if name == target or wanted.features.count(name) > 1:
            what = "also the target" if name == target else "named more than once"
            raise DatasetError(
                f"{file.name}: the feature {name!r} is {what}. Name each column once."
            )
        if name in unusable or columns[name].kind not in _FEATURES:
            what = unusable.get(name, columns[name].kind)
            raise DatasetError(
                f"{file.name}: the feature {name!r} is {what}. Allowed: columns of numbers, dates, "
                "true and false, or categories. Leave it out, or write it as numbers."
            )
    return [columns[name] for name in wanted.features]


def _by_rule(
    table: Table, target: str, unusable: Mapping[str, str]
) -> tuple[list[Column], tuple[str, ...]]:
    """The columns that are features, and notes on those that are none."""
    features = []
    left_out: dict[str, list[str]] = {}
    names = table.written is not None and table.written.header
    for place, column in enumerate(table.columns, start=1):
        if column.name == target:
            continue
        why = unusable.get(column.name)
        why = why or why_no_feature(column, table.rows, place if names else None)
        if why:
            left_out.setdefault(why, []).append(column.name)
        else:
            features.append(column)
    return features, tuple(f"Left out, {why}: {listed(names)}." for why, names in left_out.items())


def _refuse_too_large(
    file: TableFile, table: Table, columns: Sequence[Column], target: Target, task: Task
) -> None:
    """Refuse numbers that float32 cannot hold, with the row of the first."""

    def too_large(array: pa.Array, style: Style) -> np.ndarray:
        values = values_in(array, ColumnKind.NUMERIC, style)
        return np.zeros(len(array), bool) if values is None else np.abs(values) > _LARGEST

    predicted = [column for column in table.columns if column.name == target.name]
    for column in (*columns, *(predicted if task is Task.REGRESSION else ())):
        if column.low is None or column.high is None:
            continue
        if max(-column.low, column.high) > _LARGEST:
            row, text = first_row(file, column.name, partial(too_large, style=column.style))
            raise DatasetError(
                f"{file.name}: row {row:,} (of data, from 1) of the column {column.name!r} has "
                f"{shorten(text)}. Allowed: numbers up to {_LARGEST:.3g} and missing values. "
                "Correct it, or leave the column out."
            )


def _kept(
    file: TableFile, table: Table, wanted: ReadOptions, columns: Sequence[Column], target: Target
) -> tuple[int, tuple[str, ...]]:
    """How many samples there are, and a note on missing values."""
    missing = [column for column in columns if column.missing]
    if not missing:
        return table.rows, ()
    where = listed([column.name for column in missing])
    if not wanted.drop_missing:
        note = f"Missing values are kept, as NaN, in: {where}."
        return table.rows, (note,)
    rows = 0
    counts = np.zeros(max(1, len(target.class_names)), np.int64)
    for some in scan(file, table, [_feature(column) for column in missing], target):
        whole = ~np.isnan(some.x).any(axis=1)
        rows += int(whole.sum())
        if target.class_names:
            counts += np.bincount(some.y[whole].astype(np.int64), minlength=len(counts))
    gone = [name for name, n in zip(target.class_names, counts, strict=False) if not n]
    if rows < 2 or gone:
        classes = f", and none of the classes {listed(gone)}" if gone else ""
        raise DatasetError(
            f"{file.name}: without the rows with missing values {rows:,} of {table.rows:,} rows "
            f"are left{classes}. Keep the rows, or leave these columns out: {where}."
        )
    return rows, (f"Left out: {table.rows - rows:,} rows with missing values in {where}.",)


def _about_dates(columns: Sequence[Column], keys: KeyColumns) -> tuple[str, ...]:
    dates = {one.name: one for one in (*columns, keys.group, keys.time) if one and one.days}
    if not dates:
        return ()
    times = about_times([column for column in columns if column.kind is ColumnKind.DATE])
    kept = [name for name, one in dates.items() if one in columns or one is keys.time]
    stored = (f"Dates are stored as days since 1970: {listed(kept)}.",) if kept else ()
    return (*stored, *times, *_about_order(dates.values()), *_about_years(dates.values()))


def _about_order(dates: Iterable[Column]) -> Iterator[str]:
    """Notes on the dates that can be read in several ways, one for each way they were."""
    unclear: dict[str, list[str]] = {}
    for column in dates:
        if column.other_format:
            unclear.setdefault(first_part(column.date_format), []).append(column.name)
    for first, names in unclear.items():
        yield (
            f"Read with the {first} first, because the file does not show which is meant: "
            f"{listed(names)}. "
            "If another part stands first, say so in Dates (--dates)."
        )


def _about_years(dates: Iterable[Column]) -> Iterator[str]:
    """A note on years of two digits that may be of the century before."""
    today = str(date.today())
    late = [one for one in dates if "%y" in one.date_format and one.days and one.days[1] > today]
    if late:
        newest = max(one.days[1] for one in late if one.days)
        yield (
            f"Years of two digits are read as 1969 to 2068, so some dates lie in the future, up to "
            f"{newest}: {listed([one.name for one in late])}. Write years with four digits if "
            f"they belong to the previous century."
        )
