"""The tab *What it learned*: confused samples, where the model looked, and an embedding."""

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from dashboard.run.embedding_view import draw_embedding
from dashboard.run.learned_data import answer_frame, confused_pairs, doubtful, mistakes
from dashboard.run.sample_view import draw_heat, draw_image
from dashboard.shared import cache
from dashboard.shared.dataset_rows import named_rows
from dashboard.shared.formats import count
from experiments.core.checkpoint_files import MODEL_FILE
from experiments.core.errors import ArtifactError
from experiments.data.catalog import DatasetInfo, Kind
from experiments.tracking.runs import Run

_PER_PAGE = 12
_VIEWS = ("Confused", "Embedding")
_ORDERS = {"wrong": "Wrong, surest first", "right": "Right, least sure first"}


def draw_learned(run: Run, info: DatasetInfo | None, names: list[str]) -> None:
    """Everything of the tab, for a run that classifies and has ended."""
    if MODEL_FILE not in {file.path for file in cache.artifacts(run)}:
        st.info("This run saved no model, so what it learned cannot be examined.")
        return
    if info is None:
        st.info("The run's dataset is not known here, so its samples cannot be shown.")
        return
    view = st.segmented_control(
        "What to look at", _VIEWS, default=_VIEWS[0], key="learned", bind="query-params",
        required=True, label_visibility="collapsed",
    )  # fmt: skip
    if view == "Embedding":
        draw_embedding(run, info, names)
    else:
        draw_confused(run, info, names)


def draw_confused(run: Run, info: DatasetInfo, names: list[str]) -> None:
    """Samples by the confidence of their answers, and for images the heat of one of them."""
    try:
        with np.load(cache.artifact(run, "predictions.npz")) as recorded:
            answers = answer_frame(
                recorded["index"], recorded["truth"], recorded["prediction"], names
            )
    except ArtifactError:
        st.info("This run recorded no predictions. Its embedding can still be computed.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        order = st.segmented_control(
            "Answers", list(_ORDERS), default="wrong", key="answers", bind="query-params",
            required=True, format_func=_ORDERS.__getitem__,
        )  # fmt: skip
        pair = _pick_pair(answers) if order == "wrong" else None
        found = mistakes(answers, pair) if order == "wrong" else doubtful(answers)
        pages = max(-(-len(found) // _PER_PAGE), 1)
        page = 1
        if pages > 1:
            page = st.number_input(
                f"Page of {pages}", min_value=1, max_value=pages, value=1, width=130,
                key=f"page {order}{pair}",
            )  # fmt: skip
    if found.empty:
        none = "No answer is wrong" if order == "wrong" else "No answer is right"
        st.info(f"{none} among {count(len(answers))} samples.")
    shown = found.iloc[_PER_PAGE * (page - 1) : _PER_PAGE * page]
    images = info.kind is Kind.IMAGE
    looked = st.container()  # above the images, so that their buttons change what one sees
    if len(shown):
        first, last = _PER_PAGE * (page - 1) + 1, _PER_PAGE * (page - 1) + len(shown)
        st.caption(
            f"{first} to {last} of {count(len(found))} {order} answers; {count(len(answers))} "
            "samples were answered at the end of training."
        )
        asked = [int(sample) for sample in shown["sample"]]
        with st.spinner("Reading the samples …", show_time=True):
            read = cache.ask_run(run, "read_samples", rows=asked)
        if images:
            _draw_images(run, shown, read["inputs"])
        else:
            _draw_rows(info, shown, read)
    if images and len(answers):
        nearest = shown if len(shown) else answers
        first = int(nearest["sample"].iloc[0])
        with looked:
            draw_heat(run, names, st.session_state.get("looked at", {}).get(run.id, first))


def _pick_pair(answers: pd.DataFrame) -> tuple[str, str] | None:
    pairs = confused_pairs(answers)
    picked: tuple[str, str] | None = st.selectbox(
        "Mistaken", [None, *pairs], key="mistaken", width=280,
        format_func=lambda pair: (
            f"any class · {count(sum(pairs.values()))}" if pair is None
            else f"{pair[0]} mistaken for {pair[1]} · {count(pairs[pair])}"
        ),
    )  # fmt: skip
    return picked


def _draw_images(run: Run, shown: pd.DataFrame, inputs: list[Any]) -> None:
    grid = st.grid("auto", min_column_width=150, gap="small", border=True)
    for (_, sample), pixels in zip(shown.iterrows(), inputs, strict=True):
        with grid.cell():
            draw_image(sample, pixels)
            row = int(sample["sample"])
            st.button(
                "Where it looked", key=f"look {row}", type="tertiary",
                icon=":material/local_fire_department:", on_click=_look_at, args=(run, row),
            )  # fmt: skip


def _look_at(run: Run, row: int) -> None:
    st.session_state["looked at"] = {run.id: row}


def _draw_rows(info: DatasetInfo, shown: pd.DataFrame, read: dict[str, Any]) -> None:
    table = shown.drop(columns="right").reset_index(drop=True)
    table = table.rename(columns={"true_probability": "probability of true"})
    percent = st.column_config.NumberColumn(format="percent")
    values = named_rows(info, np.asarray(read["inputs"], float), read["feature_names"])
    st.dataframe(
        pd.concat([table, values], axis=1),
        hide_index=True,
        column_config={"probability": percent, "probability of true": percent},
    )
