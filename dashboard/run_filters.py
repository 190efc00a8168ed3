"""The bar above the table of runs; what it is set to stands in the URL."""

from collections.abc import Sequence

import streamlit as st

from dashboard.components import STATUS
from dashboard.formats import words
from dashboard.run_table import SORTS, RunFilter, verdicts_of
from experiments.tracking.runs import Run

VIEWS = ("Active", "Deleted")  # what a bound widget shows is what stands in the URL


def draw_filters(runs: Sequence[Run], deleted: bool) -> tuple[RunFilter, str]:
    """Draw the bar; returns the filter and the order."""
    with st.container(horizontal=True, vertical_alignment="center"):
        text = st.text_input(
            "Search",
            type="search",
            placeholder="Name, id or any parameter",
            key="q",
            bind="query-params",
            live=True,
            label_visibility="collapsed",
            width=280,
        )
        wanted = _draw_parts(runs, text or "")
        order = st.selectbox(
            "Sort",
            SORTS,
            key="sort",
            bind="query-params",
            label_visibility="collapsed",
            icon=":material/swap_vert:",
            width=150,
        )
        view = st.segmented_control(
            "View",
            list(VIEWS),
            default=VIEWS[0],
            key="view",
            bind="query-params",
            required=True,
            label_visibility="collapsed",
        )
        if (view == VIEWS[1]) != deleted:
            st.rerun()
    return wanted, order


def _draw_parts(runs: Sequence[Run], text: str) -> RunFilter:
    have = [status for status in STATUS if any(run.status is status for run in runs)]
    datasets = sorted({run.params.get("dataset.name", "") for run in runs} - {""})
    chosen = [st.session_state.get(key) or [] for key in ("status", "verdict", "data")]
    label = f"Filter · {sum(map(len, chosen))}" if any(chosen) else "Filter"
    with st.popover(label, icon=":material/filter_list:", key="filter"):
        statuses = st.pills(
            "Status",
            list(dict.fromkeys([*map(str, have), *chosen[0]])),
            selection_mode="multi",
            key="status",
            bind="query-params",
        )
        verdicts = st.pills(
            "Verdict",
            list(dict.fromkeys([*verdicts_of(runs), *chosen[1]])),
            selection_mode="multi",
            key="verdict",
            bind="query-params",
            format_func=words,
        )
        names = st.pills(
            "Data set",
            list(dict.fromkeys([*datasets, *chosen[2]])),
            selection_mode="multi",
            key="data",
            bind="query-params",
        )
    return RunFilter(text, statuses, verdicts, names)
