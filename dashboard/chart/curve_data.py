"""What a chart of many curves draws, as numbers: ranges, bands, thinned curves. No streamlit here.

A curve is read as it is: NaN breaks its line, and NaN or inf at its end means that it diverged. So
an epoch without a measurement is left out of a curve, not filled with NaN.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

#: More curves than this are drawn as bands of quantiles: of more lines nothing can be told apart.
#: Chromium without a GPU redraws 2,000 × 100 in under 0.1 s.
MOST_LINES = 2000
#: Points of a curve that is only looked up under the pointer.
COARSE_POINTS = 60
#: Points sent in all: 8 MB. Curves are thinned only where there would be more.
MOST_POINTS = 1_000_000
_SHARES = (0.05, 0.25, 0.5, 0.75, 0.95)
_COLUMNS = 120
_FEW = 10  # up to so many curves each one counts


class ChartCurve(NamedTuple):
    """One metric of one run; ``x`` ascends and is as long as ``y``, ``kind`` is a key of LINES."""

    run_id: str
    name: str
    color: str
    kind: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]


class Band(NamedTuple):
    """The spread of ``runs`` curves around their middle; an empty color is the text's."""

    name: str
    color: str
    x: NDArray[np.float64]
    low: NDArray[np.float64]
    middle: NDArray[np.float64]
    high: NDArray[np.float64]
    runs: int


class ValueRange(NamedTuple):
    """Values that an axis shows, and whether there are values beyond it."""

    low: float
    high: float
    cut: bool


def robust_range(curves: Sequence[ChartCurve], log: bool = False) -> ValueRange:
    """The values to show so that a few diverged curves do not flatten the others.

    Decided over curves, not over points: the bulk reaches from the median of their minima to the
    median of their maxima, and what lies more than twice that span beyond it is cut. It is cut
    only where this makes the rest three times as high, with up to ten curves twenty times. So one
    curve is never cut, nor are curves that are alike. NaN, inf and on a log axis values up to 0
    count for nothing; on a log axis small values are not cut, they are what training is after.
    """
    lows, highs = _extremes(curves, log)
    if not len(lows):
        return ValueRange(1.0 if log else 0.0, 10.0 if log else 1.0, False)
    bottom, top = float(lows.min()), float(highs.max())
    low = float(np.quantile(lows, 0.5, method="lower"))
    high = float(np.quantile(highs, 0.5, method="lower"))
    reach = 2 * max(high - low, 1e-9 * abs(high))
    kept_top = float(highs[highs <= high + reach].max(initial=high))
    kept_bottom = bottom if log else float(lows[lows >= low - reach].min(initial=low))
    kept_top, kept_bottom = max(kept_top, low), min(kept_bottom, high)
    gain = 3 if len(lows) > _FEW else 20
    cut = top - bottom > gain * max(kept_top - kept_bottom, 1e-12 * abs(top))
    if not cut:
        kept_bottom, kept_top = bottom, top
    if log:
        return ValueRange(10.0**kept_bottom, 10.0**kept_top, cut)
    return ValueRange(kept_bottom, kept_top, cut)


def quantile_bands(curves: Sequence[ChartCurve]) -> list[Band]:
    """Two bands, 5 to 95 % and 25 to 75 % of the curves around their median, at up to 120 x.

    A curve counts where it has a value: not before it begins, after it ends or where it is NaN.
    """
    grid = _grid(curves)
    if not len(grid):
        return []
    values = np.full((len(curves), len(grid)), np.nan)
    for row, curve in zip(values, curves, strict=True):
        if len(curve.x):
            row[:] = np.interp(grid, curve.x, curve.y, left=np.nan, right=np.nan)
    values.sort(axis=0)  # NaN goes last
    there = np.count_nonzero(~np.isnan(values), axis=0)
    columns = np.flatnonzero(there)
    found = {
        share: values[np.rint(share * (there[columns] - 1)).astype(int), columns]
        for share in _SHARES
    }
    return [
        Band(
            name=name,
            color="",
            x=grid[columns],
            low=found[low],
            middle=found[0.5],
            high=found[high],
            runs=len(curves),
        )
        for name, low, high in (("5–95 %", 0.05, 0.95), ("25–75 %", 0.25, 0.75))
    ]


def coarse(curve: ChartCurve) -> ChartCurve:
    """Every so manieth point up to and with the last, at most COARSE_POINTS of them."""
    stride = -(-len(curve.y) // COARSE_POINTS)
    if stride <= 1:
        return curve
    first = (len(curve.y) - 1) % stride
    return curve._replace(x=curve.x[first::stride], y=curve.y[first::stride])


def fitted(curves: Sequence[ChartCurve]) -> list[ChartCurve]:
    """The curves, the long ones thinned where all together are more than MOST_POINTS."""
    if sum(len(curve.y) for curve in curves) <= MOST_POINTS:
        return list(curves)
    most = MOST_POINTS // len(curves)
    return [thinned(curve, most) for curve in curves]


def thinned(curve: ChartCurve, most: int) -> ChartCurve:
    """At most about ``most`` points: the least and the greatest of each stretch, first and last.

    What tsdownsample's MinMaxDownsampler does, without one more compiled dependency: it is
    needed only for more than a million points.
    """
    count = len(curve.y)
    stretch = -(-2 * count // max(most, 4))
    if stretch <= 2:
        return curve
    whole = count // stretch * stretch
    rows = curve.y[:whole].reshape(-1, stretch)
    starts = np.arange(0, whole, stretch)
    least = starts + np.where(np.isnan(rows), np.inf, rows).argmin(axis=1)
    greatest = starts + np.where(np.isnan(rows), -np.inf, rows).argmax(axis=1)
    rest = np.arange(whole, count)
    kept = np.unique(np.concatenate([[0], least, greatest, rest, [count - 1]]))
    return curve._replace(x=curve.x[kept], y=curve.y[kept])


def _extremes(
    curves: Sequence[ChartCurve], log: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Least and greatest value of each curve that has one; log10 of them if ``log``."""
    filled = [np.asarray(curve.y, dtype=np.float64) for curve in curves if len(curve.y)]
    if not filled:
        return np.empty(0), np.empty(0)
    values = np.concatenate(filled)
    starts = np.concatenate([[0], np.cumsum([len(y) for y in filled])[:-1]])
    lows, highs = np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)
    if not log and np.isfinite(lows).all() and np.isfinite(highs).all():
        return lows, highs
    shown = np.isfinite(values) & (values > 0) if log else np.isfinite(values)
    lows = np.minimum.reduceat(np.where(shown, values, np.inf), starts)
    highs = np.maximum.reduceat(np.where(shown, values, -np.inf), starts)
    some = np.isfinite(lows)
    lows, highs = lows[some], highs[some]
    return (np.log10(lows), np.log10(highs)) if log else (lows, highs)


def _grid(curves: Sequence[ChartCurve]) -> NDArray[np.float64]:
    """Where bands are computed: the x of the longest curve if that covers all, or even steps."""
    ends = [(curve.x[0], curve.x[-1]) for curve in curves if len(curve.x)]
    if not ends:
        return np.empty(0)
    low, high = min(end[0] for end in ends), max(end[1] for end in ends)
    longest = max(curves, key=lambda curve: len(curve.x)).x
    if len(longest) <= _COLUMNS and (longest[0], longest[-1]) == (low, high):
        return longest.astype(np.float64)
    return np.linspace(low, high, _COLUMNS)
