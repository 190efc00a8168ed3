"""What the difference between loss and val_loss is made of: a table, then a figure."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.chart.run_curves import HEIGHT, QUIET_COLOR, dress, spread, value_range
from dashboard.shared.formats import NOTHING, number
from experiments.diagnosis.gap import GapParts

DIFFERENCE = "difference"
#: part -> (its name here, its color); parts have no color of a run
LINES: dict[str, tuple[str, str]] = {
    DIFFERENCE: ("loss − val_loss", QUIET_COLOR),
    "training_mode": ("training mode", "#8b5cf6"),
    "moving_average": ("averaging", "#0891b2"),
    "training": ("both of these", "#0891b2"),
    "penalty": ("penalty", "#ca8a04"),
    "generalization": ("true gap", "#e8821e"),
    "rest": ("all the rest", "#e8821e"),
}
_CHANCE = 1.96


def gap_table(parts: GapParts) -> pd.DataFrame:
    """What each part adds at the best and at the last epoch, with its 95 % error where known."""
    epochs = list(dict.fromkeys([parts.epoch, parts.frame.index[-1]]))
    heads = ["best epoch", "last epoch"][: len(epochs)]
    rows = {}
    for name in [*parts.names, DIFFERENCE]:
        rows[LINES[name][0]] = {
            f"{head} ({epoch})": _with_error(parts.frame.loc[epoch], name)
            for head, epoch in zip(heads, epochs, strict=True)
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def gap_figure(parts: GapParts) -> go.Figure:
    """Each part by epoch; the difference is a thick gray line, the true gap has a band."""
    frame = parts.frame
    shown = [DIFFERENCE, *parts.names]
    figure = go.Figure()
    dress(figure)
    values = frame[shown].to_numpy().ravel().tolist()
    if "generalization_error" in frame:
        gap, width = frame["generalization"], _CHANCE * frame["generalization_error"]
        _band(figure, gap, width, LINES["generalization"][1])
        values += [*(gap - width), *(gap + width)]
    low, high = value_range(values, log=False)
    ends = {name: float(frame[name].dropna().iloc[-1]) for name in shown if frame[name].any()}
    places = spread(ends, 0.085 * (high - low), low, high)
    for name in shown:
        label, color = LINES[name]
        figure.add_scatter(
            x=np.asarray(frame.index), y=frame[name].to_numpy(), name=label,
            mode="lines" if len(frame) > 1 else "markers", hovertemplate="%{y:.3g}",
            line={"color": color, "width": 4 if name == DIFFERENCE else 2},
            opacity=0.45 if name == DIFFERENCE else 1,
        )  # fmt: skip
        if name in places:
            figure.add_annotation(
                x=int(frame.index[-1]), y=places[name], text=label, showarrow=False,
                xanchor="left", xshift=8, font={"size": 12, "color": color},
            )  # fmt: skip
    figure.add_hline(y=0, line={"color": QUIET_COLOR, "width": 1})
    if parts.epoch is not None:
        figure.add_vline(x=parts.epoch, line={"color": QUIET_COLOR, "width": 1, "dash": "dot"})
    figure.update_layout(
        height=HEIGHT, hovermode="x unified", showlegend=False, uirevision="gap",
        margin={"l": 8, "r": 120, "t": 12, "b": 8},
    )  # fmt: skip
    end = max(int(frame.index[-1]), 1)
    figure.update_xaxes(
        title="epoch", range=[-0.01 * end, 1.01 * end], dtick=1 if end <= 8 else None
    )
    figure.update_yaxes(title="adds to loss − val_loss", range=[low, high])
    return figure


def _band(figure: go.Figure, middle: pd.Series, width: pd.Series, color: str) -> None:
    for edge, fill in ((middle - width, None), (middle + width, "tonexty")):
        figure.add_scatter(
            x=np.asarray(edge.index), y=edge.to_numpy(), mode="lines", hoverinfo="skip",
            line={"width": 0}, fill=fill, fillcolor=f"{color}26",
        )  # fmt: skip


def _with_error(at: pd.Series, name: str) -> str:
    value, error = at[name], at.get(f"{name}_error", np.nan)
    if not np.isfinite(value):
        return NOTHING
    said = number(value)
    return f"{said} ± {number(_CHANCE * error, 2)}" if error > 0 else said
