"""Parallel coordinates: one vertical scale a setting or result, one line a run across them."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.chart.ranges import AxisRange, Floats, robust_range, round_ticks
from dashboard.chart.run_curves import dress, log_ticks
from dashboard.compare.columns import PARAM, better, titles
from dashboard.shared.formats import NOTHING
from dashboard.shared.param_texts import in_order, shown_value

MOST = 12  # scales: more cannot be read side by side
_MOST_TICKS = 20
_SHORT_LABEL = 14
#: From the best to the worst run; both ends can be seen on white and on black.
_COLORS = ("#16a34a", "#84cc16", "#eab308", "#f97316", "#dc2626")


class Dimension(NamedTuple):
    """One scale: the place of each run on it, its ends, and labels at some places."""

    name: str
    title: str
    places: Floats
    low: float
    high: float
    ticks: list[float]
    labels: list[str]


class ParallelRuns(NamedTuple):
    """The runs that are drawn, and their scales; the last one also gives the color.

    ``left_out`` is how many runs have no value for the color, ``not_shown`` the columns beyond
    MOST.
    """

    run_ids: list[str]
    dimensions: list[Dimension]
    left_out: int
    not_shown: list[str]


def parallel_runs(table: pd.DataFrame, names: Sequence[str], color: str) -> ParallelRuns:
    """The scales of the columns ``names`` of ``columns.run_table``, ``color`` the last of them.

    Numbers over decades are on log scales. Results far beyond the others, infinite ones too, stand
    at the end of their scale. What a run has not stands below the others, labeled "–".
    """
    wanted = [name for name in dict.fromkeys(names) if name != color]
    kept = table[table[color].notna()]
    shown = [*wanted[: MOST - 1], color]
    title = titles(shown)
    return ParallelRuns(
        [str(run_id) for run_id in kept.index],
        [_dimension(kept[name], name, title[name]) for name in shown],
        len(table) - len(kept),
        wanted[MOST - 1 :],
    )


def parallel_figure(runs: ParallelRuns) -> go.Figure:
    """The scales side by side, lines green where the last column is good and red where not."""
    last = runs.dimensions[-1]
    direction = None if last.name == "best epoch" else better(last.name)
    colors = list(reversed(_COLORS)) if direction == "higher" else list(_COLORS)
    line: dict[str, Any] = {
        "color": last.places,
        "cmin": last.low,
        "cmax": last.high if last.high > last.low else last.low + 1,
        "colorscale": [[i / (len(colors) - 1), color] for i, color in enumerate(colors)],
    }
    figure = go.Figure()
    dress(figure)
    figure.add_parcoords(
        line=line,
        dimensions=[
            {
                "label": dimension.title,
                "values": dimension.places,
                "range": [dimension.low, dimension.high],
                "tickvals": dimension.ticks,
                "ticktext": dimension.labels,
            }
            for dimension in runs.dimensions
        ],
        unselected={"line": {"color": "#8b929c", "opacity": 0.12}},
        labelside="top",
    )
    figure.update_layout(height=440, margin={"l": 64, "r": 64, "t": 56, "b": 24})
    return figure


def _dimension(column: pd.Series, name: str, title: str) -> Dimension:
    title = title if len(title) <= 22 else f"{title[:21]}…"
    if pd.api.types.is_numeric_dtype(column):
        return _of_numbers(column.to_numpy(float), name, title)
    return _of_texts(column, name, title)


def _of_numbers(values: Floats, name: str, title: str) -> Dimension:
    finite = values[np.isfinite(values)]
    scale = robust_range(values)
    if name.startswith(PARAM) and len(finite):  # settings are meant: none is far out
        low, high = float(finite.min()), float(finite.max())
        scale = AxisRange(low, high, low > 0 and high / low >= 10)
    places = scale.clip(values)
    low, high = scale.low, scale.high
    if scale.log:
        places, low, high = np.log10(places), float(np.log10(low)), float(np.log10(high))
    different = np.unique(places[np.isfinite(places)])
    if len(different) <= 6 and name.startswith(PARAM):
        ticks = different.tolist()
        values_at = [10**tick if scale.log else tick for tick in ticks]
    elif scale.log:
        values_at = log_ticks(low, high)
        ticks = np.log10(values_at).tolist() if values_at else []
    else:
        values_at = ticks = round_ticks(low, high)
    labels = [f"{value:.3g}" for value in values_at]
    if high == low:
        low, high = low - 0.5, high + 0.5
    return _with_nothing(
        Dimension(
            name=name, title=title, places=places, low=low, high=high, ticks=ticks, labels=labels
        )
    )


def _of_texts(column: pd.Series, name: str, title: str) -> Dimension:
    texts = [None if value is None or value != value else str(value) for value in column]
    order = [text for text in in_order(texts) if text is not None]
    place = {text: float(i) for i, text in enumerate(order)}
    places = np.array([np.nan if text is None else place.get(text, np.nan) for text in texts])
    every = -(-len(order) // _MOST_TICKS) if order else 1
    labels = [_short(shown_value(text)) for text in order]
    high = float(max(len(order) - 1, 1))
    ticks = [float(i) for i in range(0, len(order), every)]
    return _with_nothing(
        Dimension(
            name=name,
            title=title,
            places=places,
            low=0.0,
            high=high,
            ticks=ticks,
            labels=labels[::every],
        )
    )


def _with_nothing(dimension: Dimension) -> Dimension:
    """What is missing gets a place below the scale."""
    missing = np.isnan(dimension.places)
    if not missing.any():
        return dimension
    below = dimension.low - 0.12 * (dimension.high - dimension.low)
    return dimension._replace(
        places=np.where(missing, below, dimension.places),
        low=below,
        ticks=[below, *dimension.ticks],
        labels=[NOTHING, *dimension.labels],
    )


def _short(text: str) -> str:
    return text if len(text) <= _SHORT_LABEL else f"{text[: _SHORT_LABEL - 1]}…"
