"""The numbers the rules look at, each with its error."""

from typing import NamedTuple

import numpy as np

from experiments.diagnosis.curves import Curve
from experiments.diagnosis.smoothing import Floats, Smooth, smooth

# Part of the run that "the end" is: its last quarter.
LAST = 4


class Level(NamedTuple):
    """One curve, smoothed: where it starts, is lowest and ends, in the units of the loss."""

    smooth: Smooth
    start: float
    lowest: float
    lowest_error: float
    lowest_at: int
    end: float
    end_error: float

    @property
    def rise(self) -> float:
        return self.end - self.lowest

    @property
    def rise_error(self) -> float:
        return float(np.hypot(self.end_error, self.lowest_error))


class Fall(NamedTuple):
    """How far a curve falls in a quarter of the run, at the speed it has at the end."""

    amount: float
    error: float
    latest: float
    latest_error: float


def level(curve: Curve) -> Level:
    """Smooth the finite values of a curve, at least two."""
    finite = curve.finite
    values = curve.values[finite]
    smoothed = smooth(curve.epochs[finite].astype(np.float64), values)
    at = int(np.argmin(smoothed.level))
    return Level(
        smoothed,
        float(values[0]),
        float(smoothed.level[at]),
        float(smoothed.error[at]),
        at,
        float(smoothed.level[-1]),
        float(smoothed.error[-1]),
    )


def fall_at_end(curve: Curve, measured: Level) -> Fall:
    """Straight lines through the last quarter and the last eighth of the values."""
    finite = curve.finite
    t, y = curve.epochs[finite].astype(np.float64), curve.values[finite]
    keep = _without_jumps(y, measured)
    t, y = t[keep], y[keep]
    quarter = (t[-1] - t[0]) / LAST
    correlation = measured.smooth.correlation
    noise = measured.smooth.noise * np.sqrt((1 + correlation) / (1 - correlation))
    slope, error = _line(t, y, noise, LAST)
    latest, latest_error = _line(t, y, noise, 2 * LAST)
    return Fall(-slope * quarter, error * quarter, -latest * quarter, latest_error * quarter)


def _without_jumps(y: Floats, measured: Level) -> np.ndarray:
    """Leave spikes out of the straight lines: far from the smoothed curve in the last half."""
    n = len(y)
    at = np.interp(
        np.arange(n),
        np.linspace(0, n - 1, len(measured.smooth.level)),
        np.arange(len(measured.smooth.level)),
    )
    expected = np.interp(at, np.arange(len(measured.smooth.level)), measured.smooth.level)
    away = np.abs(y - expected)
    limit = 5 * max(measured.smooth.noise, float(np.median(away[n // 2 :])))
    keep = (away <= limit) | (np.arange(n) < n // 2)
    return keep if keep.sum() >= max(3, n - n // 5) else np.ones(n, dtype=bool)


def _line(t: Floats, y: Floats, noise: float, part: int) -> tuple[float, float]:
    """Slope per epoch and its error over the last 1/part of the points, at least three."""
    points = min(len(t), max(3, round(len(t) / part)))
    t, y = t[-points:] - t[-points:].mean(), y[-points:]
    spread = float((t**2).sum())
    if spread == 0:
        return 0.0, np.inf
    return float((t * y).sum() / spread), float(noise / np.sqrt(spread))
