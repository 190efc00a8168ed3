"""What the page of models shows at its top: the model is loaded, checked, and summed up."""

import time
from typing import Any

import streamlit as st

from dashboard.shared import cache
from dashboard.shared.components import show_error
from dashboard.shared.formats import count, duration, number, plain, size
from dashboard.shared.model_source import ModelSource
from experiments.core.errors import ExperimentsError

_LONGEST_START = 60  # seconds after which the page no longer waits with a bar of its own


def open_source(source: ModelSource) -> dict[str, Any] | None:
    """The loaded model's description; None after a message where it cannot be loaded."""
    said = "Reading model.h5 back and predicting with it…" if source.run else "Building the model…"
    try:
        _wait_for_keras(source)
        with st.spinner(said, show_time=True):
            return cache.opened_model(source)
    except ExperimentsError as error:
        show_error(error, f"{plain(source.name)} cannot be loaded")
        if st.button("Try again", icon=":material/refresh:"):
            cache.forget_models()
            st.rerun()
        return None


def _wait_for_keras(source: ModelSource) -> None:
    """A bar while the Keras process starts, which takes some 10 s the first time."""
    process = cache.process_of(source)
    if process.is_ready:
        return
    process.start()
    started = time.monotonic()
    with st.empty():
        while not process.is_ready and (past := time.monotonic() - started) < _LONGEST_START:
            st.progress(1 - 0.85**past, "Starting the Keras process (about 10 s the first time)…")
            time.sleep(0.25)
        st.empty()


def draw_opened(opened: dict[str, Any]) -> None:
    """That it was read back whole, or what was not; and what it is."""
    if opened["check"]:
        _draw_check(opened["check"])
    if opened["notes"]:
        lines = "  \n".join(plain(note) for note in opened["notes"])
        st.warning(f"**Loaded, but not with everything**  \n{lines}", icon=":material/info:")
    grid = st.grid("auto", min_column_width=130, gap="small")
    grid.metric("Parameters", count(opened["parameters"]))
    grid.metric("Layers", count(len(opened["layers"])))
    grid.metric(
        "Optimizer", opened["optimizer"] or "–",
        help=f"After {count(opened['optimizer_step'])} steps." if opened["optimizer"] else None,
    )  # fmt: skip
    grid.metric("Loss", _short_loss(opened["loss"]), help=opened["loss"])
    grid.metric("File", size(opened["bytes"]))
    grid.metric("Loaded in", duration(opened["seconds"]))


def _draw_check(check: dict[str, Any]) -> None:
    said = (
        f"max |Δ| = {number(check['max_difference'])} over {count(check['samples'])} samples, "
        "against the predictions recorded at save time"
    )
    if check["agrees"]:
        st.success(f"The reloaded model predicts the same: {said}.", icon=":material/verified:")
    else:
        st.error(f"The reloaded model predicts something else: {said}.", icon=":material/error:")


def _short_loss(loss: str | None) -> str:
    short = {"mean_squared_error": "MSE", "mean_absolute_error": "MAE"}
    if loss and "crossentropy" in loss:
        return "cross-entropy"
    return short.get(loss or "", (loss or "–").replace("_", " "))
