"""The runs that no other run beats in two things at once."""

import numpy as np
from numpy.typing import NDArray

from dashboard.chart.ranges import Floats
from dashboard.compare.columns import Better


def pareto(x: Floats, y: Floats, x_better: Better, y_better: Better) -> NDArray[np.bool_]:
    """Which points are on the front: no other is as good in both and better in one.

    Points with NaN or infinity never are; of equal points all are, or none. Takes n log n.
    """
    x = -x if x_better == "higher" else x
    y = -y if y_better == "higher" else y
    order = np.lexsort((y, x))
    order = order[np.isfinite(x[order]) & np.isfinite(y[order])]
    xs, ys = x[order], y[order]
    first = np.searchsorted(xs, xs, side="left")  # of those with the same x
    lowest = np.concatenate([[np.inf], np.minimum.accumulate(ys)])  # y of the points before
    front = np.zeros(len(x), dtype=bool)
    front[order] = (ys < lowest[first]) & (ys == ys[first])
    return front
