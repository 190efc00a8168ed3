"""When training should have ended: early stopping replayed over stored histories, drawn."""

import math
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from dashboard.chart.run_curves import ONSET_COLOR, dress
from dashboard.shared import help_texts
from dashboard.shared.components import clone_run
from dashboard.shared.formats import duration, number, words
from experiments.diagnosis import Setting, grid, recommend, sweep
from experiments.diagnosis.histories import Histories
from experiments.tracking.runs import Run

_ARGUMENTS = ("patience", "min_delta", "start_from_epoch")
_RESULTS = ("epochs_saved", "seconds_saved", "given_up_relative")
_LINE = "#3b82f6"
_TOLERANCES = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0)  # per cent


def draw_stopping(histories: Histories, like: Run) -> None:
    """What each setting saves and gives up, and the best one offered for a run ``like`` this."""
    monitors = [
        name
        for name in dict.fromkeys(m for run in histories.run_ids for m in histories.metrics(run))
        if name.startswith("val_")
    ]
    if not monitors:
        st.info("EarlyStopping watches a validation metric, and none of these runs has one.")
        return
    monitors.sort(key=lambda name: name != "val_loss")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        monitor = st.selectbox(
            "Monitor", monitors, key="monitor", bind="query-params", width=220, format_func=words
        )
        tolerance = st.select_slider(
            "Tolerated rise in validation loss", _TOLERANCES, value=1.0, key="tolerance",
            bind="query-params", format_func=lambda share: f"{share:g} %", width=320,
            help=help_texts.STOPPING,
        )  # fmt: skip
    swept = sweep(histories, grid(monitor))
    best = recommend(swept, tolerance / 100)
    draw_recommendation(swept, best, like, tolerance)
    st.plotly_chart(
        stopping_figure(swept, best, tolerance), key="replay", config={"displayModeBar": False}
    )
    with st.expander("Every setting"):
        draw_settings(swept)


def draw_recommendation(
    swept: pd.DataFrame, best: Setting | None, like: Run, tolerance: float
) -> None:
    """The setting that saves most, in a sentence, with the button that launches with it."""
    runs = int(swept["runs"].max())
    if best is None:
        st.info(
            "No setting would have saved an epoch without raising the validation loss by more "
            f"than {tolerance:g} %: training ended when it should have."
        )
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(in_words(best, swept, runs))
        if not like.is_ours:
            return
        if st.button("Launch with it", type="primary", icon=":material/replay:", key="stop early"):
            clone_run(like.id, as_change(best))


def in_words(best: Setting, swept: pd.DataFrame, runs: int) -> str:
    """What the recommended setting would have done."""
    saved, seconds, given = (float(swept[name].loc[row_of(swept, best)]) for name in _RESULTS)
    of = "this run" if runs == 1 else f"{runs:,} runs on average"
    epochs = f"{saved:.3g} epoch{'s' * (saved != 1)}"
    time = "" if math.isnan(seconds) else f" ({duration(seconds)})"
    cost = (
        "without raising the best validation loss" if given <= 0
        else f"with a best validation loss {number(100 * given, 2)} % higher"
    )  # fmt: skip
    return f"**{setting_text(best)}** would have ended {of} {epochs}{time} earlier, {cost}."


def setting_text(setting: Setting) -> str:
    """As one writes it in Python, without what is as by default."""
    told = [f"patience={setting.patience}"]
    told += [f"min_delta={setting.min_delta:g}"] if setting.min_delta else []
    told += [f"start_from_epoch={setting.start_from_epoch}"] if setting.start_from_epoch else []
    told += [f'monitor="{setting.monitor}"'] if setting.monitor != "val_loss" else []
    return f"`EarlyStopping({', '.join(told)})`"


def as_change(setting: Setting) -> str:
    """The setting as the launch form's address takes it."""
    values = {name: getattr(setting, name) for name in ("monitor", *_ARGUMENTS)}
    values["restore_best_weights"] = True
    return ";".join(f"callbacks.early_stopping.{name}={value}" for name, value in values.items())


def row_of(swept: pd.DataFrame, setting: Setting) -> int:
    """The row of a sweep that is about a setting."""
    same = (swept[list(_ARGUMENTS)] == [getattr(setting, name) for name in _ARGUMENTS]).all(axis=1)
    return int(swept.index[same][0])


def stopping_figure(swept: pd.DataFrame, best: Setting | None, tolerance: float) -> go.Figure:
    """Epochs saved against validation loss given up: one line over the patiences for each of the
    other arguments, the best setting ringed. Double click to see what gives up more."""
    figure = go.Figure()
    dress(figure)
    told = swept[swept["epochs_saved"].notna()].sort_values("patience")
    for (delta, start), line in told.groupby(["min_delta", "start_from_epoch"]):
        plain = delta == 0 and start == 0
        figure.add_scatter(
            x=100 * line["given_up_relative"], y=line["epochs_saved"], mode="lines+markers+text",
            text=line["patience"].astype(str) if plain else None, textposition="top center",
            name=f"min_delta {delta:g}, from epoch {start}", customdata=_labels(line),
            hovertemplate="%{customdata}<extra></extra>",
            line={"width": 1.6 if plain else 0.8, "color": _LINE}, marker={"size": 6},
        )  # fmt: skip
    if best is not None and (at := row_of(swept, best)) in told.index:
        figure.add_scatter(
            x=[100 * told["given_up_relative"].loc[at]], y=[told["epochs_saved"].loc[at]],
            mode="markers", hoverinfo="skip",
            marker={"size": 16, "color": "rgba(0,0,0,0)",
                    "line": {"width": 3, "color": ONSET_COLOR}},
        )  # fmt: skip
    widest = min(100 * float(told["given_up_relative"].max()), max(3 * tolerance, 5.0))
    figure.update_xaxes(
        title="validation loss given up, %", range=[-0.03 * widest, 1.05 * widest], ticksuffix=" %"
    )
    figure.update_yaxes(title="epochs saved", rangemode="tozero")
    figure.update_layout(height=340, showlegend=False, margin={"l": 8, "r": 8, "t": 16, "b": 8})
    return figure


def _labels(line: pd.DataFrame) -> list[str]:
    """What a hover says of each setting."""
    return [
        f"patience {waits} · min_delta {delta:g} · from epoch {start}"
        f"<br>saves {epochs:.1f} epochs, {duration(seconds)}<br>gives up {100 * given:.2g} %"
        for waits, delta, start, epochs, seconds, given in zip(
            *(line[name] for name in (*_ARGUMENTS, *_RESULTS)), strict=True
        )
    ]


def draw_settings(swept: pd.DataFrame) -> None:
    """The whole sweep as a table."""
    table = swept[[*_ARGUMENTS, "stopped", "runs", "epochs_saved", "seconds_saved",
                   "given_up_relative", "worst_given_up"]]  # fmt: skip
    table = table.rename(columns=words)
    share = "{:.2%}".format
    formats: dict[Any, Any] = {
        "epochs saved": number, "seconds saved": duration, "given up relative": share,
        "worst given up": share, "min delta": "{:g}",
    }  # fmt: skip
    st.dataframe(table.style.format(formats, na_rep="–"), hide_index=True, row_height=36)
