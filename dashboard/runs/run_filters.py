"""The bar above the table of runs; what it is set to stands in the URL."""

from collections import Counter
from collections.abc import Mapping, Sequence

import streamlit as st

from dashboard.runs.index_query import NO_VERDICT, RunFilter, sorts_of
from dashboard.shared import cache, help_texts
from dashboard.shared.components import STATUS, VERDICT
from dashboard.shared.formats import words
from experiments.data.stored import content_hash, is_stored
from experiments.tracking.run_index import RunIndex
from experiments.tracking.runs import Tag

VIEWS = ("Active", "Deleted")  # what a bound widget shows is what stands in the URL


def draw_filters(index: RunIndex, deleted: bool) -> tuple[RunFilter, str]:
    """Draw the bar; returns the filter and the order."""
    with st.container(horizontal=True, vertical_alignment="center"):
        text = st.text_input(
            "Search", type="search", key="q", bind="query-params", live=True,
            placeholder="Words, or val_loss < 0.3", label_visibility="collapsed", width=280,
            help=help_texts.FILTER,
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


def dataset_labels(names: Sequence[str], titles: Mapping[str, str]) -> dict[str, str]:
    """What users call each dataset, by ``titles`` of hashes; with the beginning of its hash where
    two are called the same."""
    parts = {name: name.partition("@") for name in names}
    called = {name: titles.get(digest, first) for name, (first, _, digest) in parts.items()}
    often = Counter(called.values())

    def label(name: str) -> str:
        digest = parts[name][2]
        twice = digest and often[called[name]] > 1
        return f"{called[name]} · {digest[:6]}" if twice else called[name]

    return {name: label(name) for name in names}


def _titles(names: Sequence[str]) -> dict[str, str]:
    """The titles of what users stored, by its hash; asked for only where runs have such data."""
    stored = cache.datasets() if any(map(is_stored, names)) else []
    return {content_hash(one.name): one.title for one in stored}


def _draw_parts(index: RunIndex, text: str) -> RunFilter:
    have = set(index.attributes["status"])
    verdicts = set(index.tag(Tag.VERDICT).fillna(NO_VERDICT))
    offered = {
        "status": [str(status) for status in STATUS if status in have],
        "verdict": [label for label in (*map(str, VERDICT), NO_VERDICT) if label in verdicts],
        "data": sorted(set(index.param("dataset.name").dropna())),
    }
    labels = dataset_labels(offered["data"], _titles(offered["data"]))
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
                ("data", "Dataset", lambda name: labels.get(str(name), str(name))),
            )
        )
    return RunFilter(text, tuple(statuses), tuple(verdict), tuple(names))
