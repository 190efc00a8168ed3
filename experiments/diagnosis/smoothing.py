"""The level beneath a noisy curve, with its error.

Local linear regression whose window grows at every epoch for as long as the curve stays straight
within the noise: the intersection of confidence intervals (Goldenshluger & Nemirovski, 1997;
Katkovnik, 1999). A sharp minimum after three epochs and a flat tail of a thousand need different
windows, and one fixed window would blur the first or believe the noise of the second.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Above this many points a history is averaged in bins: 50,000 epochs then cost as much as 400.
MAX_POINTS = 400
# Half-widths of the windows, in points.
HALF_WIDTHS = (1, 2, 3, 4, 6, 9, 13, 19, 28, 42, 63, 95, 140, 200)
# Width of the confidence intervals that must meet, in standard errors.
INTERVAL = 2.0
# A spike rises this many noise levels above both of its neighborhoods.
SPIKE = 6.0
MAD_TO_SIGMA = 1.4826
MIN_LOCAL_NOISE = 40
MIN_CORRELATION = 30
SHORT = 25


class Smooth(NamedTuple):
    """A smoothed curve: epoch labels, level and standard error of equal length (<= 400 points).

    `noise` is the typical scatter of one epoch's value around the level, counted larger where
    neighboring residuals are correlated. `spikes` counts the epochs left out as spikes; the
    others are `kept_epochs` and `kept_values`.
    """

    epochs: Floats
    level: Floats
    error: Floats
    noise: float
    spikes: int
    kept_epochs: Floats
    kept_values: Floats


def smooth(epochs: Floats, values: Floats) -> Smooth:
    """Smooth finite values (at least two) at increasing epochs, ignoring spikes."""
    scale = float(np.median(np.abs(values))) or float(np.max(np.abs(values))) or 1.0
    scaled = values / scale
    noise = _noise(epochs, scaled)
    spiking = _spikes(scaled, noise)
    spikes = int(spiking.sum())
    keep = ~spiking
    t, y = epochs[keep], scaled[keep]
    noise = _noise(t, y) if spikes else noise
    t, y, weight = _bins(t, y, 1.0 / noise**2)
    # Where consecutive epochs depend on each other, differences show too little noise.
    correlation = _neighbor_correlation(t, y, weight)
    inflation = (1 + correlation) / (1 - correlation)
    level, error = _adaptive_local_linear(t, y, weight / inflation)
    level = np.clip(level, y.min(), y.max())
    typical = float(np.median(noise[len(noise) // 2 :])) * inflation**0.5
    return Smooth(
        epochs=t,
        level=level * scale,
        error=error * scale,
        noise=typical * scale,
        spikes=spikes,
        kept_epochs=epochs[keep],
        kept_values=values[keep],
    )


def _noise(t: Floats, y: Floats) -> Floats:
    """Standard deviation of the noise at each point, from second differences.

    Gasser, Sroka & Jennen-Steinmetz (1986), with the median in place of the mean, since spikes
    and the steep first epochs are not noise. Local from 40 points on, as noise often shrinks
    with the loss.
    """
    n = len(y)
    floor = 1e-7 * max(float(np.median(np.abs(y))), float(np.ptp(y[n // 2 :])), 1e-3)
    if n < 4:
        return np.full(n, max(floor, 1e-3 * float(np.abs(y).max())))
    left = (t[2:] - t[1:-1]) / (t[2:] - t[:-2])
    residual = left * y[:-2] + (1 - left) * y[2:] - y[1:-1]
    residual = np.abs(residual) / np.sqrt(left**2 + (1 - left) ** 2 + 1)
    if n < MIN_LOCAL_NOISE:
        late = MAD_TO_SIGMA * float(np.median(residual[len(residual) // 3 :]))
        if n < SHORT:
            late = min(late, _noise_of_short(y))
        return np.full(n, max(late, floor))
    # Medians of overlapping stretches, interpolated.
    size = max(21, n // 10)
    starts = np.unique(np.linspace(0, n - 2 - size, 16).astype(int))
    medians = np.median(residual[starts[:, None] + np.arange(size)], axis=1)
    centers = starts + size / 2 + 1
    overall = float(np.median(residual))
    local = MAD_TO_SIGMA * np.interp(np.arange(n), centers, medians)
    return np.maximum(local, max(0.1 * MAD_TO_SIGMA * overall, floor))


def _noise_of_short(y: Floats) -> float:
    """Noise from third differences, which the bend of a short curve disturbs less than second.

    The 1.15 makes up for taking the smaller of two estimates. Noise turns a curve up and down
    all the time; one that has a single valley at most has little (of 720 orders that six random
    numbers can have, 32 are like that).
    """
    noise = 1.15 * MAD_TO_SIGMA * float(np.median(np.abs(np.diff(y, 3)))) / 20**0.5
    climbs = np.diff(y) > 0
    if not np.all(climbs[:-1] <= climbs[1:]):
        return noise
    least = float(np.abs(np.diff(y, 2)).min()) / 6**0.5
    return min(0.3 * noise, least) if len(y) <= 8 else 0.3 * noise


def _spikes(y: Floats, noise: Floats) -> NDArray[np.bool_]:
    """Points far above what is on both sides of them; the first point has no left and is none."""
    n = len(y)
    if n < 5:
        return np.zeros(n, dtype=bool)
    side = 3 if n < 20 else 5
    padded = np.concatenate([np.full(side, np.nan), y, np.full(side, np.nan)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, side)
    left = _nan_median(windows[:n])
    right = _nan_median(windows[side + 1 :])
    left[0] = np.inf
    right[-1] = left[-1]
    # An ordinary step between neighbors is no spike either, however small the noise.
    step = np.abs(np.diff(y))
    threshold = SPIKE * noise + 3 * float(np.median(step[n // 3 :]))
    found = y - np.maximum(left, right) > threshold
    # The last value has no right side: a steep climb goes on, a spike comes out of nowhere.
    found[-1] &= y[-1] - y[-2] > 5 * float(step[-4:-1].max())
    # A dip only when it is extreme: a sharp minimum is what we look for.
    left[0] = -np.inf
    found |= np.minimum(left, right) - y > 4 * threshold
    return found if found.mean() <= 0.2 else np.zeros(n, dtype=bool)


def _nan_median(windows: Floats) -> Floats:
    """Median of each row without its NaN, which np.nanmedian does row by row, slowly."""
    ordered = np.sort(windows, axis=1)
    count = np.isfinite(ordered).sum(axis=1)
    rows = np.arange(len(ordered))
    low = ordered[rows, np.maximum(count - 1, 0) // 2]
    high = ordered[rows, np.minimum(count // 2, windows.shape[1] - 1)]
    return (low + high) / 2


def _bins(t: Floats, y: Floats, weight: Floats) -> tuple[Floats, Floats, Floats]:
    """Averages over bins that are single epochs at first and wider later, at most 400."""
    n = len(y)
    if n <= MAX_POINTS:
        return t, y, weight
    even = np.linspace(0, n, MAX_POINTS // 2 + 1)
    early = np.geomspace(1, n, MAX_POINTS // 2)
    edges = np.unique(np.concatenate([even, early]).astype(int))[:-1]
    total = np.add.reduceat(weight, edges)
    mean_y = np.add.reduceat(weight * y, edges) / total
    mean_t = np.add.reduceat(weight * t, edges) / total
    return mean_t, mean_y, total


def _adaptive_local_linear(t: Floats, y: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Level and standard error of each point from its widest window that is still straight."""
    fit = _LocalLines(t, y, weight)
    level, error = y.copy(), 1 / np.sqrt(weight)
    low, high = level - INTERVAL * error, level + INTERVAL * error
    growing = np.ones(len(y), dtype=bool)
    # Only the end gets one-sided windows: elsewhere they would cut a corner of the curve, and
    # find a minimum below all values where a steep part meets a flat one.
    room = np.minimum(fit.index, len(y) - 1 - fit.index)
    room[-1] = len(y)
    for half in HALF_WIDTHS:
        if half >= len(y):
            break
        fitted, fitted_error = fit.at_width(half)
        low = np.maximum(low, fitted - INTERVAL * fitted_error)
        high = np.minimum(high, fitted + INTERVAL * fitted_error)
        growing &= (low <= high) & (half <= room)
        if not growing.any():
            break
        np.copyto(level, fitted, where=growing)
        np.copyto(error, fitted_error, where=growing)
    return level, error


