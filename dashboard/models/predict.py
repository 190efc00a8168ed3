"""Predicting: on samples of a dataset, and on what the user has."""

from typing import Any

import pandas as pd
import streamlit as st

from dashboard.models.answers_view import answer_table, draw_answer, named_row, names_for
from dashboard.models.data_picker import AskedData, pick_data, pick_scale
from dashboard.models.own_input import draw_own_image, draw_own_rows
from dashboard.shared import cache
from dashboard.shared.components import errors_shown
from dashboard.shared.formats import count
from dashboard.shared.images import to_image
from dashboard.shared.model_source import ModelSource

_PER_PAGE = 12


def draw_predictions(source: ModelSource, opened: dict[str, Any]) -> None:
    """Samples of a dataset, or the user's own image or rows."""
    with st.container(horizontal=True, vertical_alignment="center"):
        what = st.segmented_control(
            "Predict", ["Samples", "Your own"], default="Samples", key="predict",
            bind="query-params", required=True, label_visibility="collapsed",
        )  # fmt: skip
        if what == "Samples":
            asked = pick_data(source, opened)
            page = 1
            if asked:
                page = st.number_input(
                    "Page", min_value=1, value=1, step=1, key="page", bind="query-params",
                    label_visibility="collapsed", width=130,
                )  # fmt: skip
        else:
            scale = pick_scale(source, opened, opened["kind"])
    with errors_shown():
        if what != "Samples":
            draw_own(source, opened, scale)
        elif asked:
            draw_samples(source, asked, int(page))


def draw_own(source: ModelSource, opened: dict[str, Any], scale: str) -> None:
    """An image for a model of images, else rows."""
    fitting = opened["datasets"][0] if opened["datasets"] else None
    names = names_for(fitting, opened["outputs"])
    if opened["input_shape"] is None or opened["outputs"] is None:
        st.info("Models of one input and one output can be asked here; this one has several.")
    elif opened["kind"] == "image":
        draw_own_image(source, fitting["white"] if fitting else 255.0, scale, names)
    else:
        draw_own_rows(source, opened, names)


def draw_samples(source: ModelSource, asked: AskedData, page: int) -> None:
    """A page of samples with truth and prediction."""
    start = (page - 1) * _PER_PAGE
    with st.skeleton(height=240):
        answer = cache.ask_model(
            source, "predict_samples", count=_PER_PAGE, start=start, **asked.arguments
        )
    samples, total = answer["samples"], answer["total"]
    if not samples:
        pages = count(-(-total // _PER_PAGE))
        st.info(f"Page {count(page)} has no samples. There are {count(total)}, on {pages} pages.")
        return
    st.caption(f"{count(start + 1)} to {count(start + len(samples))} of {count(total)}")
    names = asked.dataset["class_names"]
    if asked.dataset["kind"] == "image":
        draw_images(samples, names)
    else:
        table = sample_table(
            samples, names, answer["feature_names"], answer["categories"], answer["dates"]
        )
        st.dataframe(table, hide_index=True)


def draw_images(samples: list[dict[str, Any]], names: list[str]) -> None:
    """Each image with its truth and the likeliest classes."""
    grid = st.grid("auto", min_column_width=150, gap="small", border=True)
    for sample in samples:
        with grid.cell():
            st.image(to_image(sample["input"]), alt=f"sample {sample['index']}")
            draw_answer(sample["prediction"], names, int(sample["truth"]))


def sample_table(
    samples: list[dict[str, Any]],
    names: list[str],
    features: list[str],
    categories: list[list[str]],
    dates: list[int],
) -> pd.DataFrame:
    """Rows as a table: sample, truth, prediction, then the features."""
    table = answer_table([sample["prediction"] for sample in samples], names)
    truths = [sample["truth"] for sample in samples]
    table.insert(0, "true", [names[int(truth)] for truth in truths] if names else truths)
    table.insert(0, "sample", [sample["index"] for sample in samples])
    rows = [named_row(sample["input"], categories, dates) for sample in samples]
    inputs = pd.DataFrame(rows, columns=features or None)
    return pd.concat([table, inputs], axis=1)
