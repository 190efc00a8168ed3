"""Runs side by side, as data: the parameters that differ, and the best values."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from pandas.io.formats.style import Styler

from dashboard.formats import duration, number
from dashboard.run_table import best_of
from experiments.specs import HIGHER_IS_BETTER
from experiments.tracking.runs import Run

_NOT_COMPARED = ("name", "priority")


def unique_names(runs: Sequence[Run]) -> dict[str, str]:
    """A name for each run id; runs of the same name are told apart by their ids."""
    names = [run.name for run in runs]
    return {
        run.id: run.name if names.count(run.name) == 1 else f"{run.name} {run.id[:4]}"
        for run in runs
    }


def differing_params(runs: Sequence[Run]) -> pd.DataFrame:
    """The parameters that are not the same in all runs: one row each, one column a run."""
    names = unique_names(runs)
    every = sorted({name for run in runs for name in run.params})
    rows = {
        name: [run.params.get(name, "–") for run in runs]
        for name in every
        if name not in _NOT_COMPARED and len({run.params.get(name) for run in runs}) > 1
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(names.values()))


def best_values(runs: Sequence[Run], histories: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """One row a run: the best validation value of each metric, best epoch, epochs, seconds."""
    names = unique_names(runs)
    rows = [_best_row(run, histories[run.id]) for run in runs]
    table = pd.DataFrame(rows, index=[names[run.id] for run in runs])
    metrics = [column for column in table if column not in _FIXED]
    metrics.sort(key=lambda column: column != "loss")
    return table[[*metrics, *_FIXED]]


def share_data(runs: Sequence[Run]) -> bool:
    """Whether the runs validate on samples of one data set, so that their values compare."""
    return len({run.params.get("dataset.name") for run in runs}) == 1


def emphasized(table: pd.DataFrame, bold: bool = True) -> Styler:
    """The table of best values, the best of each metric in bold."""
    metrics = [column for column in table if column not in _FIXED]
    formats: dict[Any, Any] = dict.fromkeys(metrics, number)
    formats |= {"best epoch": "{:.0f}", "epochs": "{:.0f}", "duration": duration}
    style = table.style.format(formats, na_rep="–")
    for column in metrics if bold else ():
        style = style.apply(_bold_best, subset=[column], rises=column in HIGHER_IS_BETTER)
    return style


_FIXED = ("best epoch", "epochs", "duration")


def _best_row(run: Run, history: pd.DataFrame) -> dict[str, float]:
    row: dict[str, float] = {}
    for column in map(str, history.columns):
        if column.startswith("val_"):
            name = column.removeprefix("val_")
            values = history[column].replace([np.inf, -np.inf], np.nan).dropna()
            recorded = run.metrics.get(f"best_{column}")
            if recorded is not None and math.isfinite(recorded):
                row[name] = recorded
            elif len(values):
                row[name] = float(values.max() if name in HIGHER_IS_BETTER else values.min())
    epoch = best_of(run, history).epoch
    row["best epoch"] = math.nan if epoch is None else epoch
    row["epochs"] = len(history)
    row["duration"] = math.nan if run.seconds is None else run.seconds
    return row


def _bold_best(values: "pd.Series[float]", rises: bool) -> list[str]:
    best = values.max() if rises else values.min()
    several = values.notna().sum() > 1
    return ["font-weight: bold" if several and value == best else "" for value in values]
