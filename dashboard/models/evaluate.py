"""How good the model is on a dataset: metrics, and where it is wrong."""

from typing import Any

import numpy as np
import streamlit as st

from dashboard.chart.prediction_charts import (
    confusion,
    confusion_figure,
    most_mistaken,
    truth_figure,
)
from dashboard.models.data_picker import AskedData, pick_data
from dashboard.shared import cache
from dashboard.shared.formats import count, number, plain
from dashboard.shared.model_source import ModelSource

_COLOR = "#6366f1"
_QUIET = {"displayModeBar": False}


def draw_evaluation(source: ModelSource, opened: dict[str, Any]) -> None:
    """Metrics of the chosen data, then the confusion matrix or truth against prediction."""
    with st.container(horizontal=True, vertical_alignment="center"):
        asked = pick_data(source, opened)
    if asked is None:
        return
    with st.skeleton(height=420), st.spinner("Predicting…", show_time=True):
        answer = cache.ask_model(source, "evaluate", **asked.arguments)
    draw_metrics(answer, asked)
    left, right = st.columns([3, 2], gap="medium")
    truth, predicted = np.asarray(answer["truth"]), np.asarray(answer["predicted"])
    if not answer["class_names"]:
        color = source.run.color if source.run else _COLOR
        figure = truth_figure(truth, predicted, answer["target"], color)
        left.plotly_chart(figure, key="evaluated", config=_QUIET)
        left.caption("Each dot is a sample; a perfect model lies on the diagonal.")
        return
    names = answer["class_names"]
    counts = confusion(truth, np.eye(len(names))[predicted.astype(int)], names)
    left.plotly_chart(confusion_figure(counts), key="evaluated", config=_QUIET)
    with right:
        wrong = int((truth != predicted).sum())
        st.markdown(f"**{count(len(truth) - wrong)} of {count(len(truth))} right**")
        mistakes = most_mistaken(counts)
        lines = [f"{plain(a)} mistaken for {plain(b)} · {count(times)}" for a, b, times in mistakes]
        st.markdown("  \n".join(lines))


def draw_metrics(answer: dict[str, Any], asked: AskedData) -> None:
    """The numbers, and what they were measured on."""
    grid = st.grid("auto", min_column_width=120, gap="small")
    for name, value in answer["metrics"].items():
        grid.metric(name[0].upper() + name[1:], number(value))
    samples, total = answer["samples"], answer["total"]
    whole = f"{count(samples)} samples" if samples == total else (
        f"{count(samples)} of {count(total)} samples, evenly spaced"
    )  # fmt: skip
    st.caption(f"Measured on {whole} of {plain(asked.dataset['name'])}. {answer['note']}")
