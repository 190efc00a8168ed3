"""Where the points of a curve stand on the horizontal axis."""

import math

import numpy as np
from numpy.typing import NDArray

from experiments.diagnosis.histories import Histories
from experiments.tracking.runs import Run

#: What can be chosen -> what stands below the chart.
AXES = {
    "epoch": "epoch",
    "step": "steps (batches trained on)",
    "training time": "seconds of training",
    "date": "date and time",
}


def positions(run: Run, histories: Histories, metric: str, axis: str) -> NDArray[np.float64]:
    """The x of each point of one metric of one run; ``axis`` is one of AXES.

    ``epoch`` counts from 0. ``step`` is how many batches the run had trained on; the logged step
    where another tool counted itself, and the epoch where the number of batches is not known.
    ``training time`` is in seconds since training began, without pauses where the run recorded
    the seconds of each epoch. ``date`` is in ms since 1970.
    """
    points = histories.points(run.id, metric)
    if axis == "date":
        return points.times.astype(np.float64)
    if axis == "step":
        logged = histories.logged_steps(run.id, metric)
        if not np.array_equal(logged, points.steps):
            return logged.astype(np.float64)
        batches = batches_per_epoch(run)
        if batches is not None:
            return ((points.steps + 1) * batches).astype(np.float64)
    if axis == "training time":
        return _seconds(run, histories, metric)
    return points.steps.astype(np.float64)


def batches_per_epoch(run: Run) -> int | None:
    """How many batches of training samples make an epoch; None where that was not recorded."""
    samples = run.metrics.get("train_samples", 0)
    try:
        size = int(run.params.get("training.batch_size", 0))
    except ValueError:
        return None
    return math.ceil(samples / size) if size > 0 and samples > 0 else None


def _seconds(run: Run, histories: Histories, metric: str) -> NDArray[np.float64]:
    points = histories.points(run.id, metric)
    epochs = histories.points(run.id, "epoch_seconds")
    if len(epochs.steps):
        spent = np.concatenate([[0.0], np.cumsum(np.nan_to_num(epochs.values))])
        return spent[np.searchsorted(epochs.steps, points.steps, side="right")]
    first = [histories.points(run.id, name).times[:1] for name in histories.metrics(run.id)]
    began = int(np.concatenate(first).min()) if first else 0
    if run.started is not None:
        began = min(began, int(run.started.timestamp() * 1000))
    return (points.times - began).astype(np.float64) / 1000
