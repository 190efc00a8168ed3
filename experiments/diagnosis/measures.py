"""The numbers the rules look at, each with its error."""

from typing import NamedTuple

import numpy as np

from experiments.diagnosis.curves import Curve
from experiments.diagnosis.smoothing import Floats, Smooth, smooth

# Part of the run that "the end" is: its last quarter.
LAST = 4
# Part of the run that "lately" is: what a quarter more epochs would be of the whole.
RECENTLY = 5
# Standard errors that a minimum is taken to be uncertain by.
CAREFUL = 2.0
# Fewest values with a slope.
FEWEST = 3
# Slopes of two windows are the same when intervals of this many standard errors meet.
SAME = 1.2


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


def level(curve: Curve) -> Level:
    """Smooth the finite values of a curve, at least two."""
    finite = curve.finite
    values = curve.values[finite]
    smoothed = smooth(curve.epochs[finite].astype(np.float64), values)
    # The lowest of many uncertain values is too low: a minimum is where even the upper end of
    # the confidence interval is lowest.
    at = int(np.argmin(smoothed.level + CAREFUL * smoothed.error))
    end, end_error = _end(smoothed)
    return Level(
        smooth=smoothed,
        start=float(values[0]),
        lowest=float(smoothed.level[at]),
        lowest_error=float(smoothed.error[at]),
        lowest_at=at,
        end=end,
        end_error=end_error,
    )


def _end(smoothed: Smooth) -> tuple[float, float]:
    """Level at the end: the smoothed one, or a mean of the last values that is surely above it.

    A rise in the last few epochs only is flattened by the wide window before it.
    """
    level, error = float(smoothed.level[-1]), float(smoothed.error[-1])
    y = smoothed.kept_values
    for points in (3, 5, 8, 13, 21):
        if points > len(y) // LAST:
            break
        mean, mean_error = float(y[-points:].mean()), smoothed.noise / points**0.5
        falling = y[-1] < mean - smoothed.noise
        if not falling and mean - level > CAREFUL * np.hypot(mean_error, error):
            level, error = mean, mean_error
    return level, error


def medians_rise(measured: Level) -> float:
    """Median of the last values minus median of those around the minimum, whatever the noise."""
    y, t = measured.smooth.kept_values, measured.smooth.kept_epochs
    points = max(3, min(len(y) // 8, 25))
    at = int(np.searchsorted(t, measured.smooth.epochs[measured.lowest_at]))
    first = min(max(at - points // 2, 0), len(y) - points)
    return float(np.median(y[-points:]) - np.median(y[first : first + points]))


def recent_fall(values: Floats) -> float:
    """Part of the lowest loss by which it came down in the last fifth of the run.

    Lowest medians of neighboring values, so that one lucky epoch is no progress. What a run did
    lately is the best forecast of what it does next.
    """
    n = len(values)
    last = max(2, n // RECENTLY)
    width = max(1, min(n // 10, n - last))
    windows = np.lib.stride_tricks.sliding_window_view(values, width)
    medians = np.sort(windows, axis=1)[:, width // 2]
    before, now = float(medians[: max(n - last - width + 1, 1)].min()), float(medians.min())
    return 1 - now / before if before > 0 else 0.0


def fall_at_end(smoothed: Smooth) -> Fall:
    """Slope at the end from the widest window over which it is the same within its error."""
    t, y = smoothed.kept_epochs[::-1], smoothed.kept_values[::-1]
    n = len(y)
    length = float(t[0] - t[-1]) or 1.0
    x = (t - t[0]) / length
    widths = [min(n, max(FEWEST, round(n / 8)))]
    while widths[-1] < n:
        widths.append(min(n, max(widths[-1] + 1, round(widths[-1] * 1.3))))
    points = np.array(widths)
    sx, sxx, sy, sxy = np.cumsum([x, x * x, y, x * y], axis=1)[:, points - 1]
    spread = np.maximum(sxx - sx**2 / points, 1e-300)
    slopes = (sxy - sx * sy / points) / spread
    errors = smoothed.noise / np.sqrt(spread)
    low = np.maximum.accumulate(slopes - SAME * errors)
    high = np.minimum.accumulate(slopes + SAME * errors)
    same = int(np.argmin(np.append(low <= high, False))) - 1
    slope = float(slopes[same])
    if points[same] == FEWEST:
        # Three values of a curve that flattens: the slope at the last one, not in their middle.
        before, after = (y[2] - y[1]) / (x[1] - x[2]), (y[1] - y[0]) / (x[0] - x[1])
        flattening = float(np.clip(after / before, 0, 1)) if before > 0 else 1.0
        slope = max(slope, -after * flattening**0.5) if flattening < 1 else slope
    return Fall(-float(slope) / LAST, float(errors[same]) / LAST)