class _LocalLines:
    """Weighted straight lines through the points around each point, from running sums."""

    def __init__(self, t: Floats, y: Floats, weight: Floats) -> None:
        self.x = (t - t[0]) / (t[-1] - t[0] or 1.0)
        wx, wy = weight * self.x, weight * y
        self.sums = np.zeros((5, len(y) + 1))
        np.cumsum([weight, wx, wx * self.x, wy, wy * self.x], axis=1, out=self.sums[:, 1:])
        self.index = np.arange(len(y))

    def at_width(self, half: int) -> tuple[Floats, Floats]:
        """Value at each point, and its standard error, of the line through 2 half + 1 points."""
        first = np.maximum(self.index - half, 0)
        last = np.minimum(self.index + half + 1, len(self.index))
        w, wx, wxx, wy, wxy = self.sums[:, last] - self.sums[:, first]
        mean_x, mean_y = wx / w, wy / w
        # Rounding leaves nothing of the spread where weights differ by many powers of ten.
        spread = np.maximum(wxx - wx * mean_x, 1e-14 * w)
        away = self.x - mean_x
        fitted = mean_y + (wxy - wx * mean_y) / spread * away
        return fitted, np.sqrt(1 / w + away**2 / spread)


def _neighbor_correlation(t: Floats, y: Floats, weight: Floats) -> float:
    """Correlation of neighboring residuals in the later half, 0 to 0.8.

    Measured against windows of fixed width: the adaptive ones would follow the wandering. A bend
    counts as correlation too, which matters little, as it shows only where there is little noise.
    """
    n = len(y)
    if n < MIN_CORRELATION:
        return 0.0
    level, _ = _LocalLines(t, y, weight).at_width(max(4, n // 12))
    late = ((y - level) * np.sqrt(weight))[n // 2 :]
    late = np.clip(late, -3, 3)
    power = float(late @ late)
    if power == 0:
        return 0.0
    # A fitted window takes some correlation away: 1 / its number of points and a little more.
    found = float(late[1:] @ late[:-1]) / power + 1.5 / (2 * max(4, n // 12) + 1)
    chance = 1.3 / np.sqrt(len(late))
    return float(np.clip(found, 0, 0.8)) if found > chance else 0.0
