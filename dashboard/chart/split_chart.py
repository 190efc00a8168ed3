"""The figure of a split: the shares of the classes in each part, side by side. No streamlit."""

import pandas as pd
import plotly.graph_objects as go

from dashboard.chart.run_curves import dress
from experiments.data.catalog import Task
from experiments.data.split.audit import Audit

_MOST = 20
_COLORS = {"training": "#9aa4b2", "validation": "#4f46e5", "test": "#10b981"}
_LONGEST = 22  # letters of a class's name


def share_table(audit: Audit) -> pd.DataFrame:
    """The share (0 to 1) of each class, or bin of a number, by part. Of more than 20 classes those
    whose share differs most between training and validation, in the order of the classes."""
    table = pd.DataFrame(
        {part.name: [n / part.samples for n in part.counts] for part in audit.parts},
        index=list(audit.names),
    )
    if len(table) <= _MOST:
        return table
    other = "validation" if "validation" in table else table.columns[-1]
    apart = (table["training"] - table[other]).abs().to_numpy()
    kept = sorted(sorted(range(len(table)), key=lambda k: -apart[k])[:_MOST])
    return table.iloc[kept]


def share_figure(audit: Audit) -> go.Figure:
    """The table as bars, one color a part; of numbers upright, as a histogram is."""
    table = share_table(audit)
    counts = pd.DataFrame({p.name: p.counts for p in audit.parts}, index=list(audit.names))
    numbers = audit.task is Task.REGRESSION
    labels = [_short(str(name)) for name in table.index]
    places = list(range(len(table)))  # names that are shortened may be the same
    figure = go.Figure()
    for part in table:
        along, across = ("y", "x") if numbers else ("x", "y")
        values = {along: table[part].to_numpy(), across: places}
        figure.add_bar(
            **values, name=str(part), orientation="v" if numbers else "h",
            marker_color=_COLORS[str(part)], text=list(table.index), textposition="none",
            customdata=counts[part].reindex(table.index).to_numpy()
            if counts.index.is_unique
            else counts[part].to_numpy()[: len(table)],
            hovertemplate=f"%{{text}}: %{{customdata:,}} samples, %{{{along}:.1%}} of {part}"
            "<extra></extra>",
        )  # fmt: skip
    dress(figure)
    values_axis, names_axis = (
        (figure.update_yaxes, figure.update_xaxes)
        if numbers
        else (figure.update_xaxes, figure.update_yaxes)
    )
    values_axis(tickformat=".0%", title="share of the part", rangemode="tozero")
    every = 4 if numbers else 1
    names_axis(tickvals=places[::every], ticktext=labels[::every])
    if not numbers:
        names_axis(autorange="reversed")
    high = 240 if numbers else 90 + (8 + 10 * len(audit.parts)) * len(table)
    figure.update_layout(
        height=high, barmode="group", bargap=0.25, margin={"l": 8, "r": 8, "t": 32, "b": 8},
        legend={"orientation": "h", "y": 1, "yanchor": "bottom", "x": 0},
    )  # fmt: skip
    return figure


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
