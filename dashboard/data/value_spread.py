"""How the values of a dataset are spread: each feature at a glance, one of them large, pixels."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from dashboard.chart.run_curves import dress
from dashboard.shared.formats import count, number, plain
from dashboard.shared.images import to_image
from experiments.data.catalog import DatasetInfo
from experiments.data.distributions import (
    DrawnSamples,
    bins_of,
    date_text,
    histogram,
    mean_images,
    pixel_counts,
)
from experiments.data.preview import Preview

_MOST_POINTS = 2000
_MOST_CLASSES = 12
_HEIGHT = 280


def draw_features(info: DatasetInfo, preview: Preview) -> None:
    """What each feature holds: a table, and one feature large."""
    st.markdown("#### Features")
    draw_looked(preview.sampled)
    shown = preview.columns.copy()
    for name in ("Lowest", "Middle", "Highest"):
        shown[name] = [
            "" if np.isnan(value) else date_text(value) if kind == "date" else number(value)
            for value, kind in zip(shown[name], shown["Kind"], strict=True)
        ]
    st.dataframe(
        shown, hide_index=True, height=min(36 * len(shown) + 38, 400), key="features",
        column_config={"Spread": st.column_config.BarChartColumn(
            "Spread", y_min=0, help="How many rows have each value, in 20 bins or by category.")},
    )  # fmt: skip
    names = list(preview.columns["Feature"])
    chosen = st.selectbox("Look at", names, key=f"feature of {info.name}", width=320)
    place = names.index(chosen)
    figure = feature_figure(info, preview.sampled, place, str(chosen))
    st.plotly_chart(figure, key="feature", config={"displayModeBar": False})


def draw_looked(sampled: DrawnSamples) -> None:
    """A line where not all samples were looked at."""
    if not sampled.is_all:
        st.caption(
            f"From {count(len(sampled.rows))} of {count(sampled.of)} samples, taken from across "
            f"the file."
        )


def feature_figure(info: DatasetInfo, sampled: DrawnSamples, place: int, name: str) -> go.Figure:
    """One feature by class as stacked bars; against a number that is predicted, as points."""
    values = sampled.x[:, place]
    categories = info.categories[place] if info.categories else ()
    dates = bool(info.date_formats and info.date_formats[place])
    figure = go.Figure()
    if info.classes:
        for label, part in class_counts(info, sampled.y, values, categories, dates).items():
            figure.add_bar(x=list(part.index), y=part.to_numpy(), name=plain(str(label)))
        figure.update_layout(barmode="stack", bargap=0.05)
        figure.update_xaxes(title=name, type="category", nticks=10)
        figure.update_yaxes(title="rows")
    else:
        some = np.linspace(0, len(values) - 1, min(len(values), _MOST_POINTS)).astype(int)
        x = values[some]
        texts = [categories[int(v)] if not np.isnan(v) else None for v in x] if categories else x
        texts = [date_text(float(v)) or None for v in x] if dates else texts
        figure.add_scatter(
            x=texts, y=sampled.y[some], mode="markers", marker={"size": 5, "opacity": 0.6}
        )
        figure.update_xaxes(title=name)
        figure.update_yaxes(title=info.target)
    dress(figure)
    figure.update_layout(
        height=_HEIGHT, margin={"l": 8, "r": 8, "t": 32, "b": 8}, showlegend=bool(info.classes),
        legend={"orientation": "h", "y": 1, "yanchor": "bottom", "x": 0},
    )  # fmt: skip
    return figure


def class_counts(
    info: DatasetInfo,
    y: np.ndarray,
    values: np.ndarray,
    categories: tuple[str, ...],
    dates: bool = False,
) -> pd.DataFrame:
    """How many values of a feature (m,) fall into each bin or category, a column a class; of many
    classes the 12 most frequent ones."""
    labels = y.astype(np.int64)
    often = np.sort(np.argsort(-np.bincount(labels, minlength=info.classes))[:_MOST_CLASSES])
    whole = histogram(values, categories, dates)
    if categories:
        parts = {info.class_names[k]: histogram(values[labels == k], categories) for k in often}
        return pd.DataFrame(parts).reindex(whole.index).fillna(0).astype(int)
    known = np.isfinite(values)
    if not known.any():
        return pd.DataFrame()
    edges = bins_of(values[known])
    return pd.DataFrame(
        {
            info.class_names[k]: np.histogram(values[known & (labels == k)].astype(float), edges)[0]
            for k in often
        },
        index=whole.index,
    )


def draw_pixels(info: DatasetInfo, sampled: DrawnSamples) -> None:
    """The mean image of each class, and how bright the pixels are."""
    st.markdown("#### Pixels")
    draw_looked(sampled)
    means = mean_images(sampled, info, _MOST_CLASSES) if info.classes else {}
    if means:
        st.caption("The mean image of each class")
        with st.container(horizontal=True, gap="small"):
            for name, mean in means.items():
                st.image(to_image(mean / info.white), width=72, caption=plain(name))
    counts = pixel_counts(sampled, info.white)
    figure = go.Figure()
    figure.add_bar(x=list(counts.index), y=counts.to_numpy() / counts.sum(), marker_color="#4f46e5")
    figure.update_xaxes(title="value of a pixel")
    figure.update_yaxes(title="share of the pixels", tickformat=".0%")
    dress(figure)
    figure.update_layout(height=220, bargap=0.05, margin={"l": 8, "r": 8, "t": 8, "b": 8})
    st.plotly_chart(figure, key="pixels", config={"displayModeBar": False})
