"""The table of runs with its filter, pages and actions: whole runs are made only of those shown."""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from dashboard.runs.index_query import (
    RunFilter,
    best_values,
    conditions,
    ordered,
    passing,
    sorted_metric,
)
from dashboard.runs.pager import draw_pager
from dashboard.runs.row_selection import select_none, selected_ids, set_rows
from dashboard.runs.run_actions import draw_actions, draw_compare_all
from dashboard.runs.run_filters import draw_filters
from dashboard.runs.run_table import column_config, run_rows, shown
from dashboard.shared import cache
from dashboard.shared.components import open_run, show_error
from experiments.core.errors import FilterError
from experiments.tracking.run_index import RunIndex
from experiments.tracking.runs import Run

_TABLE = "runs table"
_ROW = 36  # pixels


def draw_list(index: RunIndex, deleted: bool) -> bool:
    """Draw all below the title; whether all that is shown was there: what was not is being read."""
    wanted, order = draw_filters(index, deleted)
    ids = find(index, wanted, order)
    actions, table = st.container(), st.container()
    with st.container(horizontal=True, vertical_alignment="center"):
        if not deleted:
            draw_compare_all(len(ids), conditions(wanted))
        page = draw_pager(len(ids), (wanted, order, deleted, st.query_params.get("experiments")))
    if not ids:
        said = "No run is deleted." if deleted else "There are no runs here."
        table.info("No run matches the filter." if len(index) else said)
        return True
    runs = index.runs(ids[page])
    with table:
        set_rows(_TABLE, [run.id for run in runs], ids)
        is_whole = draw_table(runs, best_of_order(index, order))
    with actions:
        draw_actions(selected_runs(index, runs), deleted, lambda: select_none(_TABLE))
    return is_whole


def find(index: RunIndex, wanted: RunFilter, order: str) -> list[str]:
    """The ids of all runs to list; a filter that is wrong is told and lets everything through."""
    try:
        kept = passing(index, wanted)
    except FilterError as error:
        show_error(error, "The filter is not applied")
        kept = pd.Series(True, index=index.attributes.index)
    return ordered(index, kept, order)


def best_of_order(index: RunIndex, order: str) -> pd.Series | None:
    """The best values by which the table is sorted, under the name of their metric."""
    metric = sorted_metric(order)
    return best_values(index, metric).rename(metric) if metric else None


def draw_table(runs: Sequence[Run], best: pd.Series | None) -> bool:
    """The rows of one page, a click on a name leads to its run; whether all histories are there."""
    ended = cache.ended_histories().known(run for run in runs if not run.status.is_active)
    active = [run for run in runs if run.status.is_active]
    live = cache.histories(active)
    histories = ended | {run.id: live.frame(run.id) for run in active}
    st.dataframe(
        shown(run_rows(runs, histories, verdicts_of_others(runs, histories), best)),
        key=_TABLE,
        hide_index=True,
        height=min(_ROW * len(runs) + 40, _ROW * 16 + 40),
        row_height=_ROW,
        column_config=column_config(),
        on_select="rerun",
        selection_mode="multi-row",
        placeholder="",
    )
    clicked = st.session_state.get("runs open")
    if clicked:
        open_run(runs[clicked["row"]].id)
    return len(histories) == len(runs)


def verdicts_of_others(
    runs: Sequence[Run], histories: Mapping[str, pd.DataFrame]
) -> dict[str, str | None]:
    """Verdicts on runs that other tools logged, so far as their histories are here."""
    theirs = [run for run in runs if not run.is_ours and run.id in histories]
    read = cache.histories(theirs)
    verdicts = {run.id: cache.verdict(run, read) for run in theirs}
    return {run_id: verdict.label if verdict else None for run_id, verdict in verdicts.items()}


def selected_runs(index: RunIndex, shown: Sequence[Run]) -> list[Run]:
    """The selected runs, those on other pages too."""
    here = {run.id: run for run in shown}
    chosen = selected_ids(_TABLE)
    return [
        *(here[run_id] for run_id in chosen if run_id in here),
        *index.runs([run_id for run_id in chosen if run_id not in here]),
    ]
