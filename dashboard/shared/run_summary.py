"""What is told of a run in a few numbers: its best value, how far it is, its dataset."""

import math
from typing import NamedTuple

import pandas as pd

from experiments.data.catalog import DatasetInfo
from experiments.data.stored import find_info, is_known
from experiments.diagnosis.naming import higher_is_better
from experiments.tracking.runs import Run, RunStatus


class BestValue(NamedTuple):
    """A run's main validation metric at its best epoch (lowest val_loss), whose weights are kept.

    ``own`` is the best value that the metric had in any epoch.
    """

    metric: str
    value: float
    epoch: int | None
    own: float = math.nan


def best_of(run: Run, history: pd.DataFrame | None = None) -> BestValue:
    """The best value so far: as recorded when the run ended, or from the history.

    Of a run whose end recorded no more than the metric's own best value, and whose history is not
    at hand, it is that.
    """
    metric = f"val_{run.main_metric}"
    own = run.metrics.get(f"best_{metric}", math.nan)
    value = run.metrics.get(f"best_epoch_{metric}", math.nan)
    epoch = run.metrics.get("best_epoch", math.nan)
    measured = history is not None and metric in history
    values = (
        history[metric].dropna() if history is not None and measured else pd.Series(dtype=float)
    )
    if math.isnan(own) and len(values):
        own = float(values.max() if higher_is_better(run.main_metric) else values.min())
    if history is not None and math.isnan(epoch) and "val_loss" in history:
        losses = history["val_loss"].dropna()
        epoch = float(losses.index[int(losses.argmin())]) if len(losses) else math.nan
    if math.isnan(value):
        value = float(values.get(int(epoch), own)) if not math.isnan(epoch) else own
    return BestValue(metric, value, None if math.isnan(epoch) else int(epoch), own)


def progress_of(run: Run) -> float:
    """How far a run is, from 0 to 1; a finished run is at 1, wherever it was stopped early."""
    if run.status is RunStatus.FINISHED:
        return 1.0
    told = run.progress
    epochs = told.get("epochs") or run.epochs
    if not epochs:
        return 0.0
    done = told.get("epoch", 0) + told.get("batch", 0) / max(told.get("batches") or 1, 1)
    return min(done / epochs, 1.0)


def dataset_of(run: Run) -> DatasetInfo | None:
    """What is known of the run's dataset; None where that is nothing."""
    name = run.params.get("dataset.name", "")
    return find_info(name) if is_known(name) else None
