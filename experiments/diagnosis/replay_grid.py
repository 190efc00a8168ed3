"""Early stopping replayed over stored histories: what each setting saves, and what it gives up."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.diagnosis.histories import Histories
from experiments.diagnosis.replay import Setting, Waiting, wait_for

Floats = NDArray[np.float64]
PATIENCES = (1, 2, 3, 5, 8, 10, 15, 20, 30, 50)
MIN_DELTAS = (0.0, 1e-4, 1e-3)
STARTS = (0, 10)
# What part of the best val_loss may be given up by what is recommended.
TOLERANCE = 0.01


def grid(
    monitor: str = "val_loss",
    patience: Sequence[int] = PATIENCES,
    min_delta: Sequence[float] = MIN_DELTAS,
    start_from_epoch: Sequence[int] = STARTS,
) -> list[Setting]:
    """Every combination, 60 by default."""
    combinations = product(patience, min_delta, start_from_epoch)
    return [Setting(waits, delta, start, monitor) for waits, delta, start in combinations]


def sweep(histories: Histories, settings: Sequence[Setting]) -> pd.DataFrame:
    """One row a setting, in order: its arguments, and means over the runs that have its monitor.

    `runs` have the monitor, `stopped` of them would have stopped early; `epochs_saved`;
    `seconds_saved` (from `epoch_seconds`, or else the times of logging); `given_up` is the best
    val_loss until the stop minus the best of the whole run, `given_up_relative` the same relative
    to the best, and `worst_given_up` its highest over the runs. Without val_loss it is the
    monitored metric that is given up. NaN where no run tells.
    """
    saved = np.full((4, len(settings), len(histories)), np.nan)
    together: dict[Setting, list[int]] = {}
    for at, setting in enumerate(settings):
        together.setdefault(replace(setting, patience=0), []).append(at)
    patience = np.array([setting.patience for setting in settings], dtype=np.int64)
    for column, run_id in enumerate(histories.run_ids):
        run = _Run(histories, run_id)
        # The patience decides only when to stop, so that all of them share one walk.
        for setting, rows in together.items():
            points = histories.points(run_id, setting.monitor)
            if len(points.values):
                waiting = wait_for(points.values, points.steps, setting)
                saved[:, rows, column] = run.saved(waiting, patience[rows], setting)
    epochs, seconds, given_up, relative = saved
    return pd.DataFrame(
        {
            "monitor": [setting.monitor for setting in settings],
            "patience": patience,
            "min_delta": [setting.min_delta for setting in settings],
            "start_from_epoch": [setting.start_from_epoch for setting in settings],
            "mode": [setting.mode for setting in settings],
            "baseline": [setting.baseline for setting in settings],
            "runs": np.isfinite(epochs).sum(axis=1),
            "stopped": (epochs > 0).sum(axis=1),
            "epochs_saved": _mean(epochs),
            "seconds_saved": _mean(seconds),
            "given_up": _mean(given_up),
            "given_up_relative": _mean(relative),
            "worst_given_up": pd.DataFrame(relative).max(axis=1).to_numpy(),
        }
    )


def recommend(swept: pd.DataFrame, tolerance: float = TOLERANCE) -> Setting | None:
    """The setting that saves most epochs while giving up at most `tolerance` of the val_loss.

    Of settings that save the same, the one with fewer arguments and then the longest patience.
    None where nothing can be saved.
    """
    fair = swept[(swept["given_up_relative"] <= tolerance) & (swept["epochs_saved"] > 0)]
    if fair.empty:
        return None
    arguments = (
        (fair["min_delta"] != 0).astype(int)
        + (fair["start_from_epoch"] != 0)
        + fair["baseline"].notna()
    )
    order = np.lexsort((-fair["patience"], arguments, -fair["epochs_saved"]))
    best = fair.iloc[order[0]]
    return Setting(
        patience=int(best["patience"]),
        min_delta=float(best["min_delta"]),
        start_from_epoch=int(best["start_from_epoch"]),
        monitor=str(best["monitor"]),
        mode=str(best["mode"]),
        baseline=None if pd.isna(best["baseline"]) else float(best["baseline"]),
    )


class _Run:
    """What a run had trained, spent and reached by each of its epochs."""

    def __init__(self, histories: Histories, run_id: str) -> None:
        self._histories, self._id = histories, run_id
        every = [histories.points(run_id, name).steps for name in histories.metrics(run_id)]
        # A few facts are logged once, at step 0; they end no run early.
        self.epochs = max(every, key=len)
        self.last = max(int(steps[-1]) for steps in every if len(steps))
        self.elapsed = self._elapsed()
        self._reached: dict[str, tuple[NDArray[np.int64], Floats]] = {}

    def saved(self, waiting: Waiting, patience: NDArray[np.int64], setting: Setting) -> Floats:
        """Epochs, seconds, loss given up and its part of the best: four values a patience."""
        stops = np.append(waiting.epochs, self.last)[waiting.stop(patience)]
        steps, lowest = self._lowest(setting)
        given_up = lowest[np.maximum(np.searchsorted(steps, stops, "right") - 1, 0)] - lowest[-1]
        part = given_up / max(abs(float(lowest[-1])), 1e-300)
        trained = np.searchsorted(self.epochs, stops, "right")
        seconds = self.elapsed[-1] - self.elapsed[trained]
        return np.stack([(self.last - stops).astype(np.float64), seconds, given_up, part])

    def _lowest(self, setting: Setting) -> tuple[NDArray[np.int64], Floats]:
        """The best val_loss (or monitored metric, turned over where higher is better) so far."""
        judged = "val_loss" if "val_loss" in self._histories.metrics(self._id) else setting.monitor
        if judged not in self._reached:
            points = self._histories.points(self._id, judged)
            turned = -1.0 if judged == setting.monitor and setting.maximizes else 1.0
            values = np.where(np.isfinite(points.values), turned * points.values, np.inf)
            lowest = np.minimum.accumulate(values)
            # Where nothing finite was reached, nothing can be given up.
            known = lowest if np.isfinite(lowest[-1]) else np.zeros(len(lowest))
            self._reached[judged] = points.steps, np.where(np.isfinite(known), known, known.max())
        return self._reached[judged]

    def _elapsed(self) -> Floats:
        """Seconds of training before each of the run's epochs, and at its end; NaN if unknown."""
        seconds = np.full(len(self.epochs), np.nan)
        logged = self._histories.points(self._id, "epoch_seconds")
        if len(logged.values):
            at = np.searchsorted(self.epochs, logged.steps)
            inside = at < len(seconds)
            seconds[at[inside]] = logged.values[inside]
        else:
            times = max(
                (self._histories.points(self._id, name) for name in
                 self._histories.metrics(self._id)), key=lambda points: len(points.steps),
            ).times  # fmt: skip
            # The median leaves out the pause before a run went on.
            if len(times) > 1:
                seconds[:] = float(np.median(np.diff(times))) / 1000
        known = seconds[np.isfinite(seconds)]
        usual = float(np.median(known)) if len(known) else np.nan
        return np.append(0.0, np.cumsum(np.where(np.isfinite(seconds), seconds, usual)))


def _mean(values: Floats) -> Floats:
    """Mean over the runs that tell, without numpy's warning where none does."""
    counts = np.isfinite(values).sum(axis=1)
    sums = np.where(np.isfinite(values), values, 0.0).sum(axis=1)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
