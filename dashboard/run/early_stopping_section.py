"""The part of a run's page that says when it could have ended."""

import streamlit as st

from dashboard.chart.early_stopping_replay import draw_stopping
from dashboard.shared import cache
from experiments.tracking.runs import Run


def draw_run_stopping(run: Run) -> None:
    """Closed until somebody asks; nothing is computed before, nor while the run goes on."""
    if run.status.is_active:
        return
    section = st.expander(
        "When should it have stopped?", icon=":material/timer_off:", key="stopping",
        on_change="rerun", bind="query-params",
    )  # fmt: skip
    if section.open:
        with section:
            draw_stopping(cache.histories([run]), run)
