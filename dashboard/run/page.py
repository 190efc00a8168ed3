"""Run: one run, live: its curves, its verdict, its predictions, its log and its files."""

import streamlit as st

from dashboard.run.folds_section import draw_folds
from dashboard.run.live import draw_live
from dashboard.run.pretraining_section import draw_transfer
from dashboard.run.record import draw_record
from dashboard.run.remedies_section import draw_remedies
from dashboard.shared import cache
from dashboard.shared.components import LAUNCH, empty_state, errors_shown, pick_run, wanted_run
from dashboard.shared.experiment_choice import remembered_experiments

_LIVE_SECONDS = 1.5


def main() -> None:
    """Draw the page of the run that the URL names, or let one be picked."""
    with errors_shown("The runs cannot be listed"):
        with st.skeleton(height=300):
            runs = cache.runs(experiments=remembered_experiments())
        if not runs and "run" not in st.query_params:
            empty_state(
                ":material/show_chart:",
                "No run to look at yet",
                "Launch one; its curves grow here while it trains.",
                LAUNCH,
                "Launch the first run",
            )
            return
        if "run" not in st.query_params:
            st.query_params["run"] = runs[0].id
        picked = pick_run("Run", runs, "run picked", "Choose a run")
        run = picked or wanted_run(st.query_params["run"])
        if run is None:
            return
        active = run.status.is_active
        st.fragment(draw_live, run_every=_LIVE_SECONDS if active else None)(run.id, active)
        draw_folds(run, runs)
        draw_transfer(run, runs)
        draw_remedies(run, runs)
        draw_record(run)


main()
