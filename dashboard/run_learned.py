"""The tab *What it learned*: confused samples, where the model looked, and an embedding."""

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from dashboard import cache, helps
from dashboard.dataset_rows import named_rows
from dashboard.formats import count, plain
from dashboard.heat import overlay
from dashboard.learned_data import (
    answer_frame,
    confused_pairs,
    doubtful,
    embedding_figure,
    mistakes,
    point_frame,
)
from dashboard.pictures import to_picture
from experiments.checkpoint_files import MODEL_FILE
from experiments.datasets.catalogue import DatasetInfo, Kind
from experiments.errors import ArtifactError, InputError
from experiments.tracking.runs import Run

_PER_PAGE = 12
_VIEWS = ("Confused", "Embedding")
_ORDERS = {"wrong": "Wrong, surest first", "right": "Right, least sure first"}
_METHODS = ("Grad-CAM", "HiResCAM")
_PROJECTIONS = {"pca": "PCA", "tsne": "t-SNE"}
_PARTS = {"validation": "Validation", "train": "Training"}


def draw_learned(run: Run, info: DatasetInfo | None, names: list[str]) -> None:
    """Everything of the tab, for a run that classifies and has ended."""
    if MODEL_FILE not in {file.path for file in cache.artifacts(run)}:
        st.info("This run saved no model, so there is nothing to ask what it learned.")
        return
    if info is None:
        st.info("The run's data set is not known here, so its samples cannot be shown.")
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
    """Samples by the confidence of their answers, and for pictures the heat of one of them."""
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
    pictures = info.kind is Kind.IMAGE
    if len(shown):
        first, last = _PER_PAGE * (page - 1) + 1, _PER_PAGE * (page - 1) + len(shown)
        st.caption(
            f"{first} to {last} of {count(len(found))} {order} answers; {count(len(answers))} "
            "samples were answered at the end of training."
        )
        asked = [int(sample) for sample in shown["sample"]]
        with st.spinner("Reading the samples …", show_time=True):
            read = cache.ask_run(run, "read_samples", rows=asked)
        if pictures:
            _draw_pictures(shown, read["inputs"])
        else:
            _draw_rows(info, shown, read)
    if pictures and len(answers):
        nearest = shown if len(shown) else answers
        draw_heat(run, names, answers, int(nearest["sample"].iloc[0]))


def draw_heat(run: Run, names: list[str], answers: pd.DataFrame, first: int) -> None:
    """Which places of one picture spoke for the classes that one asks about."""
    st.markdown("#### Where it looked", help=helps.HEAT)
    chosen = st.session_state.get("looked at", first)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        row = st.number_input(
            "Sample", min_value=0, value=chosen, step=1, key=f"sample {chosen}", width=150,
            help="The row of the data set, from 0. The button under a picture chooses it.",
        )  # fmt: skip
        asked = st.selectbox(
            "Heat for", [None, *range(len(names))], key="heat for", width=240,
            format_func=lambda i: "the answer and the truth" if i is None else names[i],
        )  # fmt: skip
        method = st.segmented_control(
            "Method", _METHODS, default=_METHODS[0], key="method", bind="query-params",
            required=True, help=helps.HEAT_METHODS,
        )  # fmt: skip
    try:
        with st.spinner("Asking the model …", show_time=True):
            found = cache.ask_run(
                run, "explain", row=int(row), method=method,
                classes=None if asked is None else [asked],
            )  # fmt: skip
    except InputError as refused:
        st.info(plain(str(refused)))
        return
    answer, truth = found["answer"], found["truth"]
    grid = st.grid("auto", min_column_width=200, gap="medium")
    with grid.cell():
        st.image(to_picture(found["input"], 224), alt=f"sample {row}", width=224)
        st.markdown(f"Sample {row} is **{plain(names[truth])}**")
    for heat in found["heats"]:
        number, cells = heat["class"], np.asarray(heat["heat"])
        with grid.cell():
            st.image(overlay(found["input"], cells), alt=f"heat for {names[number]}", width=224)
            role = [word for word, i in (("answered", answer), ("true", truth)) if i == number]
            said = f"For **{plain(names[number])}**" + (f", {' and '.join(role)}" if role else "")
            st.markdown(said + ("" if cells.max() > 0 else "  \nNothing here speaks for it."))
    height, width = np.shape(found["heats"][0]["heat"])
    st.caption(
        f"From {height} × {width} cells of {plain(found['layer'])}. Red is the greatest value of "
        "each picture: colours of two pictures do not compare."
    )


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
            help=helps.PROJECTIONS,
        )  # fmt: skip
        color = st.segmented_control(
            "Colour", ["class", "right or wrong"], default="class", key="colour",
            bind="query-params", required=True,
        )  # fmt: skip
    with st.spinner("Asking the model what goes into its head …", show_time=True):
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
    with right:
        _draw_clicked(run, info, points, event["selection"]["points"])


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
        said.append(f"; both axes together hold {held:.0%} of their variance.")
    else:
        said.append("; t-SNE keeps neighbours together, distances between groups mean little.")
    if embedded["known"]:
        said.append(" They were kept from training.")
    return "".join(said)


