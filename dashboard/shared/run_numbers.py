"""Numbers of one run: its best, last and k-th values, and the gap at its best epoch.

From the curves where they have been read, else as recorded on the run.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from experiments.diagnosis.histories import Histories
from experiments.diagnosis.naming import NOT_JUDGED, TRAIN_EVAL, higher_is_better, keras_names
from experiments.tracking.runs import Run

#: What the metrics of the test samples begin with.
TEST = "test_"
_RECORDED = ("best_", "final_", TEST, "system/")


def plain_metric(metric: str) -> str:
    """The metric without what says on which samples: val_loss → loss."""
    return metric.removeprefix("val_").removeprefix(TRAIN_EVAL)


def metric_names(runs: Sequence[Run], histories: Histories) -> list[str]:
    """The metrics that any of the runs has by epoch: losses first, validation first."""
    found = {name for run in runs for name in histories.metrics(run.id)}
    found = {name for name in found if name not in NOT_JUDGED and not name.startswith(_RECORDED)}
    return sorted(
        found,
        key=lambda name: (plain_metric(name) != "loss", not name.startswith("val_"), name),
    )


def best_value(run: Run, histories: Histories | None, metric: str) -> float:
    """The value at the best epoch (lowest val_loss), whose weights are kept; NaN without any.

    Where nothing was measured then, or of an earlier run is not known, the metric's own best value.
    """
    values = histories.points(run.id, metric).values if histories is not None else np.empty(0)
    if histories is None or not len(values):
        known = (run.metrics.get(f"{best}{metric}", math.nan) for best in ("best_epoch_", "best_"))
        return next((value for value in known if math.isfinite(value)), math.nan)
    epoch = at_best(run, histories).epoch
    value = math.nan if math.isnan(epoch) else value_at(run, histories, metric, int(epoch))
    if math.isfinite(value):
        return value
    finite = values[np.isfinite(values)]
    if not len(finite):
        return math.nan
    return float(finite.max() if higher_is_better(plain_metric(metric)) else finite.min())


def recorded_metric(run: Run, name: str) -> float | None:
    """The last value of a metric as the run itself has it, under its own name or Keras' name."""
    value = run.metrics.get(name)
    if value is not None:
        return value
    logged = _logged_names(tuple(run.metrics)).get(name)
    return None if logged is None else run.metrics[logged]


@lru_cache(maxsize=256)
def _logged_names(metrics: tuple[str, ...]) -> dict[str, str]:
    return {keras: logged for logged, keras in keras_names(metrics).items()}


def tested_metrics(runs: Sequence[Run]) -> list[str]:
    """The metrics that any of our runs has of its test samples: loss first."""
    found = {name.removeprefix(TEST) for run in runs if run.is_ours for name in run.metrics
             if name.startswith(TEST) and name not in NOT_JUDGED}  # fmt: skip
    return sorted(found, key=lambda name: (name != "loss", name))


def test_value(run: Run, metric: str) -> float:
    """The value of the trained model on the test samples, NaN without any."""
    return run.metrics.get(f"{TEST}{metric}", math.nan)


def last_value(run: Run, histories: Histories, metric: str) -> float:
    """The last value as it is: infinite or NaN for a run that broke."""
    values = histories.points(run.id, metric).values
    if len(values):
        return float(values[-1])
    recorded = recorded_metric(run, metric)
    return math.nan if recorded is None else recorded


def value_at(run: Run, histories: Histories, metric: str, epoch: int) -> float:
    """The value of one epoch; NaN where the run did not come so far or did not measure."""
    points = histories.points(run.id, metric)
    at = int(np.searchsorted(points.steps, epoch))
    found = at < len(points.steps) and points.steps[at] == epoch
    return float(points.values[at]) if found else math.nan


class BestEpoch(NamedTuple):
    """The epoch with the lowest validation loss (or loss), and validation minus training there."""

    epoch: float
    gap: float


def at_best(run: Run, histories: Histories) -> BestEpoch:
    """The best epoch and the gap at it, each NaN where the run has not measured it.

    The training loss is that in test mode where it was recorded: what dropout and a moving
    average add to the loss is no gap.
    """
    monitor = histories.points(run.id, "val_loss")
    validated = bool(np.isfinite(monitor.values).any())
    if not validated:
        monitor = histories.points(run.id, "loss")
    finite = np.isfinite(monitor.values)
    if not finite.any():
        recorded = run.metrics.get("best_epoch", math.nan)
        return BestEpoch(recorded if math.isfinite(recorded) else math.nan, math.nan)
    best = int(np.where(finite, monitor.values, np.inf).argmin())
    epoch = int(monitor.steps[best])
    if not validated:
        return BestEpoch(epoch, math.nan)
    for name in (f"{TRAIN_EVAL}loss", "loss"):
        train = value_at(run, histories, name, epoch)
        if math.isfinite(train):
            return BestEpoch(epoch, float(monitor.values[best]) - train)
    return BestEpoch(epoch, math.nan)


def epochs_of(run: Run, histories: Histories) -> float:
    """How many epochs were recorded; NaN where no curve was read."""
    steps = [histories.points(run.id, name).steps for name in histories.metrics(run.id)]
    return float(max((len(some) for some in steps), default=0)) if steps else math.nan
