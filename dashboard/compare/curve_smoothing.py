"""Smoothing of curves that does not lag: the last value of a smoothed curve is where it ended.

TensorBoard's moving average looks back only, so that it lags behind a falling loss and shows the
end of training too high. Here each value is the straight line through its neighbors on both
sides, weighted by ``factor`` to the power of their distance (Cleveland's local regression, 1979,
with exponential weights). In the middle that is the mean of TensorBoard's average from the left
and from the right; at the ends, where neighbors are missing on one side, the line's slope makes
up for them. A straight line stays itself to its last point.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def smooth(values: Floats, factor: float) -> Floats:
    """Smoothed values of one curve, or of many of equal length as rows; same shape.

    ``factor`` is from 0 (as measured) to below 1, on TensorBoard's scale. NaN and infinity stay
    what and where they are and count for nothing beside. No value leaves the range of its curve.
    """
    values = np.asarray(values, dtype=np.float64)
    if factor <= 0 or values.size == 0:
        return values
    factor = min(factor, 0.999)
    known = np.isfinite(values)
    weight = known.astype(np.float64)
    y = np.where(known, values, 0.0)
    w0, w1, w2 = _moments(weight, factor, 2)
    y0, y1 = _moments(y, factor, 1)
    spread = w0 * w2 - w1**2
    # one point alone has no slope
    sloped = spread > 1e-9 * w0 * w2
    with np.errstate(divide="ignore", invalid="ignore"):
        level = np.where(sloped, (w2 * y0 - w1 * y1) / spread, y0 / w0)
    lowest = np.where(known, values, np.inf).min(axis=-1, keepdims=True)
    highest = np.where(known, values, -np.inf).max(axis=-1, keepdims=True)
    return np.where(known, np.clip(level, lowest, highest), values)


def smooth_many(curves: Sequence[Floats], factor: float) -> list[Floats]:
    """The same for many curves of any lengths at once."""
    if factor <= 0 or not curves:
        return list(curves)
    rows = np.full((len(curves), max(map(len, curves))), np.nan)
    for row, curve in zip(rows, curves, strict=True):
        row[: len(curve)] = curve
    return [row[: len(curve)] for row, curve in zip(smooth(rows, factor), curves, strict=True)]


def _moments(values: Floats, factor: float, highest: int) -> list[Floats]:
    """Sums over all points of weight x value x distance to the power of 0, 1 .. ``highest``.

    Distances are positive to the right.
    """
    right = _from_left(values[..., ::-1], factor, highest)
    left = _from_left(values, factor, highest)
    found = [left[0] + right[0][..., ::-1] - values]  # the point itself is on both sides
    for power in range(1, highest + 1):
        found.append((-1) ** power * left[power] + right[power][..., ::-1])
    return found


def _from_left(values: Floats, factor: float, highest: int) -> list[Floats]:
    """One side of the moments: a step to the right makes (d + 1)^p of each distance d^p."""
    found = [_decayed_sum(values, factor)]
    if highest >= 1:
        found.append(_decayed_sum(factor * _shifted(found[0]), factor))
    if highest >= 2:
        found.append(_decayed_sum(factor * _shifted(2 * found[1] + found[0]), factor))
    return found


def _decayed_sum(values: Floats, factor: float) -> Floats:
    """s[i] = values[i] + factor * s[i - 1], in log2(length) steps over whole arrays."""
    total = values.copy()
    step = 1
    while step < total.shape[-1] and (decay := factor**step) > 1e-300:
        total[..., step:] += decay * total[..., :-step]
        step *= 2
    return total


def _shifted(values: Floats) -> Floats:
    moved = np.zeros_like(values)
    moved[..., 1:] = values[..., :-1]
    return moved
