"""What a model answered: classes with their probabilities, or values."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from dashboard.shared.formats import number, plain
from experiments.data.distributions import date_text
from experiments.inference.scores import probabilities

_MOST_BARS = 3
_MOST_COLUMNS = 20


def names_for(dataset: dict[str, Any] | None, outputs: int | None) -> list[str]:
    """The classes of a model's outputs: a fitting dataset's, else numbers; none for one output."""
    if dataset:
        return list(dataset["class_names"])
    return [f"class {i}" for i in range(outputs)] if outputs and outputs > 1 else []


def draw_answer(prediction: Any, names: list[str], truth: int | None = None) -> None:
    """The likeliest classes as bars, green or red where the truth is known; or the value."""
    if not names:
        st.metric("value", number(float(np.asarray(prediction).reshape(-1)[0])))
        return
    shares = class_shares(prediction)
    order = np.argsort(-shares, kind="stable")[:_MOST_BARS]
    said = plain(names[order[0]])
    if truth is None:
        st.markdown(f"**{said}**")
    elif order[0] == truth:
        st.markdown(f":green[:material/check: **{said}**]")
    else:
        st.markdown(f":red[:material/close: **{said}**] :small[:gray[is {plain(names[truth])}]]")
    for i in order:
        share = float(np.clip(np.nan_to_num(shares[i]), 0, 1))
        st.progress(share, f":small[{plain(names[i])} · {share:.0%}]")


def class_shares(prediction: Any) -> np.ndarray:
    """A probability for each class from a model's outputs for one sample, logits or not."""
    return probabilities(np.asarray(prediction, dtype=float).reshape(1, -1))[0][0]


def answer_table(predictions: Sequence[Any], names: list[str]) -> pd.DataFrame:
    """One row a sample: the class and its probability, or the value or values."""
    outputs = np.asarray(predictions, dtype=float).reshape(len(predictions), -1)
    if names:
        shares = probabilities(outputs)[0]
        best = shares.argmax(axis=1)
        return pd.DataFrame(
            {"predicted": [names[i] for i in best], "probability": shares.max(axis=1)}
        )
    if outputs.shape[1] == 1:
        return pd.DataFrame({"predicted": outputs[:, 0]})
    shown = outputs[:, :_MOST_COLUMNS]
    return pd.DataFrame(shown, columns=[f"output {i}" for i in range(shown.shape[1])])


def named_row(
    row: list[float], categories: list[list[str]], dates: Sequence[int]
) -> list[float | str | None]:
    """A stored row with its categories by name, and those features that are ``dates`` as such; None
    for one that is missing. ``categories`` are those of each feature, none for a number, or empty
    where there are none at all."""
    named: list[float | str | None] = [
        value if not some else None if math.isnan(value) else some[int(value)]
        for value, some in zip(row, categories or [[]] * len(row), strict=True)
    ]
    for place in dates:
        named[place] = date_text(row[place]) or None
    return named
