"""The table of runs: its rows as data, and how columns look."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from pandas.io.formats.style import Styler

from dashboard.runs.run_columns import COLUMNS, TableRow
from dashboard.shared.run_summary import best_of
from experiments.tracking.runs import Run


def run_rows(
    runs: Sequence[Run],
    histories: Mapping[str, pd.DataFrame],
    verdicts: Mapping[str, str | None] | None = None,
    best: pd.Series | None = None,
) -> pd.DataFrame:
    """One row a run, indexed by its id.

    ``verdicts`` are those of runs that carry none themselves. ``best`` are the best values of the
    metric that gives it its name, by run id; by default each run has that of its main metric.
    """
    rows = []
    for run in runs:
        history = histories.get(run.id)
        verdict = run.verdict or (verdicts or {}).get(run.id)
        found = best_of(run, history)
        if best is not None:
            found = found._replace(metric=str(best.name), value=float(best.get(run.id, math.nan)))
        row = TableRow(run, history, verdict, found)
        rows.append([one.value(row) for one in COLUMNS])
    return pd.DataFrame(rows, columns=[one.name for one in COLUMNS], index=[run.id for run in runs])


def shown(rows: pd.DataFrame) -> Styler:
    """The rows with numbers and durations as people read them, still sorted as numbers."""
    formats: dict[Any, Any] = {one.name: one.format for one in COLUMNS if one.format}
    return rows.style.format(formats)


def column_config() -> dict[str, Any]:
    """How each column looks; ``open`` is the key under which a click on a name arrives."""
    return {one.name: one.config for one in COLUMNS}
