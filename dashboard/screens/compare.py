"""Compare: some runs in one chart, their best values, verdicts and differences."""

import streamlit as st

from dashboard import cache
from dashboard.compare_view import draw_comparison
from dashboard.components import LAUNCH, empty_state, errors_shown, label_of, show_error
from experiments.errors import ExperimentsError
from experiments.tracking.runs import Run

_PICKED = "runs picked"
_LIVE_SECONDS = 2


def main() -> None:
    """Draw the page of the runs that the URL names."""
    st.title("Compare", anchor=False)
    with errors_shown("The runs cannot be listed"):
        with st.skeleton(height=300):
            runs = cache.runs()
        if not runs:
            empty_state(
                ":material/stacked_line_chart:", "Nothing to compare yet",
                "Launch two runs that differ in one thing, and see here what it changes.",
                LAUNCH, "Launch the first run",
            )  # fmt: skip
            return
        picked = pick_runs(runs)
        if not picked:
            draw_suggestion(runs)
            return
        active = any(run.status.is_active for run in picked)
        live = st.fragment(draw_comparison, run_every=_LIVE_SECONDS if active else None)
        live([run.id for run in picked], active)


def pick_runs(runs: list[Run]) -> list[Run]:
    """The runs of ``?runs=a,b,c``, changed by the select box; unknown ones are told."""
    known = {run.id: run for run in runs}
    wanted = []
    for text in filter(None, st.query_params.get("runs", "").split(",")):
        try:
            run = cache.run(text)
            wanted.append(run.id)
            known.setdefault(run.id, run)
        except ExperimentsError as error:
            show_error(error)
    st.session_state[_PICKED] = list(dict.fromkeys(wanted))

    def follow() -> None:
        st.query_params["runs"] = ",".join(st.session_state[_PICKED])

    picked = st.multiselect(
        "Runs", list(known), key=_PICKED, on_change=follow, label_visibility="collapsed",
        format_func=lambda run_id: label_of(known[run_id]), placeholder="Choose runs to compare",
    )  # fmt: skip
    return [known[run_id] for run_id in picked]


def draw_suggestion(runs: list[Run]) -> None:
    """What to do when nothing is picked."""
    st.info(
        "Choose two or more runs above, or select them in the table of runs.",
        icon=":material/stacked_line_chart:",
    )
    newest = [run for run in runs if run.metrics][:3]
    if len(newest) > 1 and st.button(f"Compare the newest {len(newest)}"):
        st.query_params["runs"] = ",".join(run.id for run in newest)
        st.rerun()


main()
