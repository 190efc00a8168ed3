"""How much chance is in what is measured on so many samples, and in how a split fell."""

import math
from collections.abc import Sequence

import numpy as np

_Z = 1.959964  # 95 % of a normal distribution lies within so many standard deviations


def accuracy_margin(accuracy: float, samples: int) -> float:
    """Half the width of the 95 % interval of an accuracy (0 to 1) that so many samples gave.

    Wilson's interval (Wilson 1927, JASA 22), which also holds near 0 and 1 and for few samples;
    1 is 100 points. Without samples nothing is known: 0.5.
    """
    if samples == 0:
        return 0.5
    z2 = _Z * _Z
    spread = math.sqrt(accuracy * (1 - accuracy) / samples + z2 / (4 * samples * samples))
    return _Z * spread / (1 + z2 / samples)


def squared_error_margin(samples: int) -> float:
    """The standard error of a mean squared error, as a share of it: √(2/n) for normal errors."""
    return math.sqrt(2 / samples) if samples else math.inf


def chance_of_difference(left: Sequence[int], right: Sequence[int]) -> float:
    """How likely chance alone makes the shares of the classes differ as much or more between two
    parts, given the counts of each class: Pearson's chi-square test, 1 where there is nothing to
    compare.

    For three classes and more its tail by the approximation of Wilson and Hilferty (1931), within
    0.005 of the exact one.
    """
    table = np.asarray([left, right], dtype=float)
    table = table[:, table.sum(axis=0) > 0]
    free = table.shape[1] - 1
    if free < 1 or not table.sum(axis=1).all():
        return 1.0
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
    value = float(((table - expected) ** 2 / expected).sum())
    if free == 1:
        return math.erfc(math.sqrt(value / 2))
    bend = 2 / (9 * free)
    z = ((value / free) ** (1 / 3) - (1 - bend)) / math.sqrt(bend)
    return 0.5 * math.erfc(z / math.sqrt(2))


def label_runs(labels: np.ndarray) -> tuple[int, float, float]:
    """How many runs of equal labels stand in file order, how many a shuffled file has on average,
    and by how many standard deviations there are fewer (the runs test for several classes, Wallis
    and Roberts 1956). Labels are (n,)."""
    n = len(labels)
    runs = 1 + int(np.count_nonzero(labels[1:] != labels[:-1])) if n else 0
    counts = np.unique(labels, return_counts=True)[1].astype(float)
    squares, cubes = float((counts**2).sum()), float((counts**3).sum())
    if n < 2 or len(counts) < 2:
        return runs, float(runs), 0.0
    expected = n + 1 - squares / n
    variance = (squares * (squares + n * (n + 1)) - 2 * n * cubes - float(n) ** 3) / (
        float(n) ** 2 * (n - 1)
    )
    return runs, expected, (expected - runs) / math.sqrt(variance) if variance > 0 else 0.0


def rank_correlation(values: np.ndarray) -> float:
    """Spearman's correlation of values (n,) with their place in the file; 0 where all are equal."""
    _, number, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks = (last - (counts - 1) / 2)[number.reshape(-1)]  # equal values share their mean rank
    places = np.arange(len(values), dtype=float)
    if len(values) < 2 or ranks.std() == 0:
        return 0.0
    return float(np.corrcoef(places, ranks)[0, 1])
