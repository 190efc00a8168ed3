"""What can be done with selected runs."""

from collections.abc import Callable, Sequence

import streamlit as st

from dashboard.shared.components import (
    COMPARE,
    clone_run,
    compare_runs,
    mlflow_url,
    open_run,
)
from dashboard.shared.experiment_choice import MOST, experiments_query
from dashboard.shared.run_changes import delete, restore, stop
from experiments.core.settings import settings_in_use
from experiments.tracking.runs import Run


def draw_actions(runs: Sequence[Run], deleted: bool, forget: Callable[[], None]) -> None:
    """A bar that is always there, so that nothing moves when a row is selected.

    ``forget`` is called to select no run any more.
    """
    one = runs[0] if len(runs) == 1 else None
    ours = [run for run in runs if run.is_ours]
    theirs = len(runs) - len(ours)  # others' runs are only read
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        _draw_count(len(runs), theirs, forget)
        if deleted:
            if _button("Restore", "restore_from_trash", bool(runs) and not theirs):
                restore(runs)
            return
        if _button("Open", "open_in_full", one is not None) and one:
            open_run(one.id)
        if _button("Compare", "stacked_line_chart", len(runs) > 1):
            compare_runs([run.id for run in runs])
        if _button("Clone", "content_copy", one is not None and not theirs) and one:
            clone_run(one.id)
        active = [run for run in ours if run.status.is_active]
        if _button("Stop", "stop", bool(active) and not theirs):
            stop(active)
        ended = [run for run in ours if not run.status.is_active]
        if _button("Delete", "delete", bool(ended) and not theirs):
            delete(ended)
        url = mlflow_url(settings_in_use(), one) if one else settings_in_use().ui_url
        st.link_button(
            "MLflow", url, type="tertiary", icon=":material/open_in_new:", disabled=one is None
        )


def _draw_count(selected: int, theirs: int, forget: Callable[[], None]) -> None:
    if not selected:
        st.caption("Select rows to act on them", width=190)
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", width=190):
        st.caption(
            f"{selected:,} selected" + (", read only" if theirs else ""),
            width="content",
            help="Runs logged by other tools are read, never changed." if theirs else None,
        )
        st.button(
            "Clear selection", key="action none", type="tertiary", icon=":material/close:",
            on_click=forget,
        )  # fmt: skip


def draw_compare_all(count: int, where: str) -> None:
    """Go to the comparison of all runs that pass the filter, by the filter itself."""
    if st.button(
        f"Compare all {count:,}", key="compare all", type="tertiary",
        icon=":material/stacked_line_chart:", disabled=count < 2,
    ):  # fmt: skip
        most = next((label for label, most in MOST.items() if most >= count), list(MOST)[-1])
        query = {"where": where} if where else {}
        st.switch_page(COMPARE, query_params={"most": most} | query | experiments_query())


def _button(label: str, icon: str, enabled: bool) -> bool:
    return st.button(
        label,
        key=f"action {label}",
        type="tertiary",
        icon=f":material/{icon}:",
        disabled=not enabled,
    )
