"""Figures of runs: what to draw as data first, then as a plotly figure. No streamlit here.

A run keeps its color and the three kinds of measurement their line on every page: validation is
solid, training samples measured in test mode are dashed, what Keras reports while training is
dotted.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.shared.formats import number, words
from experiments.core.recorded import NOT_CURVES

#: kind of measurement -> (prefix of its column in a history, plotly's dash, its name in a chart)
LINES: dict[str, tuple[str, str, str]] = {
    "validation": ("val_", "solid", "validation"),
    "test mode": ("train_eval_", "dash", "train, test mode"),
    "train": ("", "dot", "train"),
}
ONSET_COLOR = "#e8821e"
QUIET_COLOR = "#8b929c"
HEIGHT = 320
_CLEAR = "rgba(0,0,0,0)"


class Marks(NamedTuple):
    """Epochs that are marked, and how many epochs the run will have while it is under way.

    ``resume_points`` are the epochs before which the run was resumed or branched off, or began to
    train more of its base, each with a word.
    """

    best_epoch: int | None = None
    onset_epoch: int | None = None
    planned_epochs: int | None = None
    resume_points: tuple[tuple[int, str], ...] = ()
    axis: str = "epoch"


def metrics_of(histories: Sequence[pd.DataFrame]) -> list[str]:
    """The metrics that any of the histories has, under their plain names, loss first."""
    return plain_metrics(str(column) for history in histories for column in history.columns)


def plain_metrics(columns: Iterable[str]) -> list[str]:
    """The plain names of the metrics that columns of histories are about, loss first."""
    names = [name for name in dict.fromkeys(columns) if is_measured(name)]
    plain = [name.removeprefix("val_").removeprefix("train_eval_") for name in names]
    return sorted(dict.fromkeys(plain), key=lambda name: name != "loss")


def is_measured(column: str) -> bool:
    """Whether a column of a history is a metric, rather than about how it was measured."""
    return column not in NOT_CURVES and not column.endswith("_seconds")


def curves(history: pd.DataFrame, metric: str) -> pd.DataFrame:
    """The finite values of one metric: columns are those of LINES that the history has."""
    found: dict[str, pd.Series] = {}
    for kind, (prefix, _, _) in LINES.items():
        if prefix + metric in history:
            found[kind] = history[prefix + metric]
    frame = pd.DataFrame(found, index=history.index, dtype=float)
    return frame.where(np.isfinite(frame))


def rate_changes(history: pd.DataFrame) -> bool:
    """Whether the learning rate did not stay the same."""
    return "learning_rate" in history and history["learning_rate"].dropna().nunique() > 1


def value_range(values: Sequence[float], log: bool) -> tuple[float, float]:
    """The lowest and highest value with a little room, as an axis wants them: log10 if ``log``."""
    kept = np.asarray([v for v in values if np.isfinite(v) and (v > 0 or not log)], dtype=float)
    if not len(kept):
        return (0.0, 1.0)
    kept = np.log10(kept) if log else kept
    low, high = float(kept.min()), float(kept.max())
    room = 0.06 * (high - low) or max(abs(high) * 0.1, 1e-6)
    return low - room, high + room


def log_ticks(low: float, high: float) -> list[float]:
    """Round values between two powers of ten: 1, 2, 5 of each decade, fewer over many decades."""
    decades = range(math.floor(low), math.ceil(high) + 1)
    leading = (1, 2, 5) if high - low < 2 else (1, 3) if high - low < 4 else (1,)
    values = [digit * 10.0**decade for decade in decades for digit in leading]
    values = [value for value in values if low <= math.log10(value) <= high]
    return values[:: -(-len(values) // 8)] if values else []


def spread(
    positions: Mapping[str, float], apart: float, low: float, high: float
) -> dict[str, float]:
    """The positions moved until they are ``apart`` and between ``low`` and ``high``, if that is
    possible; in the same order."""
    order = sorted(positions, key=lambda name: positions[name])
    at = [positions[name] for name in order]
    apart = min(apart, (high - low) / max(len(at), 1))
    for i in range(len(at)):  # upwards, each clear of the one below
        at[i] = max(at[i], low if i == 0 else at[i - 1] + apart)
    for i in reversed(range(len(at))):  # and down again from the top
        at[i] = min(at[i], high if i == len(at) - 1 else at[i + 1] - apart)
    return dict(zip(order, at, strict=True))


def curve_figure(
    history: pd.DataFrame, metric: str, color: str, marks: Marks, log: bool = False
) -> go.Figure:
    """One metric of one run, with its best epoch and the onset of overfitting."""
    frame = curves(history, metric)
    figure = _figure(metric, log)
    low, high = value_range(frame.to_numpy().ravel().tolist(), log)
    last = {str(kind): frame[kind].dropna() for kind in frame if frame[kind].notna().any()}
    places = spread(
        {kind: _place(values.iloc[-1], log) for kind, values in last.items()},
        0.085 * (high - low), low, high,
    )  # fmt: skip
    for kind, values in last.items():
        _, dash, label = LINES[kind]
        figure.add_scatter(**_line(values.index, values, color, dash), name=label)
        figure.add_annotation(
            x=int(values.index[-1]), y=places[kind], text=label, showarrow=False,
            xanchor="left", xshift=8, font={"size": 12, "color": color},
        )  # fmt: skip
    end = max(int(frame.index.max()) if len(frame) else 1, 1)
    end = max(end, (marks.planned_epochs or 0) - 1)
    # an epoch is a whole number; plotly would put ticks between the first few
    tick = 1 if end <= 8 else None
    figure.update_xaxes(range=[-0.01 * end, end * 1.01], title=marks.axis, dtick=tick)
    _set_range(figure, low, high, log)
    _mark(figure, frame, marks, end, log)
    return figure


def rate_figure(history: pd.DataFrame, color: str, axis: str = "epoch") -> go.Figure:
    """The learning rate by epoch, as steps on a log axis."""
    figure = _figure("learning rate", log=True)
    values = history["learning_rate"].dropna()
    line = _line(values.index, values, color, "solid")
    figure.add_scatter(**(line | {"line": line["line"] | {"shape": "hv"}}), name="learning rate")
    figure.update_xaxes(title=axis)
    ticks = sorted(set(values))[-1 :: -_every(len(set(values)), 4)]
    figure.update_yaxes(
        tickvals=ticks, ticktext=[number(rate) for rate in ticks], minor={"showgrid": False}
    )
    figure.update_layout(height=200, margin={"r": 12, "t": 36})
    return figure


def _figure(metric: str, log: bool) -> go.Figure:
    figure = go.Figure()
    dress(figure)
    figure.update_layout(
        title={"text": words(metric), "font": {"size": 14}, "x": 0, "xref": "paper", "y": 0.98},
        height=HEIGHT,
        hovermode="x unified",
        showlegend=False,
        uirevision=f"{metric} {log}",
        margin={"l": 8, "r": 108, "t": 66, "b": 8},
    )
    figure.update_yaxes(type="log" if log else "linear")
    return figure


def dress(figure: go.Figure) -> None:
    """What all figures have in common; fonts and grid follow Streamlit's theme."""
    figure.update_layout(
        paper_bgcolor=_CLEAR, plot_bgcolor=_CLEAR, font={"size": 12}, dragmode="zoom"
    )
    figure.update_xaxes(showgrid=False, zeroline=False, title_font={"size": 12})
    figure.update_yaxes(zeroline=False, title_font={"size": 12}, nticks=6)


