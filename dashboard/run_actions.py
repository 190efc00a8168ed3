"""What can be done with selected runs."""

from collections.abc import Callable, Sequence

import streamlit as st

from dashboard import cache
from dashboard.components import clone_run, compare_runs, errors_shown, mlflow_url, open_run
from experiments.settings import read_settings
from experiments.tracking.changes import delete_runs, request_stop, restore_runs
from experiments.tracking.runs import Run


def draw_actions(runs: Sequence[Run], deleted: bool) -> None:
    """A bar that is always there, so that nothing moves when a row is selected."""
    one = runs[0] if len(runs) == 1 else None
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        said = f"{len(runs)} selected" if runs else "Select rows to act on them"
        st.caption(said, width=190)
        if deleted:
            if _button("Restore", "restore_from_trash", bool(runs)):
                restore(runs)
            return
        if _button("Open", "open_in_full", one is not None) and one:
            open_run(one.id)
        if _button("Compare", "stacked_line_chart", len(runs) > 1):
            compare_runs([run.id for run in runs])
        if _button("Clone", "content_copy", one is not None) and one:
            clone_run(one.id)
        if _button("Stop", "stop", any(run.status.is_active for run in runs)):
            stop([run for run in runs if run.status.is_active])
        ended = [run for run in runs if not run.status.is_active]
        if _button("Delete", "delete", bool(ended)):
            delete(ended)
        url = mlflow_url(read_settings(), one) if one else read_settings().ui_url
        st.link_button(
            "MLflow", url, type="tertiary", icon=":material/open_in_new:", disabled=one is None
        )


def stop(runs: Sequence[Run]) -> None:
    """Ask runs to end after their current batch."""
    _act(lambda: [request_stop(cache.store(), run.id) for run in runs], "Stopping", runs)


def delete(runs: Sequence[Run]) -> None:
    """Put runs into the bin."""
    _act(lambda: delete_runs(cache.store(), [run.id for run in runs]), "Deleted", runs)


def restore(runs: Sequence[Run]) -> None:
    """Take runs out of the bin."""
    _act(lambda: restore_runs(cache.store(), [run.id for run in runs]), "Restored", runs)


def _act(action: Callable[[], object], said: str, runs: Sequence[Run]) -> None:
    with errors_shown():
        action()
        cache.forget_runs()
        what = runs[0].name if len(runs) == 1 else f"{len(runs)} runs"
        st.toast(f"{said}: {what}", icon=":material/check:")
        st.rerun()


def _button(label: str, icon: str, enabled: bool) -> bool:
    return st.button(
        label,
        key=f"action {label}",
        type="tertiary",
        icon=f":material/{icon}:",
        disabled=not enabled,
    )
