"""Figures of predictions: data first, then a plotly figure of it. No streamlit here."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.chart.run_curves import QUIET_COLOR, dress


def confusion(truth: np.ndarray, prediction: np.ndarray, names: Sequence[str]) -> pd.DataFrame:
    """How many samples of each class (rows) were predicted as each class (columns)."""
    labels = predicted_classes(prediction)
    counts = np.zeros((len(names), len(names)), dtype=int)
    np.add.at(counts, (truth.reshape(-1).astype(int), labels), 1)
    return pd.DataFrame(counts, index=list(names), columns=list(names))


def most_mistaken(counts: pd.DataFrame, most: int = 5) -> list[tuple[str, str, int]]:
    """The true and the predicted class that are most often confused, with how often."""
    wrong = counts.to_numpy().copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:most]
    rows, columns = np.unravel_index(order, wrong.shape)
    return [
        (str(counts.index[i]), str(counts.columns[j]), int(wrong[i, j]))
        for i, j in zip(rows, columns, strict=True)
        if wrong[i, j]
    ]


def predicted_classes(prediction: np.ndarray) -> np.ndarray:
    """The class of each prediction: the likeliest of several, or the side of 0.5 of a single."""
    prediction = prediction.reshape(len(prediction), -1)
    if prediction.shape[1] == 1:
        return (prediction[:, 0] >= 0.5).astype(int)
    return prediction.argmax(axis=1)


def confusion_figure(counts: pd.DataFrame) -> go.Figure:
    """The confusion matrix, colored by each true class's share; the counts stand in the cells."""
    totals = counts.sum(axis=1).to_numpy()[:, None]
    share = counts.to_numpy() / np.maximum(totals, 1)
    names = [str(name) for name in counts.index]
    few = len(names) <= 20
    figure = go.Figure(
        go.Heatmap(
            z=share, x=names, y=names, zmin=0, zmax=1, showscale=False, xgap=2, ygap=2,
            text=counts.to_numpy(), texttemplate="%{text:,}" if few else None,
            customdata=counts.to_numpy(),
            hovertemplate="%{y} predicted as %{x}: %{customdata:,} (%{z:.1%})<extra></extra>",
        )
    )  # fmt: skip
    dress(figure)
    tick = {"tickmode": "linear"} if few else {}
    figure.update_xaxes(title="predicted", type="category", showgrid=False, **tick)
    figure.update_yaxes(title="true", type="category", autorange="reversed", showgrid=False, **tick)
    side = min(max(26 * len(names) + 120, 260), 460)
    figure.update_layout(height=side, margin={"l": 8, "r": 8, "t": 8, "b": 8})
    return figure


def truth_figure(truth: np.ndarray, prediction: np.ndarray, target: str, color: str) -> go.Figure:
    """Predicted against true values; a perfect model lies on the diagonal."""
    predicted = prediction.reshape(len(prediction), -1)[:, 0]
    kept = slice(None) if len(truth) <= 2000 else slice(0, 2000)
    both = np.concatenate([truth.reshape(-1), predicted])
    low, high = float(np.nanmin(both)), float(np.nanmax(both))
    figure = go.Figure()
    figure.add_scatter(
        x=[low, high], y=[low, high], mode="lines", hoverinfo="skip",
        line={"color": QUIET_COLOR, "width": 1, "dash": "dot"},
    )  # fmt: skip
    figure.add_scatter(
        x=truth.reshape(-1)[kept], y=predicted[kept], mode="markers",
        marker={"color": color, "size": 6, "opacity": 0.55},
        hovertemplate="true %{x:.4g}, predicted %{y:.4g}<extra></extra>",
    )  # fmt: skip
    dress(figure)
    figure.update_xaxes(title=f"true {target}")
    figure.update_yaxes(title=f"predicted {target}")
    figure.update_layout(height=380, showlegend=False, margin={"l": 8, "r": 8, "t": 12, "b": 8})
    return figure
