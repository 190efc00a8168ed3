"""One sample of a run with its answer, and for an image where the model looked."""

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from dashboard.run.heat_map import overlay
from dashboard.shared import cache, help_texts
from dashboard.shared.formats import plain
from dashboard.shared.images import to_image
from experiments.core.errors import InputError
from experiments.tracking.runs import Run

_METHODS = ("Grad-CAM", "HiResCAM")


def draw_heat(run: Run, names: list[str], chosen: int) -> None:
    """Which places of one image spoke for the classes that one asks about."""
    st.markdown("#### Where it looked", help=help_texts.HEAT)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        row = st.number_input(
            "Sample", min_value=0, value=chosen, step=1, key=f"sample {run.id} {chosen}", width=150,
            help="The row in the dataset, counted from 0. The button under an image selects it.",
        )  # fmt: skip
        asked = st.selectbox(
            "Heat map for", [None, *range(len(names))], key="heat for", width=240,
            format_func=lambda i: "prediction and truth" if i is None else names[i],
        )  # fmt: skip
        method = st.segmented_control(
            "Method", _METHODS, default=_METHODS[0], key="method", bind="query-params",
            required=True, help=help_texts.HEAT_METHODS,
        )  # fmt: skip
    try:
        with st.spinner("Running the model …", show_time=True):
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
        st.image(to_image(found["input"], 224), alt=f"sample {row}", width=224)
        st.markdown(f"Sample {row} is **{plain(names[truth])}**")
    for heat in found["heats"]:
        number, cells = heat["class"], np.asarray(heat["heat"])
        with grid.cell():
            st.image(overlay(found["input"], cells), alt=f"heat for {names[number]}", width=224)
            role = [word for word, i in (("answered", answer), ("true", truth)) if i == number]
            said = f"For **{plain(names[number])}**" + (f", {' and '.join(role)}" if role else "")
            st.markdown(
                said + ("" if cells.max() > 0 else "  \nNothing in this image supports it.")
            )
    height, width = np.shape(found["heats"][0]["heat"])
    st.caption(
        f"From {height} × {width} cells of {plain(found['layer'])}. Red is the greatest value of "
        "each image: colors cannot be compared between images."
    )


def draw_image(sample: pd.Series, pixels: Any) -> None:
    """One sample with its answer."""
    st.image(to_image(pixels), alt=f"sample {sample['sample']}")
    say_answer(sample)


def say_answer(sample: pd.Series) -> None:
    """The answer and its probability, green or red, and the truth where it is another."""
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
