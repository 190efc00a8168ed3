"""Columns that look like numbers and are names, or the other way round, as the user says."""

from collections.abc import Mapping
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from experiments.core.errors import DatasetError, unknown
from experiments.data.reading.reader import MOST_CATEGORIES, Column, ColumnKind, ReadOptions, Table
from experiments.data.reading.tables.column_scanning import TableFile, first_row
from experiments.data.reading.tables.column_values import is_text, shorten, without_marks
from experiments.data.reading.tables.number_styles import are_numbers

#: What to do where codes are numbers, as the end of a sentence.
IF_NUMBERS = "say so in As numbers (--numbers)"
_SHOWN = 10


def check_kinds(
    file: TableFile, table: Table, wanted: ReadOptions, unusable: Mapping[str, str]
) -> None:
    """Raise DatasetError for columns that cannot be what they were asked for as."""
    columns = {column.name: column for column in table.columns}
    for what, names in (("categories", wanted.categories), ("numbers", wanted.numbers)):
        for name in names:
            if name not in columns:
                told = unknown(f"column for --{what}", name, columns)
                raise DatasetError(f"{file.name}: {told}")
            if name in unusable:
                raise DatasetError(
                    f"{file.name}: the column {name!r} was asked for as {what}, and is "
                    f"{unusable[name]}. Allowed: columns of single values. Leave it out of "
                    f"--{what}."
                )
    if both := [name for name in wanted.categories if name in wanted.numbers]:
        raise DatasetError(
            f"{file.name}: the column {both[0]!r} was asked for both as categories and as numbers. "
            "Name it in one of --categories and --numbers."
        )
    for name in wanted.numbers:
        if columns[name].kind not in (ColumnKind.NUMERIC, ColumnKind.EMPTY):
            _refuse_numbers(file, columns[name])


def about_codes(table: Table) -> tuple[str, ...]:
    """A note on the columns that were found to be codes, and what to do if they are numbers."""
    codes = [
        f"{column.name} (such as {column.code})"
        for column in table.columns
        if column.code and column.kind is not ColumnKind.NUMERIC
    ]
    if not codes:
        return ()
    more = f" and {len(codes) - _SHOWN:,} more" if len(codes) > _SHOWN else ""
    return (
        "Read as categories, because numbers would lose their leading zeros: "
        f"{', '.join(codes[:_SHOWN])}{more}. If they are numbers, {IF_NUMBERS}.",
    )


def too_many(table: Table, wanted: ReadOptions) -> dict[str, str]:
    """The columns that were asked for as categories and have too many, and why they are none."""
    why = (
        "asked for as categories, with too many different values (allowed: half as many as rows "
        f"with one, up to {MOST_CATEGORIES:,})"
    )
    return {
        column.name: why
        for column in table.columns
        if column.name in wanted.categories and column.kind is ColumnKind.TEXT
    }


def _refuse_numbers(file: TableFile, column: Column) -> None:
    row, text = first_row(file, column.name, partial(_no_numbers, comma=column.decimal_comma))
    raise DatasetError(
        f"{file.name}: the column {column.name!r} was asked for as numbers, and row {row:,} (of "
        f"data, from 1) has {shorten(text)!r}. Allowed: a number in each row, or nothing. Correct "
        "that value, or leave the column out of --numbers."
    )


def _no_numbers(array: pa.Array, comma: bool) -> np.ndarray:
    if not is_text(array):
        return pc.is_valid(array).to_numpy(zero_copy_only=False)
    odd = pc.invert(are_numbers(without_marks(array), comma))
    return pc.fill_null(odd, False).to_numpy(zero_copy_only=False)
