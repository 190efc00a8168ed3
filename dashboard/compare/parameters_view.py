"""What the parameters did: importance, parallel coordinates, any two numbers against each other."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from dashboard.compare.columns import FIXED, PARAM, column_names, run_table, titles
from dashboard.compare.differing import differing_names
from dashboard.compare.importance import Importance, importance
from dashboard.compare.importance_chart import importance_figure
from dashboard.compare.parallel import parallel_figure, parallel_runs
from dashboard.compare.scatter import scatter_figure, scatter_points
from dashboard.shared import help_texts
from dashboard.shared.components import open_run
from experiments.diagnosis.histories import Histories
from experiments.tracking.runs import Run

GAP = "gap at best"
_PLAIN = {"displayModeBar": False}


def draw_parameters_view(runs: Sequence[Run], histories: Histories) -> None:
    """One of three images of the same table."""
    names = column_names(runs, histories)
    results = [name for name in names if not name.startswith(PARAM)]
    params = [PARAM + name for name in differing_names(runs)]
    if not any(name.startswith(("best", "last")) for name in results if name not in FIXED):
        st.info("None of these runs has finished an epoch yet.")
        return
    title = titles(names)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chart = st.segmented_control(
            "Chart", ["Two of them", "All at once", "Importance"], default="Two of them",
            key="picture", bind="query-params", required=True, label_visibility="collapsed",
        )  # fmt: skip
    if chart == "Two of them":
        draw_scatter(runs, histories, names, title)
    elif not params:
        st.info("These runs have the same parameters. Choose runs that differ in some.")
    elif chart == "All at once":
        draw_parallel(runs, histories, params, results, title)
    else:
        draw_importance(runs, histories, results, title)


def draw_scatter(
    runs: Sequence[Run], histories: Histories, names: list[str], title: dict[str, str]
) -> None:
    """Any two columns; with two results also the runs that no other beats in both."""
    best = next((name for name in names if name == "best val_loss"), names[0])
    with st.container(horizontal=True):
        x = st.selectbox(
            "Horizontal", names, index=names.index(best), key="sx", bind="query-params",
            format_func=lambda name: title[name],
        )  # fmt: skip
        y = st.selectbox(
            "Vertical", names, index=names.index(GAP), key="sy", bind="query-params",
            format_func=lambda name: title[name], help=help_texts.PARETO,
        )  # fmt: skip
    points = scatter_points(run_table(runs, histories, [x, y]), x, y)
    if not points.run_ids:
        st.info("No run has both of these.")
        return
    chosen = st.plotly_chart(
        scatter_figure(points, runs), key="scatter", on_select="rerun", config=_PLAIN
    )
    for point in chosen["selection"]["points"][:1]:
        clicked = point.get("customdata")
        open_run(clicked[0] if isinstance(clicked, list) else str(clicked))


def draw_parallel(
    runs: Sequence[Run],
    histories: Histories,
    params: list[str],
    results: list[str],
    title: dict[str, str],
) -> None:
    """All differing parameters side by side, colored by one result."""
    with st.container(horizontal=True):
        shown = st.multiselect(
            "Parameters", params, default=params[:8], key="pcparams", bind="query-params",
            format_func=lambda name: title[name],
        )  # fmt: skip
        color = st.selectbox(
            "Result", results, key="pcresult", bind="query-params",
            format_func=lambda name: title[name], width=240,
        )  # fmt: skip
    found = parallel_runs(run_table(runs, histories, [*shown, color]), shown, color)
    if not found.run_ids:
        st.info(f"No run has {title[color]} yet.")
        return
    st.plotly_chart(parallel_figure(found), key="parallel", config=_PLAIN)
    told = ["Drag along an axis to keep only the runs that pass through that range. Green is good."]
    if found.left_out:
        told.append(f"{found.left_out:,} runs have no {title[color]}.")
    if found.not_shown:
        told.append(f"Not shown: {', '.join(title[name] for name in found.not_shown)}.")
    st.caption(" ".join(told))


def draw_importance(
    runs: Sequence[Run], histories: Histories, results: list[str], title: dict[str, str]
) -> None:
    """What a result and the gap depend on."""
    targets = [name for name in results if name not in ("epochs", "duration", GAP)]
    target = st.selectbox(
        "Result", targets, key="target", bind="query-params",
        format_func=lambda name: title[name], width=240, help=help_texts.IMPORTANCE,
    )  # fmt: skip
    table = run_table(runs, histories, [target, GAP])
    with st.spinner("Learning what the results depend on…"):
        found = [_importance(runs, table[name]) for name in (target, GAP)]
    told = [one for one in found if not one.problem]
    for one in found:
        if one.problem:
            st.info(f"**{title[one.target]}**: {one.problem}")
    if not told:
        return
    st.plotly_chart(importance_figure(told), key="importance", config=_PLAIN)
    for one in told:
        st.caption(
            f"{title[one.target]}: from the parameters alone, {max(one.fit, 0):.0%} of the "
            f"differences between {one.runs:,} runs can be predicted."
        )
    st.dataframe(direction_rows(told, title), row_height=36)


def direction_rows(found: Sequence[Importance], title: dict[str, str]) -> pd.DataFrame:
    """In which direction each parameter moves each result, in words."""
    columns = {title[one.target]: one.table.set_index("title")["direction"] for one in found}
    return pd.DataFrame(columns)


def _importance(runs: Sequence[Run], target: pd.Series) -> Importance:
    """What a column of the table depends on; forecast once for the same values."""
    values = tuple(zip(target.index, target.to_numpy(float).round(12).tolist(), strict=True))
    return _forecast(str(target.name), values, runs, target)


@st.cache_resource(max_entries=50, show_spinner=False)
def _forecast(name: str, values: object, _runs: Sequence[Run], _target: pd.Series) -> Importance:
    return importance(_runs, _target)
