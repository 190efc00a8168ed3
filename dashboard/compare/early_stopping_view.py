"""Early stopping replayed over all runs of a comparison."""

from collections.abc import Sequence

import streamlit as st

from dashboard.chart.early_stopping_replay import draw_stopping
from experiments.diagnosis.histories import Histories
from experiments.tracking.runs import Run


def draw_stopping_view(runs: Sequence[Run], histories: Histories) -> None:
    """The sweep over the runs; launching starts from the newest of them."""
    ended = [run for run in runs if not run.status.is_active and histories.metrics(run.id)]
    if not ended:
        st.info("None of these runs has finished with a history yet.")
        return
    st.caption(
        f"Keras' EarlyStopping replayed over the histories of {len(ended):,} runs: nothing is "
        f"trained again. The numbers in the chart are patiences."
    )
    draw_stopping(histories.of([run.id for run in ended]), ended[0])
