"""Pieces that several pages show: badges, chips, errors, pickers, links, empty states."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal, NamedTuple

import streamlit as st

from dashboard.shared import cache
from dashboard.shared.formats import plain, words
from experiments.core.errors import ExperimentsError
from experiments.core.settings import Settings
from experiments.diagnosis import Label
from experiments.tracking.runs import Run, RunStatus

Color = Literal["blue", "green", "orange", "yellow", "red", "violet", "gray"]

RUNS = "runs/page.py"
LAUNCH = "launch/page.py"
RUN = "run/page.py"
COMPARE = "compare/page.py"
MODELS = "models/page.py"
DATASETS = "data/page.py"
PRETRAINED = "pretrained/page.py"
#: How the three kinds of measurement are drawn, on every page.
LINE_KEY = ":small[━ validation   ╍ train in test mode   ┈ train]"


class Sign(NamedTuple):
    """How a state looks: a Material symbol, a letter for tables, and a color with a meaning.

    ``shade`` is that color on charts and in files, readable on light and dark ground.
    """

    icon: str
    letter: str
    color: Color
    shade: str = "#6b7280"


STATUS: dict[RunStatus, Sign] = {
    RunStatus.SCHEDULED: Sign(":material/schedule:", "○", "gray"),
    RunStatus.RUNNING: Sign(":material/play_circle:", "●", "blue"),
    RunStatus.FINISHED: Sign(":material/check_circle:", "✓", "green"),
    RunStatus.FAILED: Sign(":material/error:", "✕", "red"),
    RunStatus.KILLED: Sign(":material/stop_circle:", "■", "gray"),
}
VERDICT: dict[str, Sign] = {
    Label.overfitting: Sign(":material/call_split:", "↗", "orange", "#d9640a"),
    Label.underfitting: Sign(":material/horizontal_rule:", "→", "violet", "#8145d6"),
    Label.good_fit: Sign(":material/thumb_up:", "✓", "green", "#16833f"),
    Label.still_improving: Sign(":material/trending_down:", "↘", "blue", "#2563eb"),
    Label.unstable: Sign(":material/ssid_chart:", "≈", "yellow", "#9a7a05"),
    Label.diverged: Sign(":material/trending_up:", "✕", "red", "#d92d3a"),
    Label.cant_tell: Sign(":material/help:", "?", "gray"),
}


def dot(run: Run) -> str:
    """The run's color as a Markdown dot."""
    return f':color[●]{{foreground="{run.color}"}}'


def name_of(run: Run) -> str:
    """The run's color and name as Markdown."""
    return f"{dot(run)} {plain(run.name)}"


def status_text(run: Run) -> str:
    """The status as a Markdown badge; a run that was asked to stop says so."""
    sign = STATUS[run.status]
    label = "STOPPING" if run.stop_requested and run.status is RunStatus.RUNNING else run.status
    return f":{sign.color}-badge[{sign.icon} {label}]"


def verdict_text(label: str | None) -> str:
    """The verdict as a Markdown badge; empty where there is none."""
    if not label or label not in VERDICT:
        return ""
    return f":{VERDICT[label].color}-badge[{VERDICT[label].icon} {words(label)}]"


def show_error(error: ExperimentsError | str, title: str = "") -> None:
    """The one way in which a page says what went wrong: the message, line by line."""
    lines = "  \n".join(plain(line) for line in str(error).splitlines() if line.strip())
    st.error(f"**{title}**  \n{lines}" if title else lines, icon=":material/error:")


@contextmanager
def errors_shown(title: str = "") -> Iterator[None]:
    """Show an ExperimentsError from within as a message; the rest of the page goes on."""
    try:
        yield
    except ExperimentsError as error:
        show_error(error, title)


def empty_state(icon: str, title: str, text: str, page: str, action: str) -> None:
    """Nothing here yet: why, and the one thing to do next."""
    with st.container(border=True, horizontal_alignment="center", gap="xsmall"):
        st.space("small")
        st.markdown(f"### {icon}", text_alignment="center")
        st.markdown(f"**{title}**", text_alignment="center")
        st.caption(text, text_alignment="center")
        if st.button(action, type="primary", key=f"empty {page}"):
            st.switch_page(page)
        st.space("small")


def open_run(run_id: str) -> None:
    """Go to the page of one run."""
    st.switch_page(RUN, query_params={"run": run_id})


def clone_run(run_id: str, change: str = "") -> None:
    """Go to the launch form filled with the spec of a run, with one change by name."""
    st.session_state.pop("launch loaded", None)
    st.switch_page(LAUNCH, query_params={"clone": run_id} | ({"with": change} if change else {}))


def compare_runs(run_ids: Sequence[str]) -> None:
    """Go to the comparison of some runs."""
    st.switch_page(COMPARE, query_params={"runs": ",".join(run_ids)})


def mlflow_url(settings: Settings, run: Run) -> str:
    """Where the MLflow UI shows the same run."""
    return f"{settings.ui_url}/#/experiments/{run.experiment_id}/runs/{run.id}"


def pick_run(label: str, runs: Sequence[Run], key: str, empty: str) -> Run | None:
    """One run by a select box that follows ``?run=`` and sets it; None while nothing is picked.

    A run of the URL that is not in the list is an error that the caller shows by ``cache.run``.
    """
    names = {run.id: run for run in runs}
    wanted = st.query_params.get("run")
    if wanted in names:
        st.session_state[key] = wanted

    def follow() -> None:
        picked = st.session_state[key]
        if picked:
            st.query_params["run"] = picked

    picked = st.selectbox(
        label,
        list(names),
        format_func=lambda run_id: label_of(names[run_id]),
        index=0 if wanted in names else None,
        placeholder=empty,
        key=key,
        on_change=follow,
        label_visibility="collapsed",
        width=340,
    )
    return names[picked] if picked else None


def label_of(run: Run) -> str:
    """A run in one line of plain text, told apart from others of the same name."""
    return f"{run.name} · {run.id[:6]}"


def wanted_run(text: str) -> Run | None:
    """The run that a URL names; None after a message with the way back if there is none."""
    try:
        return cache.run(text)
    except ExperimentsError as error:
        show_error(error)
        st.page_link(RUNS, label="All runs", icon=":material/arrow_back:")
        return None
