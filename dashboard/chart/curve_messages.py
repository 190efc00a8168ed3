"""What is sent to the chart of curves: one block of bytes, and of a live chart only what is new.

A message is the length of a JSON header (uint32), the header, filled up to 8 bytes, and the
numbers of its tails one after the other, little-endian:

    float64  first x of each tail, step of its x (NaN: its x follow)
    uint32   number of the series, position of the tail in it, points in the tail
    float32  y of all tails, x less the first x of those whose x follow

A series is what has x and y: each curve, then low, middle and high of each band. A tail replaces
its series from a position on. Message 0 of a stream has everything and names the series; message n
has what changed since message n - BACK, because Streamlit replaces a message that it has not sent
yet by the next one. A browser that missed more asks for everything. Where nothing is new, the last
message is sent again.
"""

import json
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dashboard.chart.curve_data import Band, ChartCurve

BACK = 5
_FEW_POINTS = 2000  # so many are sent anew without a thought


class Tail(NamedTuple):
    """The points of a series from ``start`` on."""

    series: int
    start: int
    x: NDArray[np.float64]
    y: NDArray[np.float64]


class Drawing(NamedTuple):
    """All that a chart draws; ``look`` is what may change while the series stay."""

    curves: Sequence[ChartCurve]
    bands: Sequence[Band]
    look: Mapping[str, Any]

    def names(self) -> dict[str, Any]:
        """What the series are called, column by column."""
        return {
            "runs": [curve.run_id for curve in self.curves],
            "names": [curve.name for curve in self.curves],
            "colors": [curve.color for curve in self.curves],
            "kinds": [curve.kind for curve in self.curves],
            "bands": [[band.name, band.color, band.runs] for band in self.bands],
        }

    def series(self) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
        """x and y of every curve, then of low, middle and high of every band."""
        return [(curve.x, curve.y) for curve in self.curves] + [
            (band.x, y) for band in self.bands for y in (band.low, band.middle, band.high)
        ]


def whole(drawing: Drawing) -> bytes:
    """Message 0: everything. The same drawing gives the same bytes, which Streamlit sends once."""
    numbers = packed(Tail(i, 0, x, y) for i, (x, y) in enumerate(drawing.series()))
    names = drawing.names()
    stream = blake2b(numbers + json.dumps(names).encode(), digest_size=8).hexdigest()
    return _message({"stream": stream, "number": 0, **names}, drawing, numbers)


class Stream:
    """What one browser was sent of a live chart, and so what is new to it."""

    def __init__(self) -> None:
        self._names: dict[str, Any] | None = None
        self._series: list[tuple[NDArray[np.float64], NDArray[np.float64]]] = []
        self._changed: list[deque[int | None]] = []
        self._number = 0
        self._stream = ""
        self._look: Mapping[str, Any] = {}
        self._last = b""

    def message(self, drawing: Drawing) -> bytes:
        """Everything at first and where other series are drawn; else what is new."""
        series = drawing.series()
        if self._names != drawing.names():
            return self._begin(drawing)
        news = [_first_change(*old, *new) for old, new in zip(self._series, series, strict=True)]
        if drawing.look == self._look and all(start is None for start in news):
            return self._last
        for start, changed in zip(news, self._changed, strict=True):
            changed.append(start)
        self._series, self._look = series, drawing.look
        starts = [min((c for c in changed if c is not None), default=None)
                  for changed in self._changed]  # fmt: skip
        tails = [Tail(i, start, x[start:], y[start:])
                 for i, ((x, y), start) in enumerate(zip(series, starts, strict=True))
                 if start is not None]  # fmt: skip
        new, every = sum(len(tail.y) for tail in tails), sum(len(y) for _, y in series)
        if new > max(_FEW_POINTS, every // 2):
            return self._begin(drawing)
        self._number += 1
        since = max(0, self._number - BACK)
        head = {"stream": self._stream, "number": self._number, "since": since}
        self._last = _message(head, drawing, packed(tails))
        return self._last

    def _begin(self, drawing: Drawing) -> bytes:
        self._names, self._series, self._look = drawing.names(), drawing.series(), drawing.look
        self._changed = [deque(maxlen=BACK) for _ in self._series]
        self._number = 0
        self._last = whole(drawing)
        self._stream = header(self._last)["stream"]
        return self._last


def packed(tails: Iterable[Tail]) -> bytes:
    """The numbers of some tails, as the module's docstring lays them out."""
    tails = list(tails)
    count = len(tails)
    firsts, steps = np.zeros(count), np.zeros(count)
    shape = np.zeros((3, count), dtype="<u4")
    ys: list[NDArray[np.float32]] = [np.empty(0, dtype="<f4")]
    xs: list[NDArray[np.float32]] = [np.empty(0, dtype="<f4")]
    with np.errstate(over="ignore"):  # beyond float32 is inf, which is marked at the edge
        for i, tail in enumerate(tails):
            shape[:, i] = tail.series, tail.start, len(tail.y)
            ys.append(tail.y.astype("<f4"))
            if len(tail.x):
                firsts[i], steps[i] = tail.x[0], _step(tail.x)
                if np.isnan(steps[i]):
                    xs.append((tail.x - tail.x[0]).astype("<f4"))
    head = np.array([count], dtype="<u8")
    return b"".join(
        part.tobytes() for part in (head, firsts.astype("<f8"), steps.astype("<f8"), shape)
    ) + b"".join(part.tobytes() for part in (np.concatenate(ys), np.concatenate(xs)))


def header(message: bytes) -> dict[str, Any]:
    """The JSON header of a message."""
    length = int.from_bytes(message[:4], "little")
    found: dict[str, Any] = json.loads(message[4 : 4 + length])
    return found


def _message(head: dict[str, Any], drawing: Drawing, numbers: bytes) -> bytes:
    text = json.dumps({**head, "look": drawing.look}, ensure_ascii=False).encode()
    text += b" " * (-(4 + len(text)) % 8)
    return len(text).to_bytes(4, "little") + text + numbers


def _step(x: NDArray[np.float64]) -> float:
    """The distance of points that are evenly apart, else NaN."""
    if len(x) < 2:
        return 0.0
    apart = np.diff(x)
    return float(apart[0]) if (apart == apart[0]).all() else np.nan


def _first_change(
    old_x: NDArray[np.float64],
    old_y: NDArray[np.float64],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
) -> int | None:
    """The first position at which a series is another than before, None if it is the same."""
    shared = min(len(old_y), len(y))
    a, b = old_y[:shared], y[:shared]
    other = (old_x[:shared] != x[:shared]) | (a != b)
    if other.any():
        other &= (old_x[:shared] != x[:shared]) | ~(np.isnan(a) & np.isnan(b))
    if other.any():
        return int(other.argmax())
    return None if len(old_y) == len(y) else shared
