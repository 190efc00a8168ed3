"""Models: reload what a run saved, look at it, and predict with it."""

import time

import streamlit as st

from dashboard import cache
from dashboard.components import (
    LAUNCH,
    empty_state,
    errors_shown,
    name_of,
    pick_run,
    status_text,
    wanted_run,
)
from dashboard.model_views import draw_opened, draw_own, draw_samples
from experiments.tracking.runs import Run

_LONGEST_START = 60  # seconds after which the page no longer waits with a bar of its own


def main() -> None:
    """Draw the page of the run that the URL names, or let one be picked."""
    st.title("Models", anchor=False)
    with errors_shown("The runs cannot be listed"):
        with st.skeleton(height=300):
            ended = [run for run in cache.runs() if not run.status.is_active]
        if not ended and "run" not in st.query_params:
            empty_state(
                ":material/deployed_code:", "No model saved yet",
                "When a run ends, its model can be reloaded here and asked for predictions.",
                LAUNCH, "Launch the first run",
            )  # fmt: skip
            return
        cache.keras()  # starts it, so that it is ready when a run is picked
        run = pick_run("Run", ended, "model picked", "Choose a run that has ended")
        if run is None and "run" in st.query_params:
            run = wanted_run(st.query_params["run"])
        if run is None:
            st.info("Choose a run above to reload its model.", icon=":material/deployed_code:")
        elif run.status.is_active:
            st.info(f"{name_of(run)} {status_text(run)} saves its model when it ends.")
        else:
            draw_model(run)


def draw_model(run: Run) -> None:
    """Reload, check, predict."""
    with errors_shown("The model cannot be reloaded"):
        wait_for_keras()
        with st.spinner("Reading model.h5 back and predicting with it…", show_time=True):
            opened = cache.opened_model(run)
        draw_opened(opened)
        samples, own = st.tabs(["Samples of the data", "Your own"], key="predict")
        with samples, errors_shown():
            draw_samples(run, opened)
        with own, errors_shown():
            draw_own(run, opened)


def wait_for_keras() -> None:
    """A bar while the Keras process starts, which takes some 10 s the first time."""
    process = cache.keras()
    if process.is_ready:
        return
    process.start()
    started = time.monotonic()
    with st.empty():
        while not process.is_ready and (past := time.monotonic() - started) < _LONGEST_START:
            st.progress(1 - 0.85**past, "Starting the Keras process, some 10 s the first time…")
            time.sleep(0.25)
        st.empty()


main()