def _draw_clicked(
    run: Run, info: DatasetInfo, points: pd.DataFrame, clicked: list[dict[str, Any]]
) -> None:
    if not clicked:
        what = "its picture" if info.kind is Kind.IMAGE else "its features"
        st.caption(f":material/ads_click: Click on a point to see {what}.")
        return
    row = int(clicked[0]["customdata"][0])
    point = points[points["sample"] == row]
    if point.empty:
        return
    read = cache.ask_run(run, "read_samples", rows=[row])
    if info.kind is Kind.IMAGE:
        _draw_picture(point.iloc[0], read["inputs"][0])
        return
    _say_answer(point.iloc[0])
    values = named_rows(info, np.asarray(read["inputs"], float))
    st.table(values.T.set_axis([""], axis=1), border="horizontal", hide_header=True)


def _pick_pair(answers: pd.DataFrame) -> tuple[str, str] | None:
    pairs = confused_pairs(answers)
    picked: tuple[str, str] | None = st.selectbox(
        "Mistaken", [None, *pairs], key="mistaken", width=280,
        format_func=lambda pair: (
            f"any class · {count(sum(pairs.values()))}" if pair is None
            else f"{pair[0]} taken for {pair[1]} · {count(pairs[pair])}"
        ),
    )  # fmt: skip
    return picked


def _draw_pictures(shown: pd.DataFrame, inputs: list[Any]) -> None:
    grid = st.grid("auto", min_column_width=150, gap="small", border=True)
    for (_, sample), pixels in zip(shown.iterrows(), inputs, strict=True):
        with grid.cell():
            _draw_picture(sample, pixels)


def _draw_picture(sample: pd.Series, pixels: Any) -> None:
    row = int(sample["sample"])
    st.image(to_picture(pixels), alt=f"sample {row}")
    _say_answer(sample)
    st.button(
        "Where it looked", key=f"look {row}", type="tertiary", on_click=_look_at, args=(row,),
        icon=":material/local_fire_department:",
    )  # fmt: skip


def _say_answer(sample: pd.Series) -> None:
    answer, true = plain(sample["answer"]), plain(sample["true"])
    said = f"sample {sample['sample']}"
    if sample["right"]:
        st.markdown(
            f":green[:material/check: **{answer}**] {sample['probability']:.0%}  \n"
            f":small[:gray[{said}]]"
        )
    else:
        st.markdown(
            f":red[:material/close: **{answer}**] {sample['probability']:.0%}  \n"
            f":small[:gray[is {true}, {sample['true_probability']:.0%} · {said}]]"
        )


def _look_at(row: int) -> None:
    st.session_state["looked at"] = row
    st.session_state["learned"] = _VIEWS[0]


def _draw_rows(info: DatasetInfo, shown: pd.DataFrame, read: dict[str, Any]) -> None:
    table = shown.drop(columns="right").reset_index(drop=True)
    table = table.rename(columns={"true_probability": "probability of true"})
    percent = st.column_config.NumberColumn(format="percent")
    st.dataframe(
        pd.concat([table, named_rows(info, np.asarray(read["inputs"], float))], axis=1),
        hide_index=True,
        column_config={"probability": percent, "probability of true": percent},
    )