def _line(x: Any, y: pd.Series, color: str, dash: str) -> dict[str, Any]:
    thin = {"solid": 2.2, "dash": 1.6, "dot": 1.6}[dash]
    return {
        "x": np.asarray(x),
        "y": y.to_numpy(),
        "mode": "lines" if len(y) > 1 else "markers",
        "line": {"color": color, "dash": dash, "width": thin},
        "opacity": 1.0 if dash == "solid" else 0.75,
        "hovertemplate": "%{y:.4g}",
    }


def _every(count: int, most: int) -> int:
    return -(-count // most)


def _set_range(figure: go.Figure, low: float, high: float, log: bool) -> None:
    figure.update_yaxes(range=[low, high])
    if log and (ticks := log_ticks(low, high)):
        figure.update_yaxes(
            tickvals=ticks, ticktext=[f"{tick:g}" for tick in ticks], minor={"showgrid": False}
        )


def _place(value: float, log: bool) -> float:
    return float(np.log10(max(value, 1e-300))) if log else float(value)


def _mark(figure: go.Figure, frame: pd.DataFrame, marks: Marks, end: int, log: bool) -> None:
    best, onset = marks.best_epoch, marks.onset_epoch
    for epoch, word in marks.resume_points:
        _mark_resume(figure, epoch, word)
    if best is not None and "validation" in frame and best in frame.index:
        value = float(frame["validation"].loc[best])
        if np.isfinite(value):
            figure.add_scatter(
                x=[best], y=[value], mode="markers", hoverinfo="skip",
                marker={"size": 9, "color": QUIET_COLOR, "line": {"width": 2, "color": "white"}},
            )  # fmt: skip
            left = best > 0.35 * end
            _vertical(
                figure, best, f"best {marks.axis} {best} · {number(value)}", QUIET_COLOR, left, 1
            )
    if onset is not None:
        figure.add_vrect(x0=onset, x1=end * 1.01, fillcolor=ONSET_COLOR, opacity=0.06, line_width=0)
        left = onset > 0.6 * end
        _vertical(figure, onset, f"overfits from {marks.axis} {onset}", ONSET_COLOR, left, 0)


def _mark_resume(figure: go.Figure, epoch: int, word: str) -> None:
    """Between the last epoch before and the first one after; the word stands at the bottom."""
    line = {"color": QUIET_COLOR, "width": 1, "dash": "dashdot"}
    figure.add_vline(x=epoch - 0.5, line=line)
    figure.add_annotation(
        x=epoch - 0.5, y=0, yref="paper", text=word, showarrow=False, textangle=-90,
        xanchor="right", yanchor="bottom", font={"size": 10, "color": QUIET_COLOR},
    )  # fmt: skip


def _vertical(figure: go.Figure, epoch: int, text: str, color: str, left: bool, row: int) -> None:
    figure.add_vline(x=epoch, line={"color": color, "width": 1, "dash": "dot"})
    figure.add_annotation(
        x=epoch, y=1, yref="paper", yshift=14 * row, text=text, showarrow=False,
        xanchor="right" if left else "left", yanchor="bottom",
        xshift=-4 if left else 4, font={"size": 11, "color": color},
    )  # fmt: skip
