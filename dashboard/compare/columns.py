"""The table of a comparison: one row a run, each column a parameter or a number of its curves.

Columns are named as people read them and as they stand in a URL: ``best val_loss``,
``last accuracy``, ``test accuracy``, ``val_loss at epoch 12``,
``params.training.learning_rate``, and those of FIXED.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from dashboard.compare.differing import differing_names
from dashboard.shared.formats import words
from dashboard.shared.param_texts import number_of, short_names
from dashboard.shared.run_numbers import (
    at_best,
    best_value,
    epochs_of,
    last_value,
    metric_names,
    plain_metric,
    test_value,
    tested_metrics,
    value_at,
)
from experiments.core.errors import FilterError
from experiments.diagnosis.histories import Histories
from experiments.diagnosis.naming import higher_is_better
from experiments.tracking.runs import Run

Better = Literal["higher", "lower"]

#: Columns of every run beside its metrics; the gap is validation minus training loss.
FIXED = ("best epoch", "gap at best", "epochs", "duration")
PARAM = "params."
_MEASURED: Mapping[str, Callable[[Run, Histories], float]] = {
    "best epoch": lambda run, histories: at_best(run, histories).epoch,
    "gap at best": lambda run, histories: at_best(run, histories).gap,
    "epochs": epochs_of,
    "duration": lambda run, _: math.nan if run.seconds is None else run.seconds,
}
_AT_EPOCH = re.compile(r"(?P<metric>.+) at epoch (?P<epoch>\d+)")


class MetricColumn(NamedTuple):
    """A metric and which of its values: ``best``, ``last``, that of the ``test`` samples, or that
    of an epoch, from 0."""

    metric: str
    at: Literal["best", "last", "test"] | int = "best"

    @property
    def name(self) -> str:
        """What stands above the column, and what ``parse_column`` reads."""
        if isinstance(self.at, int):
            return f"{self.metric} at epoch {self.at}"
        return f"{self.at} {self.metric}"


def parse_column(name: str) -> MetricColumn:
    """The column of a name; raises FilterError."""
    if found := _AT_EPOCH.fullmatch(name):
        return MetricColumn(found["metric"], int(found["epoch"]))
    first, _, metric = name.partition(" ")
    match first:
        case "best" | "last" | "test" if metric:
            return MetricColumn(metric, first)
    raise FilterError(
        f"Unknown column {name!r}. Write best, last or test and a metric (best val_loss), one at "
        f"an epoch (val_loss at epoch 12), a parameter (params.seed), or one of {', '.join(FIXED)}."
    )


def column_names(runs: Sequence[Run], histories: Histories) -> list[str]:
    """What can be chosen: best and last value of each metric, FIXED, differing parameters."""
    metrics = metric_names(runs, histories)
    best = [MetricColumn(metric, "best").name for metric in metrics]
    last = [MetricColumn(metric, "last").name for metric in metrics]
    test = [MetricColumn(metric, "test").name for metric in tested_metrics(runs)]
    return [*best, *test, *last, *FIXED, *(PARAM + name for name in differing_names(runs))]


def better(name: str) -> Better | None:
    """Which values of a column are better; None where that is no question, as with parameters."""
    if name in ("gap at best", "epochs", "duration"):
        return "lower"
    if name in FIXED or name.startswith(PARAM):
        return None
    return "higher" if higher_is_better(plain_metric(parse_column(name).metric)) else "lower"


def titles(names: Sequence[str]) -> dict[str, str]:
    """The columns in words: ``params.training.learning_rate`` is "learning rate"."""
    short = short_names([name.removeprefix(PARAM) for name in names if name.startswith(PARAM)])
    return {
        name: short[name.removeprefix(PARAM)] if name.startswith(PARAM) else words(name)
        for name in names
    }


def run_table(runs: Sequence[Run], histories: Histories, names: Sequence[str]) -> pd.DataFrame:
    """The columns ``names`` of the runs, indexed by run id; raises FilterError.

    Metrics, FIXED (epochs from 0, seconds) and parameters that are numbers in all runs that have
    them are float64 with NaN for what a run has not; other parameters are texts or None.
    """
    columns = {name: _column(runs, histories, name) for name in dict.fromkeys(names)}
    return pd.DataFrame(columns, index=pd.Index([run.id for run in runs], name="run"))


def param_column(runs: Sequence[Run], param: str) -> np.ndarray:
    """One parameter of the runs: float64 where all are numbers, else texts or None."""
    texts = [run.params.get(param) for run in runs]
    numbers = [number_of(text) for text in texts]
    if all((n is None) == (text is None) for n, text in zip(numbers, texts, strict=True)):
        return np.array(numbers, dtype=np.float64)
    return np.array(texts, dtype=object)


def _column(runs: Sequence[Run], histories: Histories, name: str) -> np.ndarray:
    if name.startswith(PARAM):
        return param_column(runs, name.removeprefix(PARAM))
    if name in _MEASURED:
        read = _MEASURED[name]
        return np.array([read(run, histories) for run in runs], dtype=np.float64)
    metric, at = parse_column(name)
    if at == "best":
        values = [best_value(run, histories, metric) for run in runs]
    elif at == "last":
        values = [last_value(run, histories, metric) for run in runs]
    elif at == "test":
        values = [test_value(run, metric) for run in runs]
    else:
        values = [value_at(run, histories, metric, at) for run in runs]
    return np.array(values, dtype=np.float64)
