"""The samples of a run as points: near to each other where the head gets nearly the same."""

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from dashboard.run.learned_data import embedding_figure, point_frame
from dashboard.run.sample_view import draw_heat, draw_image, say_answer
from dashboard.shared import cache, help_texts
from dashboard.shared.dataset_rows import named_rows
from dashboard.shared.formats import count
from experiments.data.catalog import DatasetInfo, Kind
from experiments.tracking.runs import Run

_PROJECTIONS = {"pca": "PCA", "tsne": "t-SNE"}
_PARTS = {"validation": "Validation", "train": "Training"}


def draw_embedding(run: Run, info: DatasetInfo, names: list[str]) -> None:
    """Samples as points, near to each other where the head gets nearly the same."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        part = st.segmented_control(
            "Samples", list(_PARTS), default="validation", key="part", bind="query-params",
            required=True, format_func=_PARTS.__getitem__,
        )  # fmt: skip
        projection = st.segmented_control(
            "Projection", list(_PROJECTIONS), default="pca", key="projection",
            bind="query-params", required=True, format_func=_PROJECTIONS.__getitem__,
            help=help_texts.PROJECTIONS,
        )  # fmt: skip
        color = st.segmented_control(
            "Color", ["class", "right or wrong"], default="class", key="color",
            bind="query-params", required=True,
        )  # fmt: skip
    with st.spinner("Computing what goes into the head …", show_time=True):
        embedded = cache.ask_run(run, "embed", part=part, projection=projection)
    points = point_frame(embedded, names)
    left, right = st.columns([3, 1], gap="medium")
    figure = embedding_figure(
        points, names, embedded["explained"], by_fate=color == "right or wrong"
    )
    with left:
        event = st.plotly_chart(
            figure, key=f"embedding {run.id} {part} {projection} {color}", on_select="rerun",
            selection_mode="points", config={"displayModeBar": False, "scrollZoom": True},
        )  # fmt: skip
        st.caption(embedding_words(embedded, points, part))
    clicked = event["selection"]["points"]
    with right:
        _draw_clicked(run, info, points, clicked)
    if clicked and info.kind is Kind.IMAGE:
        draw_heat(run, names, int(clicked[0]["customdata"][0]))


def embedding_words(embedded: dict[str, Any], points: pd.DataFrame, part: str) -> str:
    """How many samples of what there are, and how much of it two axes show."""
    wrong = int((~points["right"]).sum())
    of = f" of {count(embedded['total'])}" if len(points) < embedded["total"] else ""
    said = [
        f"{count(len(points))}{of} {_PARTS[part].lower()} samples, {count(wrong)} answered wrongly "
        f"(crosses). Each is {count(embedded['width'])} numbers that go into the head"
    ]
    if embedded["explained"]:
        held = sum(embedded["explained"])
        said.append(f"; the two axes together explain {held:.0%} of their variance.")
    else:
        said.append("; t-SNE keeps neighbors together, distances between groups mean little.")
    if embedded["known"]:
        said.append(" They were held out from training.")
    return "".join(said)


def _draw_clicked(
    run: Run, info: DatasetInfo, points: pd.DataFrame, clicked: list[dict[str, Any]]
) -> None:
    if not clicked:
        what = "its image" if info.kind is Kind.IMAGE else "its features"
        st.caption(f":material/ads_click: Click on a point to see {what}.")
        return
    row = int(clicked[0]["customdata"][0])
    point = points[points["sample"] == row]
    if point.empty:
        return
    read = cache.ask_run(run, "read_samples", rows=[row])
    if info.kind is Kind.IMAGE:
        draw_image(point.iloc[0], read["inputs"][0])
        return
    say_answer(point.iloc[0])
    values = named_rows(info, np.asarray(read["inputs"], float), read["feature_names"])
    st.table(values.T.set_axis([""], axis=1), border="horizontal", hide_header=True)
