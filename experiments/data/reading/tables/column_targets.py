"""Which column of a table is predicted, and as what: classes or a number."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from experiments.core.errors import DatasetError, unknown
from experiments.data.catalog import Task
from experiments.data.reading.class_numbers import are_classes
from experiments.data.reading.reader import Column, ColumnKind, ReadOptions, Table
from experiments.data.reading.tables.column_exact import exact_in
from experiments.data.reading.tables.column_kinds import IF_NUMBERS
from experiments.data.reading.tables.column_notes import odd_words
from experiments.data.reading.tables.column_parts import part_column
from experiments.data.reading.tables.column_scanning import (
    TableFile,
    Target,
    first_row,
    target_values,
    text_in,
)
from experiments.data.reading.tables.column_values import NAMES
from experiments.data.reading.tables.column_words import with_names

#: Names, in any case, of the column that is predicted where the user names none.
TARGET_NAMES = ("target", "label", "class", "y", "outcome")
_EMPTY = 0.9  # of the rows: a last column with more gaps is not what was meant


class TargetChoice(NamedTuple):
    """The target, the task, and how they were chosen."""

    target: Target
    task: Task
    notes: tuple[str, ...]


def choose_target(
    file: TableFile, table: Table, wanted: ReadOptions, unusable: Mapping[str, str]
) -> TargetChoice:
    """The target and task of a table; raises DatasetError where it cannot be learned."""
    column, note = _find(file, table, wanted)
    if column.name in unusable:
        raise _refused(file, column, f"is {unusable[column.name]}", "a column of single values")
    column, about = with_names(file, table, column)
    refuse_missing(file, table, column, "target")
    classes = _class_names(column)
    if table.rows < 2:
        raise DatasetError(f"{file.name} has one row. Needed: at least two, better hundreds.")
    if column.distinct < 2 or (classes is not None and len(classes) < 2):
        only = column.examples[0] if column.examples else ""
        raise _refused(
            file, column, f"has one value in all rows ({only!r})", "a column with two or more"
        )
    task, reason = _task(file, table, column, classes, wanted)
    names = () if task is Task.REGRESSION else classes or ()
    told = f"The target is {column.name!r} ({note})."
    return TargetChoice(Target(column.name, column.kind, names), task, (told, *about, reason))


def _find(file: TableFile, table: Table, wanted: ReadOptions) -> tuple[Column, str]:
    columns = {column.name: column for column in table.columns}
    if len(columns) < 2:
        raise DatasetError(
            f"{file.name} has one column. Needed: a target and at least one feature. If there are "
            "more, say by which delimiter they are split."
        )
    if wanted.target:
        if wanted.target not in columns:
            raise DatasetError(f"{file.name}: {unknown('target', wanted.target, columns)}")
        return columns[wanted.target], "as asked for"
    lower = {name.lower(): name for name in reversed(columns)}
    for name in TARGET_NAMES:
        if name in lower:
            return columns[lower[name]], "by its name"
    taken = {wanted.group, wanted.time, *wanted.features}
    part = part_column(table, {*taken, *wanted.categories})
    for column in reversed(table.columns):
        empty = column.missing > _EMPTY * table.rows
        if column.name not in taken and column is not part and not empty:
            last = column is table.columns[-1]
            return column, "the last column" if last else "the last column that can be predicted"
    return table.columns[-1], "the last column"


def refuse_missing(file: TableFile, table: Table, column: Column, what: str) -> None:
    """Raise DatasetError with the first row in which a column has no value."""
    if not column.missing:
        return
    target = Target(column.name, column.kind)

    def missing(array: pa.Array) -> np.ndarray:
        if column.kind is ColumnKind.NUMERIC:
            return np.isnan(target_values(array, target, column.style))
        return pc.is_null(array).to_numpy(zero_copy_only=False)

    row, _ = first_row(file, column.name, missing)
    text = text_in(file, column.name, row)
    counts = f", where {text!r} counts as missing" if text else ""
    advice = f" If {text!r} is a class, write it differently." if text in NAMES else ""
    raise DatasetError(
        f"{file.name}: the {what} {column.name!r} is missing in {column.missing:,} of "
        f"{table.rows:,} rows, first in row {row:,} (of data, from 1){counts}. Every row needs "
        f"one: fill it in or delete these rows.{advice}"
    )


def _class_names(column: Column) -> tuple[str, ...] | None:
    """The classes that a column can have, one for each meaning; None where it has no categories."""
    if not column.categories:
        return None
    if column.kind is ColumnKind.BOOLEAN:
        by_meaning = {text.lower(): text for text in reversed(column.categories)}
        return tuple(by_meaning[meaning] for meaning in sorted(by_meaning))
    if column.kind is ColumnKind.NUMERIC:
        numbers = exact_in(pa.array(column.categories), column.decimal_comma)
        if numbers is None:
            return None
        by_number = dict(zip(numbers[::-1], column.categories[::-1], strict=True))
        return tuple(by_number[number] for number in sorted(by_number))
    return column.categories if column.kind is ColumnKind.CATEGORICAL else None


def _task(
    file: TableFile,
    table: Table,
    column: Column,
    classes: tuple[str, ...] | None,
    wanted: ReadOptions,
) -> tuple[Task, str]:
    if column.kind in (ColumnKind.TEXT, ColumnKind.DATE, ColumnKind.EMPTY):
        different = f"{column.distinct:,}" if column.categories else f"over {column.distinct - 1:,}"
        holds = "texts" if column.kind is ColumnKind.TEXT else "dates"
        if column.odd and column.odd.what == "number":
            raise DatasetError(
                f"{file.name}: the target {odd_words(column, column.odd, table.rows)}. Needed: a "
                "number in each row. Correct that value, or choose another column."
            )
        raise _refused(
            file,
            column,
            f"has {different} different {holds} in {table.rows:,} rows, too many for categories",
            "numbers, or a few texts with several rows of each",
        )
    if wanted.task is not None:
        _refuse_task(file, table, column, classes, wanted.task)
        return wanted.task, f"The task is {wanted.task}, as asked for."
    if column.kind is not ColumnKind.NUMERIC:
        task = Task.BINARY if classes and len(classes) == 2 else Task.MULTICLASS
        return task, f"The task is {task}: the target has {len(classes or ())} categories."
    if classes is None or not are_classes(_numbers(classes, column.decimal_comma), table.rows):
        few = classes is not None and 2 * len(classes) <= table.rows and column.is_integer
        hint = " Choose multiclass if these numbers are names." if few else ""
        return Task.REGRESSION, f"The task is regression: the target is a number.{hint}"
    if len(classes) == 2:
        return Task.BINARY, "The task is binary: the target has two values."
    return (
        Task.MULTICLASS,
        f"The task is multiclass: the target has {len(classes)} different whole numbers. "
        "Choose regression if their size matters.",
    )


def _refuse_task(
    file: TableFile,
    table: Table,
    column: Column,
    classes: tuple[str, ...] | None,
    task: Task,
) -> None:
    count = f"over {column.distinct - 1:,}" if classes is None else f"{len(classes):,}"
    if task is Task.REGRESSION and column.kind is not ColumnKind.NUMERIC:
        raise _refused(file, column, f"is {column.kind}", "numbers, for a regression")
    if task is Task.BINARY and (classes is None or len(classes) != 2):
        raise _refused(file, column, f"has {count} different values", "two, for the task binary")
    if task is Task.MULTICLASS and (classes is None or len(classes) > max(2, table.rows // 2)):
        raise _refused(
            file,
            column,
            f"has {count} different values in {table.rows:,} rows",
            "several rows of each class",
        )


def _numbers(classes: tuple[str, ...], comma: bool) -> list[int | float]:
    return exact_in(pa.array(classes), comma) or []


def _refused(file: TableFile, column: Column, found: str, allowed: str) -> DatasetError:
    codes = column.code and column.kind is not ColumnKind.NUMERIC
    return DatasetError(
        f"{file.name}: the target {column.name!r} {found}. Needed: {allowed}. Choose another "
        "column as the target, or correct the file."
        + (f" If its codes (such as {column.code}) are numbers, {IF_NUMBERS}." if codes else "")
    )
