"""Mean and spread of runs that are repetitions of one another, as with several seeds."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dashboard.compare.curve_axes import positions
from dashboard.shared.param_texts import (
    param_names,
    rank,
    same_value,
    short_names,
    shown_value,
)
from experiments.diagnosis.histories import Histories
from experiments.tracking.runs import Run

Floats = NDArray[np.float64]

#: What the band around a mean can show -> what that means.
SPREADS = {
    "standard deviation": "about two of three runs lie inside",
    "lowest to highest": "all runs lie inside",
    "95 % interval": "the mean of many such runs lies inside, with 95 % confidence",
}
_MOST_POINTS = 1000


class Group(NamedTuple):
    """Runs that have the same values of some parameters: ``values`` in the order asked for."""

    label: str
    values: tuple[str | None, ...]
    runs: list[Run]


class BandPoints(NamedTuple):
    """A mean with its band by ``x``; ``counts`` is over how many runs each mean is."""

    x: Floats
    low: Floats
    mean: Floats
    high: Floats
    counts: NDArray[np.int64]


def group_runs(runs: Sequence[Run], by: Sequence[str]) -> list[Group]:
    """The runs by their values of the parameters ``by``, numbers in order of size.

    Labels read "learning rate 0.01 · dropout 0.5". Runs without a parameter are a group too; all
    runs are one group where ``by`` is empty.
    """
    members: dict[tuple[float | str | None, ...], list[Run]] = {}
    for run in runs:
        members.setdefault(tuple(same_value(run.params.get(name)) for name in by), []).append(run)
    short = short_names(sorted({*param_names(runs), *by}))
    groups = []
    for together in members.values():
        values = tuple(together[0].params.get(name) for name in by)
        label = " · ".join(
            f"{short[name]} {shown_value(value)}" for name, value in zip(by, values, strict=True)
        )
        groups.append(Group(label or "all runs", values, together))
    return sorted(groups, key=lambda group: [rank(value) for value in group.values])


def bands(
    runs: Sequence[Run], histories: Histories, metric: str, axis: str, spread: str
) -> BandPoints:
    """Mean and band of one metric over some runs; ``axis`` of AXES, ``spread`` of SPREADS.

    Each x is over the runs that have a finite value there: runs of different lengths each count
    as far as they go, and ``counts`` tells where fewer are left. Curves whose points do not share
    their x, as with times, are read off straight lines between their points. A single run has no
    spread: low and high are the mean.
    """
    curves = []
    for run in runs:
        x = positions(run, histories, metric, axis)
        y = histories.points(run.id, metric).values
        if len(x):
            curves.append((x, np.where(np.isfinite(y), y, np.nan)))
    if not curves:
        empty = np.empty(0)
        return BandPoints(empty, empty, empty, empty, np.empty(0, np.int64))
    x, rows = _rows(curves, exact=axis == "epoch")
    return _band(x, rows, spread)


def _rows(curves: Sequence[tuple[Floats, Floats]], exact: bool) -> tuple[Floats, Floats]:
    """The curves on one grid: x, and one row a curve with NaN where it has nothing."""
    grid = np.unique(np.concatenate([x for x, _ in curves]))
    longest = max(len(x) for x, _ in curves)
    rows = np.full((len(curves), len(grid)), np.nan)
    if exact or len(grid) == longest:
        for row, (x, y) in zip(rows, curves, strict=True):
            row[np.searchsorted(grid, x)] = y
        return grid, rows
    grid = np.linspace(grid[0], grid[-1], min(longest, _MOST_POINTS))
    return grid, np.array([np.interp(grid, x, y, np.nan, np.nan) for x, y in curves])


def _band(x: Floats, rows: Floats, spread: str) -> BandPoints:
    known = np.isfinite(rows)
    count = known.sum(axis=0)
    some = count > 0
    x, rows, known, count = x[some], rows[:, some], known[:, some], count[some]
    mean = np.where(known, rows, 0.0).sum(axis=0) / count
    if spread == "lowest to highest":
        low = np.where(known, rows, np.inf).min(axis=0)
        return BandPoints(x, low, mean, np.where(known, rows, -np.inf).max(axis=0), count)
    squares = np.where(known, rows - mean, 0.0) ** 2
    half = np.sqrt(squares.sum(axis=0) / np.maximum(count - 1, 1))
    if spread == "95 % interval":
        half *= _student(count) / np.sqrt(count)
    return BandPoints(x, mean - half, mean, mean + half, count)


def _student(count: NDArray[np.int64]) -> Floats:
    """How many standard errors the interval of a mean over so many values reaches (Student)."""
    from scipy.special import stdtrit  # 0.1 s, only where it is asked for

    return np.asarray(stdtrit(np.maximum(count - 1, 1), 0.975))
