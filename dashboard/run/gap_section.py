"""The part of a run's page that says why its training and its validation loss differ."""

import pandas as pd
import streamlit as st

from dashboard.run.gap_chart import gap_figure, gap_table
from dashboard.shared import help_texts
from experiments.diagnosis.gap import acting_in_training, take_apart
from experiments.tracking.runs import Run


def draw_gap(run: Run, history: pd.DataFrame) -> None:
    """Closed until somebody asks; nothing is computed before."""
    section = st.expander(
        "Why do the curves differ?", icon=":material/splitscreen:", key="gap", on_change="rerun",
        bind="query-params",
    )  # fmt: skip
    if not section.open:
        return
    with section:
        parts = take_apart(history, acting_in_training(run.params))
        st.markdown(parts.sentence, help=help_texts.GAP_PARTS)
        if parts.epoch is None:
            return
        left, right = st.columns([3, 2], gap="medium", vertical_alignment="center")
        left.plotly_chart(gap_figure(parts), key="gap parts", config={"displayModeBar": False})
        right.table(gap_table(parts), border="horizontal")
