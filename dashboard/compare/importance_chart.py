"""What results depend on, as bars: one group a parameter, one bar a result."""

from collections.abc import Sequence

import plotly.graph_objects as go

from dashboard.chart.run_curves import dress
from dashboard.compare.importance import Importance
from dashboard.shared.formats import words

_COLORS = ("#3b82f6", "#e8821e", "#8b5cf6", "#10b981")
_MOST = 12


def importance_figure(found: Sequence[Importance]) -> go.Figure:
    """Bars with their spread, the parameter that matters most for any result on top.

    Results about which nothing can be told have no bars; their ``problem`` is for the page.
    """
    figure = go.Figure()
    dress(figure)
    told = [result for result in found if not result.problem]
    most: dict[str, float] = {}
    title: dict[str, str] = {}
    for result in told:
        for param, row in result.table.iterrows():
            most[str(param)] = max(most.get(str(param), 0.0), float(row["importance"]))
            title.setdefault(str(param), str(row["title"]))
    order = sorted(most, key=lambda param: most[param])[-_MOST:]
    for number, result in enumerate(told):
        rows = result.table.reindex(order)
        figure.add_bar(
            y=[title[param] for param in order],
            x=100 * rows["importance"].clip(lower=0).to_numpy(float),
            error_x={"array": 100 * rows["spread"].to_numpy(float), "thickness": 1, "width": 3},
            orientation="h",
            name=words(result.target),
            marker={"color": _COLORS[number % len(_COLORS)]},
            customdata=rows["direction"].fillna("").to_numpy(),
            hovertemplate="%{y}: %{x:.0f} %<br>%{customdata}",
        )
    figure.update_layout(
        barmode="group", height=120 + 22 * max(len(order), 1) * max(len(told), 1),
        margin={"l": 8, "r": 12, "t": 8, "b": 8}, bargap=0.35,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "traceorder": "normal"},
    )  # fmt: skip
    figure.update_xaxes(title="% of the differences between runs due to it", rangemode="tozero")
    return figure
