"""Where Keras' EarlyStopping would have stopped a run that is over, from its history alone.

The same decisions as `keras.callbacks.EarlyStopping` of Keras 3 on TensorFlow, which compares in
float32. Epochs without the monitored value (validation every n-th epoch) change nothing there, so
that only measured values are looked at here.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from experiments.core.errors import HistoryError, unknown
from experiments.diagnosis.naming import TRAIN_EVAL, higher_is_better

MODES = ("auto", "min", "max")


@dataclass(frozen=True)
class Setting:
    """The arguments of keras.callbacks.EarlyStopping that decide when it stops."""

    patience: int = 0
    min_delta: float = 0.0
    start_from_epoch: int = 0
    monitor: str = "val_loss"
    mode: str = "auto"
    baseline: float | None = None

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise HistoryError(unknown("mode", self.mode, MODES))

    @property
    def maximizes(self) -> bool:
        """Whether higher is better: as `mode` says, or for auto as the metric's name does."""
        metric = self.monitor.removeprefix("val_").removeprefix(TRAIN_EVAL)
        return self.mode == "max" or (self.mode == "auto" and higher_is_better(metric))


class Stop(NamedTuple):
    """How a replay ended.

    `stopped_epoch` is the last epoch that would have been trained, None if it trained to the end.
    `best_epoch` and `best` are those that the callback knew by then, None before its first value;
    `wait` is its counter. `epochs_saved` are those after `stopped_epoch`.
    """

    stopped_epoch: int | None
    best_epoch: int | None
    best: float | None
    wait: int
    epochs_saved: int


class Waiting(NamedTuple):
    """A whole history seen by the callback if it never stopped; `patience` plays no part in it.

    By measured epoch from `start_from_epoch` on: `improved`, where the best value was replaced;
    `wait`, the counter after the epoch; `longest`, the highest wait at which it would have asked
    whether to stop, up to there (-1 before it asked), so that a patience of p stops where
    `longest` first reaches p.
    """

    epochs: NDArray[np.int64]
    improved: NDArray[np.bool_]
    wait: NDArray[np.int64]
    longest: NDArray[np.int64]

    def stop(self, patience: NDArray[np.int64]) -> NDArray[np.int64]:
        """Position where each patience stops; the number of epochs where it does not."""
        return np.searchsorted(self.longest, patience)


def replay(
    values: NDArray[np.float64],
    setting: Setting,
    *,
    epochs: NDArray[np.int64] | None = None,
    last_epoch: int | None = None,
) -> Stop:
    """What EarlyStopping with this setting does, given the measured values of its monitor.

    `epochs` are the epochs of the values, increasing (by default 0, 1, 2, …); epochs that were
    not validated are left out, a NaN is a value that was NaN. `last_epoch` is the last of the run
    if that was not validated.
    """
    values = np.asarray(values, dtype=np.float64)
    at = np.arange(len(values)) if epochs is None else np.asarray(epochs, dtype=np.int64)
    if len(at) != len(values):
        raise HistoryError(
            f"Received {len(values)} values at {len(at)} epochs. There must be one epoch a value."
        )
    waiting = wait_for(values, at, setting)
    if len(waiting.epochs) == 0:
        return Stop(None, None, None, 0, 0)
    stop = int(waiting.stop(np.array([setting.patience]))[0])
    stopped = stop < len(waiting.epochs)
    end = stop if stopped else len(waiting.epochs) - 1
    best = int(np.flatnonzero(waiting.improved[: end + 1])[-1])
    stopped_epoch = int(waiting.epochs[stop]) if stopped else None
    last = int(at[-1]) if last_epoch is None else last_epoch
    return Stop(
        stopped_epoch,
        int(waiting.epochs[best]),
        float(values[len(values) - len(waiting.epochs) + best]),
        int(waiting.wait[end]),
        0 if stopped_epoch is None else last - stopped_epoch,
    )


def wait_for(values: NDArray[np.float64], epochs: NDArray[np.int64], setting: Setting) -> Waiting:
    """The counter of the callback over a whole history."""
    first = int(np.searchsorted(epochs, setting.start_from_epoch))
    values, epochs = values[first:], epochs[first:]
    sign = -1.0 if setting.maximizes else 1.0
    with np.errstate(over="ignore", invalid="ignore"):
        # Rounding to float32 keeps signs, so that higher-is-better is the same turned over.
        plain = (sign * values).astype(np.float32)
        handicapped = (sign * values + abs(setting.min_delta)).astype(np.float32)
        improved = _improved(plain, handicapped)
        resets = improved.copy()
        if setting.baseline is not None:
            resets &= handicapped < np.float32(sign * setting.baseline)
    position = np.arange(len(values))
    wait = position - np.maximum.accumulate(np.where(resets, position, -1))
    asked = ~improved & (epochs > 0)
    longest = np.maximum.accumulate(np.where(asked, wait, -1))
    return Waiting(epochs, improved, wait, longest)


def _improved(plain: NDArray[np.float32], handicapped: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Where a value beats the best before it by more than the handicap; the first always does."""
    improved = np.zeros(len(plain), dtype=bool)
    best = None
    # One epoch depends on the one before: lists are read faster than arrays.
    for at, (value, compared) in enumerate(zip(plain.tolist(), handicapped.tolist(), strict=True)):
        if best is None or compared < best:
            best = value
            improved[at] = True
    return improved
