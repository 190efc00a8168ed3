"""Runs: all of them, live; filter, sort, select, and what can be done with the selected."""

from collections.abc import Sequence

import streamlit as st

from dashboard.runs.run_filters import VIEWS
from dashboard.runs.run_list import draw_list
from dashboard.shared import cache
from dashboard.shared.components import LAUNCH, empty_state, errors_shown
from dashboard.shared.experiment_choice import choose_experiments, draw_offer_of_others
from experiments.tracking.run_index import RunIndex

_FEW = 200  # runs that are looked at every two seconds; more cost more
_REFRESH = "runs refresh"


def main() -> None:
    """Draw the page: its frame at once, the table when the store has answered."""
    left, right = st.columns([2, 1], vertical_alignment="bottom")
    left.title("Runs", anchor=False)
    with errors_shown("The runs cannot be listed"):
        with right.container(horizontal=True, horizontal_alignment="right"):
            if st.button("Launch a run", type="primary", icon=":material/add:"):
                st.switch_page(LAUNCH)
            experiments = choose_experiments()
        deleted = st.query_params.get("view") == VIEWS[1]
        with st.skeleton(height=300):
            cache.run_index(experiments=experiments, deleted=deleted)
        refresh = st.session_state.get(_REFRESH)
        st.fragment(draw_runs, run_every=refresh)(experiments, deleted, refresh)


def refresh_seconds(index: RunIndex, is_whole: bool) -> float | None:
    """How often the table is drawn again: not at all when nothing is under way or missing."""
    if not is_whole:
        return 1
    if not index.attributes["status"].isin(["SCHEDULED", "RUNNING"]).any():
        return None
    return 2 if len(index) <= _FEW else 6


def draw_runs(experiments: Sequence[str] | None, deleted: bool, refresh: float | None) -> None:
    """The part that is drawn again while something is active."""
    with errors_shown("The runs cannot be listed"):
        index = cache.run_index(experiments=experiments, deleted=deleted)
        is_whole = True
        if len(index) or deleted or experiments:
            is_whole = draw_list(index, deleted)
        elif not draw_offer_of_others():
            empty_state(
                ":material/rocket_launch:",
                "No runs yet",
                "Train a small network on handwritten digits: it takes seconds, needs no download, "
                "and shows what every page is for.",
                LAUNCH,
                "Launch the first run",
            )
        st.session_state[_REFRESH] = refresh_seconds(index, is_whole)
        if st.session_state[_REFRESH] != refresh:
            st.rerun()


main()
