"""The bar above the table of runs; what it is set to stands in the URL."""

import streamlit as st

from dashboard import helps
from dashboard.components import STATUS, VERDICT
from dashboard.formats import words
from dashboard.index_query import NO_VERDICT, RunFilter, sorts_of
from experiments.tracking.run_index import RunIndex
from experiments.tracking.runs import Tag

VIEWS = ("Active", "Deleted")  # what a bound widget shows is what stands in the URL


def draw_filters(index: RunIndex, deleted: bool) -> tuple[RunFilter, str]:
    """Draw the bar; returns the filter and the order."""
    with st.container(horizontal=True, vertical_alignment="center"):
        text = st.text_input(
            "Search", type="search", key="q", bind="query-params", live=True,
            placeholder="Words, or val_loss < 0.3", label_visibility="collapsed", width=280,
            help=helps.FILTER,
        )  # fmt: skip
        wanted = _draw_parts(index, text or "")
        order = st.selectbox(
            "Sort", sorts_of(index), key="sort", bind="query-params",
            label_visibility="collapsed", icon=":material/swap_vert:", width=200,
        )  # fmt: skip
        view = st.segmented_control(
            "View", list(VIEWS), default=VIEWS[0], key="view", bind="query-params", required=True,
            label_visibility="collapsed",
        )  # fmt: skip
        if (view == VIEWS[1]) != deleted:
            st.rerun()
    return wanted, order


def dataset_label(name: str, names: list[str]) -> str:
    """What users call a data set; with the beginning of its hash where two are called the same."""
    called, _, digest = name.partition("@")
    twice = sum(other.partition("@")[0] == called for other in names) > 1
    return f"{called} · {digest[:6]}" if digest and twice else called


def _draw_parts(index: RunIndex, text: str) -> RunFilter:
    have = set(index.attributes["status"])
    verdicts = set(index.tag(Tag.VERDICT).fillna(NO_VERDICT))
    offered = {
        "status": [str(status) for status in STATUS if status in have],
        "verdict": [label for label in (*map(str, VERDICT), NO_VERDICT) if label in verdicts],
        "data": sorted(set(index.param("dataset.name").dropna())),
    }
    chosen = {key: st.session_state.get(key) or [] for key in offered}
    parts = sum(map(len, chosen.values()))
    label = f"Filter · {parts}" if parts else "Filter"
    with st.popover(label, icon=":material/filter_list:", key="filter"):
        statuses, verdict, names = (
            st.pills(
                title,
                list(dict.fromkeys([*offered[key], *chosen[key]])),
                selection_mode="multi",
                key=key,
                bind="query-params",
                format_func=form,
            )
            for key, title, form in (
                ("status", "Status", str),
                ("verdict", "Verdict", words),
                ("data", "Data set", lambda name: dataset_label(name, offered["data"])),
            )
        )
    return RunFilter(text, tuple(statuses), tuple(verdict), tuple(names))
