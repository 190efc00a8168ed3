"""What a comparison shows, drawn again while one of the runs is under way."""

from collections.abc import Sequence

import streamlit as st

from dashboard import cache, helps
from dashboard.charts import LINES, CurveRun, compare_figure, metrics_of
from dashboard.comparison import best_values, differing_params, emphasized, share_data, unique_names
from dashboard.components import LINE_KEY, RUN, errors_shown, name_of, status_text, verdict_text
from dashboard.formats import words
from dashboard.run_live import verdict_of
from experiments.tracking.runs import Run


def draw_comparison(run_ids: Sequence[str], was_active: bool) -> None:
    """Curves, best values, verdicts and the parameters that differ."""
    with errors_shown("The runs cannot be read"):
        runs = [cache.run(run_id) for run_id in run_ids]
        if any(run.status.is_active for run in runs) != was_active:
            st.rerun()
        draw_overlay(runs)
        draw_best(runs)
        draw_verdicts(runs)
        draw_params(runs)


def draw_overlay(runs: Sequence[Run]) -> None:
    """One metric of all runs: the colour is the run, the line style what was measured."""
    histories = {run.id: cache.history(run) for run in runs}
    metrics = metrics_of(list(histories.values()))
    if not metrics:
        st.info("None of these runs has ended an epoch yet.")
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        metric = st.segmented_control(
            "Metric", metrics, default=metrics[0], key="metric", bind="query-params",
            required=True, format_func=words, label_visibility="collapsed",
        )  # fmt: skip
        kinds = st.pills(
            "Lines", list(LINES), selection_mode="multi", default=["validation", "test mode"],
            key="lines", bind="query-params",
            label_visibility="collapsed",
        )  # fmt: skip
        by_time = st.toggle("By time", key="bytime", bind="query-params", help=_BY_TIME)
        log = st.toggle("Log scale", key="logscale", bind="query-params")
    names = unique_names(runs)
    shown = [CurveRun(names[run.id], run.color, histories[run.id]) for run in runs]
    figure = compare_figure(shown, metric or metrics[0], kinds, bool(by_time), bool(log))
    st.plotly_chart(figure, key="overlay", config={"displayModeBar": False})
    st.markdown(LINE_KEY, help=helps.LINES, width="content")


def draw_best(runs: Sequence[Run]) -> None:
    """The best values, the best of all in bold."""
    st.markdown("#### Best values on validation samples", help=helps.BEST, anchors=False)
    table = best_values(runs, {run.id: cache.history(run) for run in runs})
    same = share_data(runs)
    if not same:
        st.caption("These runs learn from different data sets, so their values do not compare.")
    st.dataframe(
        emphasized(table, same), row_height=36, height=36 * len(table) + 40, placeholder="–"
    )


def draw_verdicts(runs: Sequence[Run]) -> None:
    """The verdicts side by side."""
    st.markdown("#### Verdicts", help=helps.VERDICT, anchors=False)
    grid = st.grid("auto", min_column_width=260, gap="small", border=True)
    for run in runs:
        verdict = verdict_of(run, cache.history(run))
        with grid.cell():
            st.markdown(f"**{name_of(run)}**")
            if verdict is None:
                st.markdown(status_text(run))
                st.caption("No epoch yet.")
            else:
                st.markdown(verdict_text(verdict.label))
                st.caption(verdict.reason)
            st.page_link(RUN, label="Open", query_params={"run": run.id})


def draw_params(runs: Sequence[Run]) -> None:
    """The parameters in which the runs differ."""
    if len(runs) < 2:
        return
    st.markdown("#### Parameters that differ", anchors=False)
    table = differing_params(runs)
    if table.empty:
        st.caption("None: these runs have the same parameters.")
        return
    st.dataframe(table, row_height=36, height=min(36 * len(table) + 40, 500))


_BY_TIME = "Seconds of training in place of epochs on the horizontal axis."
