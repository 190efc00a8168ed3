"""One row a run: chosen values of its metrics, against a baseline, and what its parameters are."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from dashboard.compare.columns import FIXED, column_names, run_table, titles
from dashboard.compare.differing import differing_params, param_changes
from dashboard.compare.emphasis import styled
from dashboard.shared import help_texts
from dashboard.shared.components import label_of, open_run, show_error
from dashboard.shared.param_texts import unique_names
from dashboard.shared.run_numbers import metric_names, tested_metrics
from experiments.core.errors import FilterError
from experiments.diagnosis.histories import Histories
from experiments.tracking.runs import Run

_TRANSPOSED = 12  # with more runs a column for each is too many
_ROW = 36


def draw_table_view(runs: Sequence[Run], histories: Histories) -> None:
    """Columns, baseline, the table, and the parameters that differ."""
    names = column_names(runs, histories)
    columns, baseline = draw_choice(runs, histories, names)
    try:
        table = run_table(runs, histories, columns)
    except FilterError as error:
        show_error(error, "Not a column")
        return
    draw_values(runs, table, baseline)
    draw_differing(runs, baseline)


def default_columns(runs: Sequence[Run], histories: Histories) -> list[str]:
    """Best value of each validated metric, those of the test, and what every run has."""
    validated = [name for name in metric_names(runs, histories) if name.startswith("val_")]
    shown = validated or metric_names(runs, histories)[:3]
    tested = [f"test {name}" for name in tested_metrics(runs)[:4]]
    return [*(f"best {name}" for name in shown[:4]), *tested, *FIXED]


def draw_choice(
    runs: Sequence[Run], histories: Histories, names: list[str]
) -> tuple[list[str], Run | None]:
    """Which columns, and which run the others are measured against."""
    title = titles(names)
    by_id = {run.id: run for run in runs}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        columns = st.multiselect(
            "Columns", names, default=default_columns(runs, histories), key="columns",
            format_func=lambda name: title.get(name, name), accept_new_options=True,
            help=help_texts.COLUMNS, bind="query-params",
        )  # fmt: skip
        baseline = pick_baseline(by_id)
    return columns or default_columns(runs, histories), baseline


def pick_baseline(runs: Mapping[str, Run]) -> Run | None:
    """The run of ``?baseline=``, changed by the select box."""
    key, wanted = "baseline run", st.query_params.get("baseline")
    st.session_state[key] = wanted if wanted in runs else None

    def follow() -> None:
        if st.session_state[key]:
            st.query_params["baseline"] = st.session_state[key]
        else:
            st.query_params.pop("baseline", None)

    picked = st.selectbox(
        "Baseline", list(runs), key=key, on_change=follow, placeholder="None",
        format_func=lambda run_id: label_of(runs[run_id]), help=help_texts.BASELINE, width=260,
        index=None,
    )  # fmt: skip
    return runs[picked] if picked else None


def draw_values(runs: Sequence[Run], table: pd.DataFrame, baseline: Run | None) -> None:
    """The chosen columns; a click on a row leads to its run."""
    if not share_data(runs):
        st.caption(
            "These runs were trained on different datasets, so their values cannot be compared."
        )
    names = unique_names(runs)
    config: dict[str, Any] = {
        name: st.column_config.Column(title)
        for name, title in titles([str(column) for column in table]).items()
    }
    named = table.rename(index=names).rename_axis(index=None)
    style = styled(named, names[baseline.id] if baseline else None, bold=share_data(runs))
    st.dataframe(
        style,
        row_height=_ROW, height=min(_ROW * len(table) + 40, _ROW * 15 + 40), placeholder="–",
        column_config=config, on_select="rerun", selection_mode="single-row", key="values",
    )  # fmt: skip
    rows = st.session_state["values"]["selection"]["rows"]
    if rows and st.button(f"Open {runs[rows[0]].name}", icon=":material/open_in_full:"):
        open_run(runs[rows[0]].id)


def draw_differing(runs: Sequence[Run], baseline: Run | None) -> None:
    """The parameters in which the runs differ, or what each changed against the baseline."""
    if len(runs) < 2:
        return
    st.markdown("#### Parameters that differ", anchors=False)
    table = param_changes(runs, baseline) if baseline else differing_params(runs)
    if table.empty:
        st.caption("None: these runs have the same parameters.")
        return
    if len(runs) > _TRANSPOSED:
        table = table.T
    st.dataframe(table, row_height=_ROW, height=min(_ROW * len(table) + 40, 500))


def share_data(runs: Sequence[Run]) -> bool:
    """Whether the runs validate on samples of one dataset, so that their values compare."""
    return len({run.params.get("dataset.name") for run in runs}) == 1
