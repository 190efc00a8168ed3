"""From points as they were logged to the history of a run: epochs, under Keras' names.

Our own runs are logged like that. Others count batches beside an `epoch` metric (PyTorch
Lightning), log everything at step 0, or log a metric twice (`mlflow.tensorflow.autolog`).
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from experiments.diagnosis.histories import Points
from experiments.diagnosis.naming import keras_names
from experiments.tracking.points import last_of_steps
from experiments.tracking.runs import Run, Tag

EPOCH = "epoch"


class RunHistory(NamedTuple):
    """The points of each metric by epoch, and the steps that they were logged under where those
    are not the epochs."""

    series: dict[str, Points]
    logged_steps: dict[str, NDArray[np.int64]]


def to_history(run: Run, logged: Mapping[str, Points]) -> RunHistory:
    """The history in a run's logged points, loss first."""
    if run.is_ours:
        own = {
            name: last_of_steps(points)
            for name, points in logged.items()
            if not name.startswith("test_")
        }
        if run.status.is_active:
            own = _whole_epochs(own)
        return RunHistory(_loss_first(own), {})
    found = _without_single_values(logged)
    epochs = found.pop(EPOCH, None)
    names = _keras_names(tuple(found))
    history = RunHistory({}, {})
    for name, points in found.items():
        name = names.get(name, name)
        mapped = _by_epoch(points, epochs, _without_steps(found))
        history.series[name] = last_of_steps(mapped)
        if mapped is not points:
            last = np.searchsorted(mapped.steps, history.series[name].steps, side="right") - 1
            history.logged_steps[name] = points.steps[last]
    return RunHistory(_loss_first(history.series), history.logged_steps)


@lru_cache(maxsize=200)
def _keras_names(names: tuple[str, ...]) -> dict[str, str]:
    return keras_names(names)


def _loss_first(series: dict[str, Points]) -> dict[str, Points]:
    if "loss" not in series:
        return series
    return {"loss": series["loss"], **series}


def _whole_epochs(own: dict[str, Points]) -> dict[str, Points]:
    """Without an epoch of which some metrics have arrived and some not: ours log loss with all
    others, so it is whole when its loss is there."""
    if "loss" not in own:
        return own
    last = own["loss"].steps[-1]
    return {
        name: points.at(slice(int(np.searchsorted(points.steps, last, side="right"))))
        for name, points in own.items()
    }


def _without_single_values(logged: Mapping[str, Points]) -> dict[str, Points]:
    """Without what was measured once: tests at the end, summaries such as Hugging Face's
    `train_loss`, and autolog's `validation_loss`, which is `val_loss` at step 0 again and again.
    A run of a few epochs keeps all but its tests."""
    most = max((len(points.steps) for points in logged.values()), default=0)
    return {
        name: points
        for name, points in logged.items()
        if not _repeats(name, points, logged)
        and (
            len(points.steps) > 1
            or not (name.startswith("test") or (most > 1 and points.steps[0] == 0) or most > _FEW)
        )
    }


_FEW = 3  # points: with more of another metric a single one is no curve


def _repeats(name: str, points: Points, logged: Mapping[str, Points]) -> bool:
    own = name.startswith("validation_") and f"val_{name.removeprefix('validation_')}" in logged
    return own and bool((points.steps == points.steps[0]).all())


def axis_of(run: Run, steps: NDArray[np.int64]) -> str:
    """``step`` for a run that counts batches, by the steps of its history; ``epoch`` else."""
    if Tag.LOG_AXIS in run.tags:
        return run.tags[Tag.LOG_AXIS]
    if run.is_ours or len(steps) < 2:
        return "epoch"
    return "step" if float(np.median(np.diff(steps))) > 1 else "epoch"


def _without_steps(found: Mapping[str, Points]) -> bool:
    """Whether nobody gave a step, so that everything is at the same one."""
    return all((points.steps == points.steps[0]).all() for points in found.values())


def _by_epoch(points: Points, epochs: Points | None, without_steps: bool) -> Points:
    """The points with epochs for steps: those of the `epoch` metric, or where there are no steps
    the order in time; else the very points that were given."""
    if without_steps and len(points.steps) > 1:
        return points._replace(steps=np.arange(len(points.steps)))
    if epochs is None or not len(epochs.steps) or (np.diff(epochs.values) < 0).any():
        return points
    numbers = epochs.values
    if (numbers % 1 != 0).any():  # Hugging Face: several evaluations in an epoch, all are kept
        return points
    at = np.searchsorted(epochs.steps, points.steps, side="right") - 1
    mapped = numbers[at.clip(0)].astype(np.int64).clip(0)
    return points if (mapped == points.steps).all() else points._replace(steps=mapped)
