"""Curves as a small inline SVG that needs no script: colors of the runs, names on hover."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from dashboard.chart.ranges import AxisRange, Floats, robust_range, round_ticks
from dashboard.chart.run_curves import log_ticks

_WIDTH, _HEIGHT = 860, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 12, 10, 34
_MOST_POINTS = 60_000  # in one chart: half a megabyte
_MS_OF_2001 = 1e12
_DASHES = {"validation": "", "test mode": "6 4", "train": "1.5 4"}


class ReportCurve(NamedTuple):
    """One curve: x and y as drawn (smoothed or not), ``kind`` one of charts.LINES."""

    name: str
    color: str
    kind: str
    x: Floats
    y: Floats


def curves_svg(curves: Sequence[ReportCurve], x_title: str, log: bool = False) -> str:
    """An SVG element of the curves; values far beyond the others run along the edge."""
    every = np.concatenate([curve.y for curve in curves]) if curves else np.empty(0)
    if log:
        every = every[every > 0]
    scale = robust_range(every)
    xs = np.concatenate([curve.x[np.isfinite(curve.x)] for curve in curves] or [np.empty(0)])
    x_low, x_high = (float(xs.min()), float(xs.max())) if len(xs) else (0.0, 1.0)
    plot = _Plot(x_low, x_high if x_high > x_low else x_low + 1, scale, log and scale.low > 0)
    most = max(_MOST_POINTS // max(len(curves), 1), 16)
    lines = [_line(plot, curve, most, len(curves)) for curve in curves]
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(x_title)}">'
        f'{_grid(plot, x_title)}<g fill="none" stroke-linejoin="round">{"".join(lines)}</g></svg>'
    )


class _Plot(NamedTuple):
    """From values to places in the image."""

    x_low: float
    x_high: float
    range: AxisRange
    log: bool

    def x(self, values: Floats) -> Floats:
        return _LEFT + (values - self.x_low) / (self.x_high - self.x_low) * (
            _WIDTH - _LEFT - _RIGHT
        )

    @property
    def ends(self) -> tuple[float, float]:
        """Bottom and top, with a little room; log10 on a log axis."""
        low, high = self.range.low, self.range.high
        if self.log:
            low, high = math.log10(low), math.log10(high)
        room = 0.04 * (high - low) or max(abs(high) * 0.1, 1e-6)
        return low - room, high + room

    def y(self, values: Floats) -> Floats:
        low, high = self.ends
        if self.log:
            with np.errstate(divide="ignore", invalid="ignore"):
                values = np.log10(np.maximum(values, 1e-300))
        share = np.clip((values - low) / (high - low), 0, 1)
        return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)


def thinned(x: Floats, y: Floats, most: int) -> tuple[Floats, Floats]:
    """At most so many points that keep the lowest and highest of each stretch, NaN left out."""
    finite = np.isfinite(x) & ~np.isnan(y)
    x, y = x[finite], y[finite]
    if len(x) <= most:
        return x, y
    edges = np.linspace(0, len(x), max(most // 2, 1) + 1).astype(int)
    kept = {0, len(x) - 1}
    for first, last in pairwise(edges):
        part = y[first:last]
        kept |= {first + int(part.argmin()), first + int(part.argmax())}
    at = np.array(sorted(kept))
    return x[at], y[at]


def _line(plot: _Plot, curve: ReportCurve, most: int, count: int) -> str:
    x, y = thinned(curve.x, curve.y, most)
    title = f"<title>{escape(curve.name)} · {escape(curve.kind)}</title>"
    color = escape(curve.color, quote=True)
    places = [f"{a:.1f},{b:.1f}" for a, b in zip(plot.x(x), plot.y(y), strict=True)]
    if len(places) == 1:
        left, top = places[0].split(",")
        return f'<circle cx="{left}" cy="{top}" r="3" fill="{color}">{title}</circle>'
    dash = f' stroke-dasharray="{_DASHES[curve.kind]}"' if _DASHES.get(curve.kind) else ""
    width, opacity = (1.8, 0.95) if count <= 30 else (1.0, 0.5)
    return (
        f'<polyline points="{" ".join(places)}" stroke="{color}" stroke-width="{width}" '
        f'opacity="{opacity}"{dash}>{title}</polyline>'
    )


def _told(x: float) -> str:
    """An epoch, step or second; ms since 1970 as a date."""
    if x < _MS_OF_2001:
        return f"{x:,g}" if x < 100_000 else f"{x:.3g}"
    return datetime.fromtimestamp(x / 1000, UTC).strftime("%d %b %H:%M")


def _grid(plot: _Plot, x_title: str) -> str:
    low, high = plot.ends
    marks = []
    ticks = log_ticks(low, high) if plot.log else round_ticks(low, high)
    for tick, at in zip(ticks, plot.y(np.array(ticks)), strict=True):
        marks.append(
            f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{at:.1f}" y2="{at:.1f}" class="grid"/>'
            f'<text x="{_LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{tick:g}</text>'
        )
    below = _HEIGHT - _BOTTOM + 16
    ticks = round_ticks(plot.x_low, plot.x_high)
    for tick, at in zip(ticks, plot.x(np.array(ticks)), strict=True):
        marks.append(f'<text x="{at:.1f}" y="{below}" text-anchor="middle">{_told(tick)}</text>')
    marks.append(
        f'<text x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 4}" text-anchor="end" class="axis">'
        f"{escape(x_title)}</text>"
    )
    return "".join(marks)
