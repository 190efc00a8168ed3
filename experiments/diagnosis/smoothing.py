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
# A spike rises this many noise levels above both of its neighbourhoods.
SPIKE = 6.0
MAD_TO_SIGMA = 1.4826
MIN_LOCAL_NOISE = 40


class Smooth(NamedTuple):
    """A smoothed curve: epoch labels, level and standard error of equal length (<= 400 points).

    `noise` is the typical scatter of one epoch's value around the level; `spikes` counts the
    epochs that were left out as spikes; `correlation` is that of neighbouring residuals.
    """

    epochs: Floats
    level: Floats
    error: Floats
    weight: Floats
    noise: float
    spikes: int
    correlation: float


def smooth(epochs: Floats, values: Floats) -> Smooth:
    """Smooth finite values (at least two) at increasing epochs, ignoring spikes."""
    scale = float(np.median(np.abs(values))) or float(np.max(np.abs(values))) or 1.0
    scaled = values / scale
    keep = ~_spikes(scaled, _noise(epochs, scaled))
    spikes = int((~keep).sum())
    t, y = epochs[keep], scaled[keep]
    noise = _noise(t, y)
    # Where consecutive epochs depend on each other, differences show too little noise.
    t, y, weight = _bins(t, y, 1.0 / noise**2)
    level, error = _adaptive_local_linear(t, y, weight)
    correlation = _neighbour_correlation(y - level, weight) if len(y) >= MIN_LOCAL_NOISE else 0.0
    if correlation > 0:
        inflation = (1 + correlation) / (1 - correlation)
        weight = weight / inflation
        level, error = _adaptive_local_linear(t, y, weight)
    typical = float(np.median(noise[len(noise) // 2 :]))
    return Smooth(
        t, level * scale, error * scale, weight / scale**2, typical * scale, spikes, correlation
    )


def _noise(t: Floats, y: Floats) -> Floats:
    """Standard deviation of the noise at each point, from second differences.

    Gasser, Sroka & Jennen-Steinmetz (1986), with the median in place of the mean, since spikes
    and the steep first epochs are not noise. Local from 40 points on, as noise often shrinks
    with the loss.
    """
    n = len(y)
    floor = 1e-7 * max(float(np.median(np.abs(y))), float(np.ptp(y[n // 2 :])), 1e-300)
    if n < 4:
        return np.full(n, max(floor, 1e-3 * float(np.abs(y).max())))
    left = (t[2:] - t[1:-1]) / (t[2:] - t[:-2])
    residual = left * y[:-2] + (1 - left) * y[2:] - y[1:-1]
    residual = np.abs(residual) / np.sqrt(left**2 + (1 - left) ** 2 + 1)
    if n < MIN_LOCAL_NOISE:
        late = residual[len(residual) // 3 :]
        return np.full(n, max(MAD_TO_SIGMA * float(np.median(late)), floor))
    # Medians of about 20 overlapping stretches, interpolated.
    size = max(21, n // 10)
    starts = np.unique(np.linspace(0, n - 2 - size, 20).astype(int)) if n - 2 > size else [0]
    medians = [float(np.median(residual[s : s + size])) for s in starts]
    centres = [s + size / 2 + 1 for s in starts]
    overall = float(np.median(residual))
    local = MAD_TO_SIGMA * np.interp(np.arange(n), centres, medians)
    return np.maximum(local, max(0.1 * MAD_TO_SIGMA * overall, floor))


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
    # An ordinary step between neighbours is no spike either, however small the noise.
    step = np.abs(np.diff(y))
    threshold = SPIKE * noise + 3 * float(np.median(step[n // 3 :]))
    found = y - np.maximum(left, right) > threshold
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
    n = len(y)
    x = (t - t[0]) / (t[-1] - t[0] or 1.0)
    sums = [
        np.concatenate([[0.0], np.cumsum(weight * part)])
        for part in (np.ones(n), x, x * x, y, x * y)
    ]
    index = np.arange(n)
    level, error = y.copy(), 1 / np.sqrt(weight)
    low, high = level - INTERVAL * error, level + INTERVAL * error
    growing = np.ones(n, dtype=bool)
    for half in HALF_WIDTHS:
        if half >= n:
            break
        first, last = np.maximum(index - half, 0), np.minimum(index + half + 1, n)
        w, wx, wxx, wy, wxy = (part[last] - part[first] for part in sums)
        centred_xx = wxx - wx**2 / w
        slope = (wxy - wx * wy / w) / centred_xx
        away = x - wx / w
        fitted = wy / w + slope * away
        fitted_error = np.sqrt(1 / w + away**2 / centred_xx)
        low = np.where(growing, np.maximum(low, fitted - INTERVAL * fitted_error), low)
        high = np.where(growing, np.minimum(high, fitted + INTERVAL * fitted_error), high)
        growing &= low <= high
        level = np.where(growing, fitted, level)
        error = np.where(growing, fitted_error, error)
        if not growing.any():
            break
    return level, error


def _neighbour_correlation(residual: Floats, weight: Floats) -> float:
    """Correlation of neighbouring standardised residuals in the later half, 0 to 0.9."""
    late = (residual * np.sqrt(weight))[len(residual) // 2 :]
    late = np.clip(late, -3, 3)
    power = float(np.mean(late**2))
    return float(np.clip(np.mean(late[1:] * late[:-1]) / power, 0, 0.9)) if power > 0 else 0.0
