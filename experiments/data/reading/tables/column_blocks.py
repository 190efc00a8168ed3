"""The samples of a table, block by block."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from experiments.core.errors import DatasetError
from experiments.data.catalog import Task
from experiments.data.reading.reader import Block, ColumnKind, Plan, Table
from experiments.data.reading.tables.column_scanning import SplitColumns, TableFile, Target, scan

MOST_ROWS = 50_000
_MOST_BYTES = 8 << 20


def read_blocks(file: TableFile, table: Table, plan: Plan, drop_missing: bool) -> Iterator[Block]:
    """The samples that a plan promises, at most 50,000 rows or 8 MB at a time."""
    columns = {column.name: column for column in table.columns}
    target = Target(plan.target, columns[plan.target].kind, plan.class_names)
    if target.as_written:
        target = replace(target, kind=ColumnKind.CATEGORICAL)
    most = max(1, min(MOST_ROWS, _MOST_BYTES // (4 * len(plan.features))))
    numbers = np.float64 if plan.task is Task.REGRESSION else np.int64
    by = SplitColumns(*(columns.get(name) for name in (plan.group, plan.time, plan.part)))
    for rows in scan(file, table, plan.features, target, by):
        if drop_missing:
            rows = rows.where(~np.isnan(rows.x).any(axis=1))
        if np.isnan(rows.y).any():
            raise DatasetError(
                f"{file.name}: the target {plan.target!r} has missing values that were not there "
                "before. Add the file again when nothing writes to it."
            )
        for start in range(0, len(rows.x), most):
            some = rows.where(slice(start, start + most))
            yield Block(some.x, some.y.astype(numbers), some.groups, some.times, some.parts)
