"""Histories cut short, and whether what was said of them came true."""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from experiments.diagnosis import Verdict, diagnose


class Cut(NamedTuple):
    """A verdict on the first epochs of a history, and how low its validation loss got after them,
    as a part of its lowest loss before: within the next quarter, and until the end."""

    verdict: Verdict
    next_quarter: float
    until_end: float


def cuts(
    history: pd.DataFrame,
    constant_loss: float | None = None,
    shares: Sequence[float] = (0.4, 0.55, 0.7),
) -> Iterator[Cut]:
    """The verdict at some parts of a history of at least 15 epochs with a finite val_loss."""
    if "val_loss" not in history or len(history) < 15 or not history["val_loss"].gt(0).all():
        return
    values = history["val_loss"].to_numpy()
    for share in shares:
        seen = max(6, int(len(values) * share))
        if not np.isfinite(values).all() or len(values) - seen < 4:
            continue
        width = max(1, seen // 10)
        before = _lowest_median(values, 0, seen, width)
        until = min(len(values), seen + max(3, round(seen / 4)))
        near, end = (
            _lowest_median(values, seen, last, max(1, min(width, last - seen)))
            for last in (until, len(values))
        )
        verdict = diagnose(history.iloc[:seen], constant_loss=constant_loss)
        yield Cut(verdict, near / before, end / before)


def _lowest_median(values: np.ndarray, start: int, end: int, width: int) -> float:
    """The lowest median of neighboring values, so that one lucky epoch does not count."""
    medians = (
        sorted(values[first : first + width])[width // 2] for first in range(start, end - width + 1)
    )
    return min(medians, default=math.inf)
