"""How the table of a comparison looks: numbers as people read them, the best of each in bold,
and differences to a baseline."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.io.formats.style import Styler

from dashboard.compare.columns import FIXED, PARAM, Better, better
from dashboard.compare.differing import signed_percent
from dashboard.shared.formats import NOTHING, duration, number


def styled(table: pd.DataFrame, baseline: str | None = None, bold: bool = True) -> Styler:
    """The table with readable numbers, still sorted as numbers; the best of each metric is bold.

    Beside each number of a metric stands its difference to the run ``baseline``, if there is one:
    "0.310 (+0.020, +7 %)".
    """
    formats: dict[Any, Any] = {}
    for name in map(str, table):
        read = read_as(table, name)
        if baseline is not None and read is not _text and not name.startswith(PARAM):
            read = _against(float(table[name].loc[baseline]), read)
        formats[name] = read
    style = table.style.format(formats, na_rep=NOTHING)
    for name in map(str, table) if bold and len(table) > 1 else ():
        direction = None if name in FIXED else better(name)
        if direction is not None:
            style = style.apply(_bold_best, subset=[name], direction=direction)
    return style


def read_as(table: pd.DataFrame, name: str) -> Callable[[Any], str]:
    """How a column's values are read: numbers rounded, seconds as durations, texts as they are."""
    if not pd.api.types.is_numeric_dtype(table[name]):
        return _text
    if name == "duration":
        return duration
    if name.startswith(PARAM):
        return _setting
    return _whole if name in ("best epoch", "epochs") else number


def best_of(values: "pd.Series[float]", direction: Better | None) -> "NDArray[np.bool_]":
    """Which values are the best of several finite ones; none where no direction is better."""
    best = np.zeros(len(values), dtype=bool)
    if direction is None or values.name in FIXED:
        return best
    finite = np.isfinite(values.to_numpy(float))
    if finite.sum() > 1:
        kept = values.to_numpy(float)
        worst = -np.inf if direction == "higher" else np.inf
        kept = np.where(finite, kept, worst)
        best = kept == (kept.max() if direction == "higher" else kept.min())
    return best & ~best.all()  # nothing stands out where all are equal


def _against(base: float, read: Callable[[Any], str]) -> Callable[[Any], str]:
    def told(value: float) -> str:
        apart = value - base
        if not math.isfinite(apart) or apart == 0:
            return read(value)
        sign = "+" if apart > 0 else "−"
        share = f", {signed_percent(apart / abs(base))}" if base and read is number else ""
        return f"{read(value)} ({sign}{read(abs(apart))}{share})"

    return told


def _text(value: Any) -> str:
    return NOTHING if value is None or value != value else str(value)


def _setting(value: float) -> str:
    return NOTHING if math.isnan(value) else f"{value:.6g}"


def _whole(value: float) -> str:
    return NOTHING if math.isnan(value) else f"{value:.0f}"


def _bold_best(values: "pd.Series[float]", direction: Better) -> list[str]:
    return ["font-weight: bold" if best else "" for best in best_of(values, direction)]
