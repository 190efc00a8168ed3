"""The curves of many runs in one chart: what to draw from the choices in the URL."""

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import numpy as np
import streamlit as st

from dashboard.chart.curve_chart import Look, draw_curves
from dashboard.chart.curve_data import MOST_LINES, Band, ChartCurve, robust_range
from dashboard.chart.run_curves import LINES, plain_metrics
from dashboard.compare.coloring import (
    BEFORE,
    BY_GROUP,
    BY_RUN,
    BY_VERDICT,
    Coloring,
    by_group,
    by_param,
    by_run,
    by_verdict,
)
from dashboard.compare.curve_axes import AXES, positions
from dashboard.compare.curve_smoothing import smooth, smooth_many
from dashboard.compare.differing import besides_seeds, differing_names, param_labels
from dashboard.compare.grouping import SPREADS, bands, group_runs
from dashboard.shared import cache, help_texts
from dashboard.shared.components import LINE_KEY, name_of, open_run, verdict_text
from dashboard.shared.formats import plain, words
from dashboard.shared.param_texts import unique_names
from dashboard.shared.run_numbers import at_best
from dashboard.shared.verdicts import Told, told_by_tags
from experiments.diagnosis.histories import Histories
from experiments.tracking.epochs import axis_of
from experiments.tracking.runs import Run

FOCUS = "focus"  # the run of the URL that stands out
COLOR, ONLY = "color", "only"  # what the colors stand for, and which of the legend are shown
_PICKED = "legend picked"
_KIND_OF_X: dict[str, Literal["number", "seconds", "date"]] = {
    "training time": "seconds", "date": "date",
}  # fmt: skip


class Choice(NamedTuple):
    """What the controls above the chart are set to."""

    metric: str
    kinds: Sequence[str]
    axis: str
    smoothing: float
    x_log: bool
    y_log: bool
    by_params: bool
    group_by: Sequence[str]
    spread: str
    color_by: str = BY_RUN


def draw_curves_view(runs: Sequence[Run], histories: Histories) -> None:
    """Controls and chart; the run whose curve is clicked is named below."""
    metrics = plain_metrics(name for run in runs for name in histories.metrics(run.id))
    if not metrics:
        st.info("None of these runs has finished an epoch yet.")
        return
    choice = draw_controls(runs, metrics)
    focus = st.query_params.get(FOCUS, "")
    coloring = color(runs, histories, choice.color_by, choice.group_by)
    runs = coloring.shown(runs, draw_legend(coloring))
    as_bands = choice.group_by and choice.color_by != BY_GROUP
    onsets = onset_epochs(runs, histories) if choice.color_by == BY_VERDICT else {}
    curves = [] if as_bands else run_curves(runs, histories, choice, coloring, onsets)
    drawn_bands, left_out = [], 0
    if as_bands:
        column = LINES[choice.kinds[0]][0] + choice.metric
        steady = without_diverged(runs, histories, column)
        left_out = len(runs) - len(steady)
        drawn_bands = group_bands(steady, histories, column, choice)
    look = Look(
        y_title=words(choice.metric),
        x_title=x_title(runs, histories, choice),
        x_axis=_KIND_OF_X.get(choice.axis, "number"),
        x_log=choice.x_log and choice.axis != "date",
        y_log=choice.y_log,
        highlighted=(focus,) if focus else (),
        live=any(run.status.is_active for run in runs),
    )
    clicked = draw_curves(curves, drawn_bands, look, key="overlay")
    if clicked and clicked != focus:
        st.query_params[FOCUS] = clicked
        st.rerun(scope="fragment")
    if left_out:
        st.caption(f"{left_out:,} runs that diverged, or have no such values, are left out.")
    draw_key(next((run for run in runs if run.id == focus), None), histories)


