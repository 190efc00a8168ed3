"""The views of a comparison; only the one that is looked at is computed."""

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from dashboard.chart.early_stopping_replay import draw_stopping
from dashboard.compare.curves_view import draw_curves_view
from dashboard.compare.export_view import draw_export_view
from dashboard.compare.parameters_view import draw_parameters_view
from dashboard.compare.table_view import draw_table_view
from dashboard.compare.verdicts_view import draw_verdicts_view
from dashboard.shared import cache
from dashboard.shared.components import errors_shown
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


#: What the switch says -> what draws it.
VIEWS: Mapping[str, Callable[[Sequence[Run], Histories], None]] = {
    "Curves": draw_curves_view,
    "Table": draw_table_view,
    "Verdicts": draw_verdicts_view,
    "Parameters": draw_parameters_view,
    "Early stopping": draw_stopping_view,
    "Export": draw_export_view,
}


def draw_view(
    view: str, run_ids: Sequence[str], experiments: Sequence[str] | None, was_active: bool
) -> None:
    """Read what the runs are by now and draw one view of them."""
    with errors_shown("The runs cannot be read"):
        known = {run.id: run for run in cache.runs(experiments=experiments, most=cache.MOST_RUNS)}
        runs = [known.get(run_id) or cache.run(run_id) for run_id in run_ids]
        if any(run.status.is_active for run in runs) != was_active:
            st.rerun()
        VIEWS[view](runs, read_histories(runs))


def read_histories(runs: Sequence[Run]) -> Histories:
    """The histories, with a bar while many are read from the store for the first time."""
    bar = st.empty()

    def progress(done: int, of: int) -> None:
        bar.progress(done / max(of, 1), text=f"Reading histories: {done:,} of {of:,} runs")

    histories = cache.histories(runs, progress)
    bar.empty()
    return histories
