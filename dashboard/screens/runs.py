"""Runs: all of them, live; filter, sort, select, and what can be done with the selected."""

import streamlit as st

from dashboard import cache
from dashboard.components import LAUNCH, empty_state, errors_shown, open_run
from dashboard.run_actions import draw_actions
from dashboard.run_filters import VIEWS, draw_filters
from dashboard.run_table import column_config, run_rows, shown, sort_runs
from dashboard.selection import selected_ids, set_rows
from experiments.tracking.runs import Run

TABLE = "runs table"
MOST_RUNS = 1000  # list_runs reads no more, so that the page stays quick


def main() -> None:
    """Draw the page: its frame at once, the table when the store has answered."""
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    left.title("Runs", anchor=False)
    with right.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Launch a run", type="primary", icon=":material/add:"):
            st.switch_page(LAUNCH)
    deleted = st.query_params.get("view") == VIEWS[1]
    with errors_shown("The runs cannot be listed"):
        with st.skeleton(height=300):
            runs = cache.runs(deleted=deleted)
        cache.ended_histories().known(run for run in runs if not run.status.is_active)
        refresh = refresh_seconds(runs)
        st.fragment(draw_runs, run_every=refresh)(deleted, refresh)


def refresh_seconds(runs: list[Run]) -> float | None:
    """How often the table is drawn again: not at all when nothing is under way."""
    active = any(run.status.is_active for run in runs)
    if not active and not cache.ended_histories().is_reading:
        return None
    return 2 if len(runs) <= 200 else 6


def draw_runs(deleted: bool, refresh: float | None) -> None:
    """The part that is drawn again while something is active."""
    with errors_shown("The runs cannot be listed"):
        runs = cache.runs(deleted=deleted)
        if refresh_seconds(runs) != refresh:
            st.rerun()
        wanted, order = draw_filters(runs, deleted)
        if not runs and not deleted:
            empty_state(
                ":material/rocket_launch:",
                "No runs yet",
                "Train a small network on handwritten digits: it takes seconds, needs no download, "
                "and shows what every page is for.",
                LAUNCH,
                "Launch the first run",
            )
            return
        if len(runs) == MOST_RUNS:
            st.caption(f"These are the newest {MOST_RUNS:,} runs; the MLflow UI has them all.")
        kept = sort_runs([run for run in runs if wanted.keeps(run)], order)
        actions = st.container()
        if not kept:
            st.info("No run passes the filter." if runs else "Nothing is deleted.")
            return
        ended = cache.ended_histories().known(run for run in kept if not run.status.is_active)
        live = {run.id: cache.history(run) for run in kept if run.status.is_active}
        set_rows(TABLE, [run.id for run in kept])
        st.dataframe(
            shown(run_rows(kept, ended | live)),
            key=TABLE,
            hide_index=True,
            height=min(36 * len(kept) + 40, 36 * 16 + 40),
            row_height=36,
            column_config=column_config(),
            on_select="rerun",
            selection_mode="multi-row",
            placeholder="",
        )
        clicked = st.session_state.get("runs open")
        if clicked:
            open_run(kept[clicked["row"]].id)
        chosen = set(selected_ids(TABLE))
        with actions:
            draw_actions([run for run in kept if run.id in chosen], deleted)


main()
