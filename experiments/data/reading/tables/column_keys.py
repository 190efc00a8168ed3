"""The columns of a table by which its rows can be split: a group, a time."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from experiments.core.errors import DatasetError, unknown
from experiments.data.reading.reader import Column, ColumnKind, ReadOptions, Table
from experiments.data.reading.tables.column_exact import is_large
from experiments.data.reading.tables.column_kinds import IF_NUMBERS
from experiments.data.reading.tables.column_scanning import TableFile
from experiments.data.reading.tables.column_targets import refuse_missing

_TIMES = (ColumnKind.NUMERIC, ColumnKind.DATE)


class KeyColumns(NamedTuple):
    """The columns, and notes on them."""

    group: Column | None
    time: Column | None
    notes: tuple[str, ...]

    @property
    def names(self) -> set[str]:
        """The names of the columns that there are."""
        return {column.name for column in (self.group, self.time) if column}


def choose_keys(
    file: TableFile, table: Table, wanted: ReadOptions, target: str, unusable: Mapping[str, str]
) -> KeyColumns:
    """The columns that were asked for; raises DatasetError for those that cannot be used."""
    group = _find(file, table, wanted.group, "group", target, unusable)
    time = _find(file, table, wanted.time, "time", target, unusable)
    if time and time.kind not in _TIMES:
        advice = f" If its codes are numbers, {IF_NUMBERS}." if time.code else ""
        raise DatasetError(
            f"{file.name}: the time column {time.name!r} is {time.kind}. Allowed: dates (ISO 8601) "
            f"or numbers that rise with time.{advice}"
        )
    notes = []
    if group:
        notes.append(f"Rows with the same {group.name!r} are one group.")
    if time:
        notes.append(f"The time of a row is {time.name!r}.")
        largest = max(-(time.low or 0.0), time.high or 0.0)
        if is_large(time.low, time.high) and np.isfinite(largest):
            notes.append(
                f"{time.name} is kept in steps of {np.spacing(largest):,.0f}, all that float64 can "
                f"tell apart near {largest:.4g}: rows that are closer may have the same time. "
                "Subtract the smallest before, if less matters."
            )
    return KeyColumns(group, time, tuple(notes))


def _find(
    file: TableFile,
    table: Table,
    name: str,
    what: str,
    target: str,
    unusable: Mapping[str, str],
) -> Column | None:
    if not name:
        return None
    columns = {column.name: column for column in table.columns}
    if name not in columns:
        raise DatasetError(f"{file.name}: {unknown(f'{what} column', name, columns)}")
    column = columns[name]
    why = unusable.get(name) or ("the target" if name == target else "")
    if column.distinct < 2 and not why:
        why = "the same in all rows"
    if why:
        raise DatasetError(
            f"{file.name}: the {what} column {name!r} is {why}. Choose another column, or none."
        )
    refuse_missing(file, table, column, f"{what} column")
    return column
