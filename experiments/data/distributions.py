"""How the values of a dataset are spread, from a sample of its rows."""

from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from experiments.data.catalog import DatasetInfo
from experiments.data.samples import Samples, StoredSamples

#: Rows, and bytes of them, that are looked at, at most.
MOST_ROWS = 50_000
MOST_BYTES = 40_000_000
_PIECES = 20  # places in the file that rows are taken from, at least
BINS = 20
_LEVELS = 64  # bins of pixel values
_SEED = 0


class DrawnSamples(NamedTuple):
    """``x`` (m, …) are samples, ``rows`` (m,) their sorted numbers of ``of`` in all, and ``y`` (m,)
    their targets."""

    x: np.ndarray
    y: np.ndarray
    rows: np.ndarray
    of: int

    @property
    def is_all(self) -> bool:
        """Whether no sample is left out."""
        return len(self.rows) == self.of


def draw_sample(x: Samples, y: np.ndarray) -> DrawnSamples:
    """All samples, or where they are many some runs of them from at least 20 places all over the
    file.

    ``y`` is (n,). The same dataset gives the same sample.
    """
    n = len(x)
    each = max(1, x.nbytes // max(1, n))
    most = max(1, min(n, MOST_ROWS, MOST_BYTES // each))
    if most == n:
        return DrawnSamples(np.asarray(x[:]), y, np.arange(n), n)
    longest = x.block_rows if isinstance(x, StoredSamples) else 1
    run = min(longest, max(1, most // _PIECES))
    starts = np.random.default_rng(_SEED).permutation(-(-n // run))[: most // run] * run
    rows = np.concatenate([np.arange(start, min(start + run, n)) for start in np.sort(starts)])
    return DrawnSamples(x[rows], y[rows], rows, n)


def histogram(
    values: np.ndarray, categories: tuple[str, ...] = (), dates: bool = False
) -> pd.Series:
    """How many values (m,) there are of each category, or in each of 20 bins, by its name; the 20
    most frequent categories, in their order. ``dates`` are days since 1970. Missing values do not
    count."""
    known = values[np.isfinite(values)]
    if categories:
        counts = np.bincount(known.astype(np.int64), minlength=len(categories))
        kept = np.sort(np.argsort(-counts, kind="stable")[:BINS])
        return pd.Series(counts[kept], index=[categories[i] for i in kept])
    if not len(known):
        return pd.Series(dtype=np.int64)
    counts, edges = np.histogram(known.astype(float), bins_of(known))
    return pd.Series(counts, index=_bin_names(edges, dates))


def date_text(days: float) -> str:
    """Days since 1970 as 2024-01-31, with hours and minutes where they are no whole days."""
    if np.isnan(days):
        return ""
    unit: Literal["D", "m"] = "D" if float(days).is_integer() else "m"
    minutes = np.datetime64(round(float(days) * 1440), "m")
    return str(minutes.astype(f"datetime64[{unit}]")).replace("T", " ")


def _bin_names(edges: np.ndarray, dates: bool) -> list[str]:
    """Where each bin begins, in as many digits as tell them apart; of a whole number the number."""
    whole = bool((np.diff(edges) == 1).all() and (edges % 1 == 0.5).all())
    starts = [float(low) + 0.5 * whole for low in edges[:-1]]
    if dates:
        of_days = edges[1] - edges[0] >= 1
        return [date_text(np.floor(start) if of_days else start) for start in starts]
    largest = np.abs(edges).max()
    if 1e4 <= largest < 1e9 and edges[1] - edges[0] >= 1:
        return [f"{start:.0f}" for start in starts]
    names: list[str] = []
    for digits in range(4, 18):
        names = [f"{start:.{digits}g}" for start in starts]
        if len(set(names)) == len(names):
            break
    return names


def bins_of(values: np.ndarray) -> np.ndarray:
    """The edges of 20 bins of finite numbers (m,); of few whole numbers one bin for each."""
    low, high = float(values.min()), float(values.max())
    if high - low < BINS and (values == np.round(values)).all():
        return np.arange(low - 0.5, high + 1)
    edges: np.ndarray = np.linspace(low, high, BINS + 1) if high > low else np.array([low, low + 1])
    return edges


def pixel_counts(sampled: DrawnSamples, white: float) -> pd.Series:
    """How many pixels of the samples have a value, by the lower edge of each bin."""
    edges = np.linspace(0, white, _LEVELS + 1)
    counts, _ = np.histogram(np.clip(sampled.x, 0, white), edges)
    return pd.Series(counts, index=edges[:-1])


def mean_images(sampled: DrawnSamples, info: DatasetInfo, most: int) -> dict[str, np.ndarray]:
    """The mean (height, width, channels) of the images of each of the first classes."""
    labels = sampled.y.astype(np.int64)
    return {
        name: sampled.x[labels == number].mean(axis=0, dtype=np.float64)
        for number, name in enumerate(info.class_names[:most])
        if (labels == number).any()
    }
