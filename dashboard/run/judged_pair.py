"""Which columns of a history the verdict is about, where their names leave that open."""

import pandas as pd
import streamlit as st

from dashboard.chart.run_curves import is_measured
from dashboard.shared import help_texts
from experiments.diagnosis import Pair, find_pairs
from experiments.diagnosis.naming import higher_is_better

_TRAIN, _VAL = "train", "val"  # in the URL
_NONE = "none"


def chosen_pair(history: pd.DataFrame) -> Pair | None:
    """The pair that the URL names; None for the one that is found by names."""
    train, val = (_wanted(history, key) for key in (_TRAIN, _VAL))
    if train is None and val is None:
        return None
    metric = (val or train or "").removeprefix("val_").removeprefix("train_eval_")
    return Pair(metric, train, val, higher_is_better(metric))


def draw_pair_choice(history: pd.DataFrame) -> None:
    """Two select boxes behind a button; the choice stands in the URL."""
    columns = [str(name) for name in history if is_measured(str(name))]
    found = chosen_pair(history) or next(iter(find_pairs(columns)), Pair("loss", None, None, False))
    with st.popover("Columns", type="tertiary", icon=":material/swap_horiz:", help=help_texts.PAIR):
        for label, key, column in (
            ("Measured on training samples", _TRAIN, found.train),
            ("Measured on validation samples", _VAL, found.val),
        ):
            options = [_NONE, *columns]
            state = f"pair {key}"
            st.session_state[state] = column if column in columns else _NONE
            st.selectbox(label, options, key=state, on_change=_follow)


def _follow() -> None:
    for key in (_TRAIN, _VAL):
        st.query_params[key] = st.session_state[f"pair {key}"]


def _wanted(history: pd.DataFrame, key: str) -> str | None:
    name = st.query_params.get(key)
    return name if name in history else None
