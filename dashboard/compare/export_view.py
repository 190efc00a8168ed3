"""A comparison as files: the table, every value of the curves, and a report for others."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

import pandas as pd
import streamlit as st

from dashboard.chart.run_curves import LINES, plain_metrics
from dashboard.compare.coloring import BY_RUN, Coloring
from dashboard.compare.columns import PARAM, run_table
from dashboard.compare.curves_view import COLOR, ONLY, color
from dashboard.compare.differing import differing_names
from dashboard.compare.report import Report, ReportChart, report_html
from dashboard.compare.report_chart import ReportCurve
from dashboard.compare.table_view import default_columns, share_data
from dashboard.shared import cache
from dashboard.shared.exported_tables import exported_table, long_histories, to_csv, to_parquet
from dashboard.shared.param_texts import unique_names
from experiments.diagnosis.histories import Histories
from experiments.tracking.runs import Run

_MOST_REPORTED = 200  # curves beyond that only make the page heavy
_CHARTS = 4
_FEW = 12  # up to so many runs training is drawn beside validation


def draw_export_view(runs: Sequence[Run], histories: Histories) -> None:
    """What can be downloaded; each file is made when it is asked for."""
    now = datetime.now(UTC).astimezone()
    stem = f"comparison-{now:%Y%m%d-%H%M}"
    columns = st.session_state.get("columns") or default_columns(runs, histories)
    columns = [*columns, *(PARAM + name for name in differing_names(runs))]

    def table() -> pd.DataFrame:
        return exported_table(runs, run_table(runs, histories, columns))

    draw_row(
        "Table", f"One row for each of {len(runs):,} runs: the columns of the table, and all "
        "parameters that differ.",
        {"CSV": (f"{stem}.csv", lambda: to_csv(table())),
         "Parquet": (f"{stem}.parquet", lambda: to_parquet(table()))},
    )  # fmt: skip
    draw_row(
        "Curves", "One row for each value of each metric in each epoch, as it was logged.",
        {"CSV": (f"{stem}-curves.csv", lambda: to_csv(long_histories(runs, histories))),
         "Parquet": (f"{stem}-curves.parquet",
                     lambda: to_parquet(long_histories(runs, histories)))},
    )  # fmt: skip
    draw_row(
        "Report", "One HTML file with curves, table, verdicts and parameters. It opens without "
        f"a server or network. {_limited(len(runs))}",
        {"HTML": (f"{stem}.html", lambda: report(runs[:_MOST_REPORTED], histories, columns, now))},
    )  # fmt: skip
    st.caption("The chart itself can be saved as PNG or SVG with the buttons on it.")


def report(
    runs: Sequence[Run], histories: Histories, columns: Sequence[str], made: datetime
) -> bytes:
    """The report of what the page is set to: the metric of the curves first, then the others."""
    metrics = plain_metrics(name for run in runs for name in histories.metrics(run.id))
    shown = st.query_params.get("metric", metrics[0] if metrics else "")
    metrics.sort(key=lambda metric: metric != shown)
    names = unique_names(runs)
    asked = st.query_params
    coloring = color(runs, histories, asked.get(COLOR, BY_RUN), asked.get_all("group"))
    drawn = coloring.shown(runs, asked.get_all(ONLY))
    charts = [
        ReportChart(metric, "epoch", report_curves(drawn, histories, metric, names, coloring))
        for metric in metrics[:_CHARTS]
    ]
    verdicts = {run.id: cache.verdict(run, histories) for run in runs}
    table = run_table(runs, histories, [name for name in columns if not name.startswith(PARAM)])
    made_of = Report(
        title="Comparison of runs",
        runs=runs,
        charts=charts,
        table=table,
        created=made,
        verdicts={run_id: verdict for run_id, verdict in verdicts.items() if verdict},
        settings={name: value for name, value in st.query_params.items() if name != "runs"},
        link=st.context.url or "",
        bold=share_data(runs),
        legend=coloring.legend,
    )
    return report_html(made_of).encode()


def report_curves(
    runs: Sequence[Run],
    histories: Histories,
    metric: str,
    names: Mapping[str, str],
    coloring: Coloring,
) -> list[ReportCurve]:
    """Validation of each run, or training where it has none; both kinds for a few runs."""
    found = []
    for run in runs:
        measured = histories.metrics(run.id)
        kinds = [kind for kind, (prefix, *_) in LINES.items() if prefix + metric in measured]
        for kind in kinds if len(runs) <= _FEW else kinds[:1]:
            points = histories.points(run.id, LINES[kind][0] + metric)
            x = points.steps.astype(float)
            found.append(
                ReportCurve(names[run.id], coloring.colors[run.id], kind, x, points.values)
            )
    return found


def draw_row(title: str, text: str, files: dict[str, tuple[str, Callable[[], bytes]]]) -> None:
    """One thing that can be had, in one or two formats."""
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{title}**  \n:small[{text}]")
        for label, (name, make) in files.items():
            st.download_button(
                label, make, file_name=name, key=name.partition("-")[0] + title + label,
                icon=":material/download:", on_click="ignore",
            )  # fmt: skip


def _limited(runs: int) -> str:
    return f"It includes the first {_MOST_REPORTED} runs." if runs > _MOST_REPORTED else ""
