"""What a run answered, sample by sample, and its samples as points. No streamlit here."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.chart.run_curves import dress
from experiments.inference.scores import probabilities

RIGHT, WRONG = "right", "wrong"
_COLORS = (
    "#3b82f6", "#f97316", "#10b981", "#e11d48", "#8b5cf6", "#ca8a04", "#06b6d4", "#ec4899",
    "#65a30d", "#64748b",
)  # fmt: skip
_FATES = {RIGHT: "#10b981", WRONG: "#e11d48"}
_MOST_NAMED = 20  # classes in a legend


def answer_frame(
    rows: Sequence[int] | np.ndarray,
    truth: Sequence[int] | np.ndarray,
    prediction: Sequence[Any] | np.ndarray,
    names: Sequence[str],
) -> pd.DataFrame:
    """One row a sample: ``sample``, the names of its ``true`` class and of the ``answer``, the
    ``probability`` of both (``true_probability``), and whether it is ``right``.

    Samples that the model gave NaN for are left out.
    """
    outputs = np.asarray(prediction, dtype=float).reshape(len(rows), -1)
    kept = np.isfinite(outputs).all(axis=1)
    outputs = outputs[kept]
    true = np.asarray(truth).reshape(-1)[kept].astype(int)
    shares = probabilities(outputs)[0] if len(outputs) else np.zeros((0, len(names)))
    best = shares.argmax(axis=1) if len(outputs) else np.zeros(0, dtype=int)
    each = np.arange(len(true))
    named = np.asarray([str(name) for name in names], dtype=object)
    return pd.DataFrame(
        {
            "sample": np.asarray(rows)[kept].astype(int),
            "true": named[true],
            "answer": named[best],
            "probability": shares[each, best],
            "true_probability": shares[each, true],
            "right": best == true,
        }
    )


def mistakes(answers: pd.DataFrame, pair: tuple[str, str] | None = None) -> pd.DataFrame:
    """The wrong answers, those given with the greatest confidence first; ``pair`` keeps those of
    one true class that was taken for another."""
    found = answers[~answers["right"]]
    if pair:
        found = found[(found["true"] == pair[0]) & (found["answer"] == pair[1])]
    return found.sort_values("probability", ascending=False, kind="stable")


def doubtful(answers: pd.DataFrame) -> pd.DataFrame:
    """The right answers, those given with the least confidence first."""
    return answers[answers["right"]].sort_values("probability", kind="stable")


def confused_pairs(answers: pd.DataFrame) -> dict[tuple[str, str], int]:
    """How often a true class was taken for another one, the most frequent first."""
    wrong = answers[~answers["right"]]
    counts = wrong.groupby(["true", "answer"], sort=True).size()
    counts = counts.sort_values(ascending=False, kind="stable")
    pairs = zip(counts.index.tolist(), counts.tolist(), strict=True)
    return {(str(true), str(answer)): int(n) for (true, answer), n in pairs}


def point_frame(embedded: Mapping[str, Any], names: Sequence[str]) -> pd.DataFrame:
    """The points of an embedding: as answer_frame, with ``x`` and ``y``."""
    answers = answer_frame(embedded["rows"], embedded["truth"], embedded["prediction"], names)
    points = pd.DataFrame(embedded["points"], columns=["x", "y"])
    points.insert(0, "sample", embedded["rows"])
    return answers.merge(points, on="sample", how="inner", validate="one_to_one")


def axis_titles(explained: Sequence[float]) -> tuple[str, str]:
    """What stands at both axes: shares of the variance for PCA; t-SNE's axes mean nothing."""
    if not explained:
        return "", ""
    shares = [*explained, 0.0][:2]
    first, second = (f"component {i} · {share:.0%}" for i, share in enumerate(shares, 1))
    return first, second


def embedding_figure(
    points: pd.DataFrame, names: Sequence[str], explained: Sequence[float], *, by_fate: bool
) -> go.Figure:
    """A dot for each sample, a cross where the answer is wrong; colored by true class, or by
    whether the answer is right."""
    figure = go.Figure()
    groups: dict[str, tuple[str, pd.DataFrame]] = (
        {f: (c, points[points["right"] == (f == RIGHT)]) for f, c in _FATES.items()}
        if by_fate
        else {
            str(name): (_COLORS[i % len(_COLORS)], points[points["true"] == str(name)])
            for i, name in enumerate(names)
        }
    )
    dense = len(points) > 600
    for name, (color, some) in groups.items():
        if some.empty:
            continue
        right = some["right"].to_numpy()
        figure.add_scatter(  # for the legend, which would take the symbol of the first point
            x=[None],
            y=[None],
            mode="markers",
            name=name,
            legendgroup=name,
            hoverinfo="skip",
            marker={"color": color, "symbol": "x" if name == WRONG and by_fate else "circle"},
        )
        figure.add_scatter(
            x=some["x"], y=some["y"], mode="markers", name=name, legendgroup=name,
            showlegend=False, unselected={"marker": {"opacity": 0.45}},
            customdata=some[["sample", "true", "answer", "probability"]].to_numpy(),
            marker={
                "color": color, "symbol": np.where(right, "circle", "x").tolist(),
                "size": np.where(right, 5 if dense else 7, 9).tolist(),
                "opacity": np.where(right, 0.7, 1.0).tolist(),
            },
            hovertemplate="sample %{customdata[0]}<br>true %{customdata[1]}, answered "
            "%{customdata[2]} (%{customdata[3]:.0%})<extra></extra>",
        )  # fmt: skip
    dress(figure)
    x, y = axis_titles(explained)
    figure.update_xaxes(title=x, showticklabels=False, showgrid=True)
    figure.update_yaxes(title=y, showticklabels=False, showgrid=True)
    figure.update_layout(
        height=460, margin={"l": 8, "r": 8, "t": 8, "b": 8}, dragmode="pan",
        clickmode="event+select", hovermode="closest",
        showlegend=len(figure.data) <= 2 * _MOST_NAMED,
        legend={"orientation": "h", "y": -0.12, "yanchor": "top", "itemsizing": "constant"},
    )  # fmt: skip
    return figure
