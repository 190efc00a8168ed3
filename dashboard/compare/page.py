"""Compare: many runs in one chart and one table, and what made the difference between them."""

import streamlit as st

from dashboard.compare.add_logs import draw_add_logs
from dashboard.compare.run_choice import choose_runs
from dashboard.compare.views import VIEWS, draw_view
from dashboard.shared import cache
from dashboard.shared.components import LAUNCH, empty_state, errors_shown
from dashboard.shared.experiment_choice import choose_experiments, draw_offer_of_others

_LIVE_SECONDS = 2


def main() -> None:
    """Draw the page; everything that it is set to stands in the URL."""
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    left.title("Compare", anchor=False)
    with errors_shown("The runs cannot be listed"):
        with right.container(horizontal=True, horizontal_alignment="right"):
            draw_add_logs()
            experiments = choose_experiments()
        with st.skeleton(height=300):
            runs = cache.runs(experiments=experiments, most=cache.MOST_RUNS)
        if not runs and experiments is None:
            if draw_offer_of_others():
                return
            empty_state(
                ":material/stacked_line_chart:", "Nothing to compare yet",
                "Launch two runs that differ in one thing, and see here what it changes.",
                LAUNCH, "Launch the first run",
            )  # fmt: skip
            return
        selection = choose_runs(runs)
        view = st.segmented_control(
            "View", list(VIEWS), default=next(iter(VIEWS)), key="tab", bind="query-params",
            required=True, label_visibility="collapsed",
        )  # fmt: skip
        if not selection.runs:
            st.info(f"None of {selection.of:,} runs matches the filter.")
            return
        active = any(run.status.is_active for run in selection.runs)
        live = st.fragment(draw_view, run_every=_LIVE_SECONDS if active else None)
        live(view, [run.id for run in selection.runs], experiments, active)


main()