def draw_key(focus: Run | None, histories: Histories) -> None:
    """What the lines mean, and the run that was clicked."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(LINE_KEY, help=help_texts.LINES, width="content")
        if focus is None:
            st.caption(
                "Click a curve to see which run it is. Drag to zoom, double-click to zoom out."
            )
            return
        verdict = cache.verdict(focus, histories)
        told = f"{name_of(focus)}  {verdict_text(verdict.label if verdict else None)}"
        best = at_best(focus, histories).epoch
        if not math.isnan(best):
            told += f" :small[:gray[best epoch {best:.0f}]]"
        st.markdown(told, width="content")
        if st.button("Open", type="tertiary", icon=":material/open_in_full:", key="open focus"):
            open_run(focus.id)
        if st.button("Deselect", type="tertiary", icon=":material/close:", key="leave focus"):
            del st.query_params[FOCUS]
            st.rerun(scope="fragment")


def color(
    runs: Sequence[Run], histories: Histories, color_by: str, group_by: Sequence[str]
) -> Coloring:
    """What the colors stand for; a parameter that is not there is none to color by."""
    if color_by == BY_VERDICT:
        return by_verdict(runs, {run.id: told(run, histories).label for run in runs})
    if color_by == BY_GROUP:
        return by_group(runs, group_by, _COLORS)
    return by_run(runs) if color_by == BY_RUN else by_param(runs, color_by, _COLORS)


def x_title(runs: Sequence[Run], histories: Histories, choice: Choice) -> str:
    """What the x axis counts; steps where all runs were logged by those."""
    column = LINES[choice.kinds[0]][0] + choice.metric
    axes = {axis_of(run, histories.points(run.id, column).steps) for run in runs}
    return "step" if choice.axis == "epoch" and axes == {"step"} else AXES[choice.axis]


def told(run: Run, histories: Histories) -> Told:
    """The verdict on a run as stored at its end, or as made now."""
    if run.status.is_active or (stored := told_by_tags(run)) is None:
        made = cache.verdict(run, histories)
        return Told(str(made.label), made.onset_epoch) if made else Told("", None)
    return stored


def onset_epochs(runs: Sequence[Run], histories: Histories) -> dict[str, int]:
    """Where those that overfit begin to."""
    found = ((run.id, told(run, histories).onset_epoch) for run in runs)
    return {run_id: onset for run_id, onset in found if onset is not None}


def draw_legend(coloring: Coloring) -> list[str]:
    """The legend with its counts; what is picked is shown alone, and stands in the URL."""
    if coloring.scale:
        st.caption(plain(coloring.scale))
    if not coloring.legend:
        return []
    entries = {one.key: one for one in coloring.legend}
    st.session_state[_PICKED] = [key for key in st.query_params.get_all(ONLY) if key in entries]

    def label(key: str) -> str:
        one = entries[key]
        return f':color[●]{{foreground="{one.color}"}} {plain(one.label)} {one.runs:,}'

    def follow() -> None:
        st.query_params[ONLY] = st.session_state[_PICKED]

    return st.pills(
        "Show only", list(entries), selection_mode="multi", format_func=label, key=_PICKED,
        on_change=follow, label_visibility="collapsed", help=help_texts.LEGEND,
    )  # fmt: skip


def run_curves(
    runs: Sequence[Run],
    histories: Histories,
    choice: Choice,
    coloring: Coloring,
    onsets: Mapping[str, int] = MappingProxyType({}),
) -> list[ChartCurve]:
    """One curve for each run and kind of measurement that it has; of one that overfits from an
    epoch on what was before is pale."""
    names = param_labels(runs) if choice.by_params else unique_names(runs)
    found = []
    for kind in choice.kinds:
        column = LINES[kind][0] + choice.metric
        for run in runs:
            y = histories.points(run.id, column).values
            if len(y):
                x = positions(run, histories, column, choice.axis)
                found.append(ChartCurve(run.id, names[run.id], coloring.colors[run.id], kind, x, y))
    smoothed = smooth_many([curve.y for curve in found], choice.smoothing)
    whole = [curve._replace(y=y) for curve, y in zip(found, smoothed, strict=True)]
    if not onsets or len(whole) + len(onsets) * len(choice.kinds) > MOST_LINES:
        return whole
    return [part for curve in whole for part in _split(curve, histories, choice, onsets)]


def _split(
    curve: ChartCurve, histories: Histories, choice: Choice, onsets: Mapping[str, int]
) -> list[ChartCurve]:
    """A curve from its onset on, and what was before; the first of them names the run."""
    onset = onsets.get(curve.run_id)
    if onset is None:
        return [curve]
    epochs = histories.points(curve.run_id, LINES[curve.kind][0] + choice.metric).steps
    at = int(np.searchsorted(epochs, onset))
    after = curve._replace(x=curve.x[at:], y=curve.y[at:])
    before = curve._replace(color=BEFORE, x=curve.x[: at + 1], y=curve.y[: at + 1])
    return [after, before] if 0 < at < len(curve.x) else [curve]


def without_diverged(runs: Sequence[Run], histories: Histories, column: str) -> list[Run]:
    """The runs that a mean can be taken over: one that diverged would be all of it."""
    curves = {
        run.id: ChartCurve(run.id, "", "", "validation", points.steps.astype(float), points.values)
        for run in runs
        if len((points := histories.points(run.id, column)).steps)
    }
    shown = robust_range(list(curves.values()))
    return [
        run
        for run in runs
        if run.id in curves
        and np.isfinite(curves[run.id].y[-1])
        and (not shown.cut or np.nanmax(curves[run.id].y) <= shown.high)
    ]


def group_bands(
    runs: Sequence[Run], histories: Histories, column: str, choice: Choice
) -> list[Band]:
    """Mean and spread of one column in each group of runs."""
    found = []
    for position, group in enumerate(group_runs(runs, choice.group_by)):
        band = bands(group.runs, histories, column, choice.axis, choice.spread)
        if len(band.x):
            low, middle, high = (
                smooth(part, choice.smoothing) for part in (band.low, band.mean, band.high)
            )
            color = _COLORS[position % len(_COLORS)]
            found.append(
                Band(
                    name=group.label,
                    color=color,
                    x=band.x,
                    low=low,
                    middle=middle,
                    high=high,
                    runs=len(group.runs),
                )
            )
    return found


def draw_controls(runs: Sequence[Run], metrics: Sequence[str]) -> Choice:
    """What is measured in front; axes, smoothing and grouping behind a button."""
    bound: dict[str, Any] = {"bind": "query-params"}
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        metric = st.selectbox(
            "Metric", metrics, key="metric", format_func=words, label_visibility="collapsed",
            width=220, **bound,
        )  # fmt: skip
        kinds = st.pills(
            "Lines", list(LINES), selection_mode="multi", default=["validation"], key="lines",
            label_visibility="collapsed", **bound,
        )  # fmt: skip
        with st.popover("Axes", icon=":material/show_chart:"):
            axis = st.segmented_control(
                "Horizontal", list(AXES), default=next(iter(AXES)), key="x", required=True, **bound
            )
            x_log = st.toggle("Logarithmic x axis", key="xlog", **bound)
            y_log = st.toggle("Logarithmic y axis", key="logscale", **bound)
        with st.popover("Smoothing", icon=":material/ssid_chart:"):
            smoothing = st.slider(
                "Smoothing", 0.0, 0.99, 0.0, 0.01, key="smooth", help=help_texts.SMOOTHING, **bound
            )
        with st.popover("Groups", icon=":material/workspaces:"):
            varied = besides_seeds(differing_names(runs))
            group_by = st.multiselect(
                "Mean over runs with the same", varied, key="group", help=help_texts.GROUPS, **bound
            )
            spread = st.segmented_control(
                "Band", list(SPREADS), default=next(iter(SPREADS)), key="band", required=True,
                **bound,
            )  # fmt: skip
            color_by = draw_color_choice(varied, bool(group_by))
            by_params = st.toggle("Name runs by what differs", key="names", **bound)
    return Choice(
        metric=metric, kinds=kinds or ["validation"], axis=axis or next(iter(AXES)),
        smoothing=smoothing, x_log=x_log, y_log=y_log,
        by_params=by_params, group_by=group_by, spread=spread or next(iter(SPREADS)),
        color_by=color_by,
    )  # fmt: skip


def draw_color_choice(varied: Sequence[str], grouped: bool) -> str:
    """What the curves are colored by."""
    options = [BY_RUN, BY_VERDICT, *([BY_GROUP] if grouped else []), *varied]
    return st.selectbox(
        "Color by", options, key=COLOR, bind="query-params", format_func=words,
        help=help_texts.COLORS,
    )  # fmt: skip


_COLORS = (
    "#3b82f6", "#e8821e", "#16a34a", "#d946ef", "#ef4444", "#0891b2", "#a16207", "#7c3aed",
    "#64748b", "#db2777",
)  # fmt: skip
