"""Changes to runs that a page asks for, each told in a toast."""

from collections.abc import Callable, Sequence

import streamlit as st

from dashboard.shared import cache
from dashboard.shared.components import errors_shown
from experiments.tracking.changes import delete_runs, request_stop, restore_runs
from experiments.tracking.runs import Run


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
