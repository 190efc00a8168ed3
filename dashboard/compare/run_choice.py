"""Which runs a comparison shows: those that the URL names, or all; of these, what passes a filter.

The text of the filter is shared with the page of runs: words, a pattern, or conditions.
"""

from collections.abc import Sequence
from typing import NamedTuple

import streamlit as st

from dashboard.shared import cache, help_texts
from dashboard.shared.components import label_of, show_error
from dashboard.shared.experiment_choice import MOST
from dashboard.shared.filters import parse_filter
from experiments.core.errors import ExperimentsError
from experiments.tracking.runs import Run

#: How many runs are shown at most, by what the select box says; the newest are.
_PICKED = "runs picked"
_OFFERED = 300  # names in the select box: more would be sent to the browser at each change


class Selection(NamedTuple):
    """The runs that are shown, newest first, and how many there were before the filter."""

    runs: list[Run]
    of: int


def choose_runs(runs: Sequence[Run]) -> Selection:
    """Draw the bar and return what it selects; unknown runs and a wrong filter are told."""
    with st.container(horizontal=True, vertical_alignment="center"):
        picked = _pick(runs)
        text = st.text_input(
            "Filter", key="where", bind="query-params", type="search", live=True,
            placeholder="Filter: words of a name, or val_loss < 0.3 and model.dropout >= 0.2",
            label_visibility="collapsed", help=help_texts.FILTER,
        )  # fmt: skip
        most = st.selectbox(
            "Show", list(MOST), index=1, key="most", bind="query-params",
            label_visibility="collapsed", width=160,
        )  # fmt: skip
    chosen = picked or list(runs)
    try:
        keeps = parse_filter(text or "")
        kept = [run for run in chosen if keeps(run)]
    except ExperimentsError as error:
        show_error(error, "The filter is not applied")
        kept = chosen
    return Selection(kept[: MOST[most]], len(chosen))


def _pick(runs: Sequence[Run]) -> list[Run]:
    """The runs of ``?runs=a,b,c``, changed by the select box; unknown ones are told."""
    known = {run.id: run for run in runs}
    wanted = []
    for text in filter(None, st.query_params.get("runs", "").split(",")):
        try:
            run = known.get(text) or cache.run(text)
            wanted.append(run.id)
            known.setdefault(run.id, run)
        except ExperimentsError as error:
            show_error(error)
    wanted = list(dict.fromkeys(wanted))
    st.session_state[_PICKED] = wanted
    offered = list(dict.fromkeys([*wanted, *(run.id for run in runs[:_OFFERED])]))

    def follow() -> None:
        picked = st.session_state[_PICKED]
        if picked:
            st.query_params["runs"] = ",".join(picked)
        else:
            st.query_params.pop("runs", None)

    st.multiselect(
        "Runs", offered, key=_PICKED, on_change=follow, label_visibility="collapsed",
        format_func=lambda run_id: label_of(known[run_id]),
        placeholder="All runs; choose some",
    )  # fmt: skip
    return [known[run_id] for run_id in wanted]
