"""Any two numbers or settings of runs against each other, with the runs that no other beats."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from dashboard.chart.ranges import AxisRange, Floats, robust_range
from dashboard.chart.run_curves import QUIET_COLOR, dress
from dashboard.compare.columns import PARAM, Better, better, titles
from dashboard.shared.formats import NOTHING, number
from dashboard.shared.param_texts import in_order, shown_value, unique_names
from experiments.tracking.runs import Run


class Scale(NamedTuple):
    """One axis: its range if it is of numbers, else its categories in order."""

    name: str
    title: str
    range: AxisRange | None
    categories: list[str]


class ScatterPoints(NamedTuple):
    """One point a run that has both values; ``x`` and ``y`` are places on the scales.

    Values far beyond the others stand at the edge, marked by ``at_edge``; ``told`` has the true
    ones. ``front`` marks the runs that no other beats in both; none where better is not defined
    for both.
    """

    run_ids: list[str]
    x: NDArray[Any]
    y: NDArray[Any]
    told: list[tuple[str, str]]
    x_scale: Scale
    y_scale: Scale
    at_edge: NDArray[np.bool_]
    front: NDArray[np.bool_]


def scatter_points(table: pd.DataFrame, x: str, y: str) -> ScatterPoints:
    """The points of two columns of ``columns.run_table``, in the order of the table.

    A text that a run has not is the category "–"; a run without a number is left out.
    """
    known = np.ones(len(table), dtype=bool)
    for name in (x, y):
        if pd.api.types.is_numeric_dtype(table[name]):
            known &= table[name].notna().to_numpy()
    table = table[known]
    x_scale, y_scale = _scale(table, x), _scale(table, y)
    x_at, x_told, x_beyond = _places(table[x], x_scale)
    y_at, y_told, y_beyond = _places(table[y], y_scale)
    x_better, y_better = better(x), better(y)
    front = np.zeros(len(table), dtype=bool)
    if x_better and y_better and x != y:
        front = pareto(table[x].to_numpy(float), table[y].to_numpy(float), x_better, y_better)
    return ScatterPoints(
        run_ids=[str(run_id) for run_id in table.index],
        x=x_at, y=y_at, told=list(zip(x_told, y_told, strict=True)),
        x_scale=x_scale, y_scale=y_scale,
        at_edge=x_beyond | y_beyond, front=front,
    )  # fmt: skip


def scatter_figure(points: ScatterPoints, runs: Sequence[Run]) -> go.Figure:
    """The points in their runs' colors; a line joins the front. ``customdata`` is the run id."""
    figure = go.Figure()
    dress(figure)
    by_id = {run.id: run for run in runs}
    names = unique_names(runs)
    if points.front.sum() > 1:
        on_front = np.flatnonzero(points.front)
        on_front = on_front[np.argsort(points.x[on_front], kind="stable")]
        figure.add_scatter(
            x=points.x[on_front], y=points.y[on_front], mode="lines", hoverinfo="skip",
            line={"color": QUIET_COLOR, "width": 1.5, "dash": "dot"},
        )  # fmt: skip
    x_title, y_title = points.x_scale.title, points.y_scale.title
    figure.add_scatter(
        x=points.x, y=points.y, mode="markers", customdata=points.run_ids,
        marker={
            "color": [by_id[run_id].color for run_id in points.run_ids],
            "size": np.where(points.front, 12, 9),
            "symbol": np.where(points.at_edge, "x-thin-open", "circle"),
            "opacity": 0.85,
            "line": {"width": np.where(points.front | points.at_edge, 2, 0), "color": QUIET_COLOR},
        },
        text=[
            f"{_harmless(names[run_id])}<br>{x_title} {_harmless(told_x)}"
            f"<br>{y_title} {_harmless(told_y)}"
            for run_id, (told_x, told_y) in zip(points.run_ids, points.told, strict=True)
        ],
        hovertemplate="%{text}<extra></extra>",
    )  # fmt: skip
    figure.update_xaxes(**_axis(points.x_scale))
    figure.update_yaxes(**_axis(points.y_scale))
    figure.update_layout(
        height=440, showlegend=False, hovermode="closest", margin={"l": 8, "r": 12, "t": 12, "b": 8}
    )
    return figure


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


def _scale(table: pd.DataFrame, name: str) -> Scale:
    title = titles([name])[name]
    column = table[name]
    if pd.api.types.is_numeric_dtype(column):
        values = column.to_numpy(float)
        finite = values[np.isfinite(values)]
        if name.startswith(PARAM) and len(finite):  # settings are meant: none is far out
            low, high = float(finite.min()), float(finite.max())
            return Scale(name, title, AxisRange(low, high, low > 0 and high / low >= 10), [])
        return Scale(name, title, robust_range(values), [])
    order = in_order([None if value is None or value != value else str(value) for value in column])
    return Scale(name, title, None, list(dict.fromkeys(shown_value(value) for value in order)))


def _places(column: pd.Series, scale: Scale) -> tuple[NDArray[Any], list[str], NDArray[np.bool_]]:
    """Where the values stand, how they read, and which are beyond the edge."""
    if scale.range is None:
        texts = [
            NOTHING if value is None or value != value else shown_value(str(value))
            for value in column
        ]
        return np.array(texts, dtype=object), texts, np.zeros(len(column), dtype=bool)
    values: Floats = column.to_numpy(float)
    told = [number(value, 4) for value in values]
    return scale.range.clip(values), told, scale.range.outside(values)


def _axis(scale: Scale) -> dict[str, Any]:
    if scale.range is None:
        return {
            "title": scale.title, "type": "category", "categoryorder": "array",
            "categoryarray": scale.categories,
        }  # fmt: skip
    low, high, log = scale.range
    if log:
        low, high = np.log10(low), np.log10(high)
    room = 0.05 * (high - low) or max(abs(high) * 0.1, 1e-6)
    return {
        "title": scale.title,
        "type": "log" if log else "linear",
        "range": [low - room, high + room],
    }


def _harmless(text: str) -> str:
    """Without what plotly would read as HTML."""
    return text.replace("&", "&amp;").replace("<", "&lt;")
