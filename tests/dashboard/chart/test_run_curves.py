"""What figures show, asserted on the data; the figures themselves are only made."""

import math

import numpy as np
import pandas as pd
import pytest

from dashboard.chart.prediction_charts import (
    confusion,
    confusion_figure,
    most_mistaken,
    predicted_classes,
    truth_figure,
)
from dashboard.chart.run_curves import (
    LINES,
    Marks,
    curve_figure,
    curves,
    log_ticks,
    metrics_of,
    rate_changes,
    rate_figure,
    spread,
    value_range,
)


@pytest.fixture
def history() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "val_accuracy": [0.5, 0.7, 0.6],
            "accuracy": [0.4, 0.8, 0.9],
            "loss": [2.0, 1.0, 0.5],
            "val_loss": [2.1, math.inf, math.nan],
            "train_eval_loss": [1.9, 0.9, 0.4],
            "learning_rate": [0.1, 0.1, 0.01],
            "epoch_seconds": [1.0, 2.0, 3.0],
        }
    )


def test_metrics_have_loss_first_and_leave_out_what_is_no_metric(history):
    assert metrics_of([history]) == ["loss", "accuracy"]


def test_curves_are_the_three_kinds_with_broken_values_left_out(history):
    frame = curves(history, "loss")
    assert list(frame.columns) == ["validation", "test mode", "train"]
    assert frame["validation"].notna().tolist() == [True, False, False]


def test_a_rate_that_stays_the_same_is_no_change(history):
    assert rate_changes(history)
    assert not rate_changes(history.assign(learning_rate=0.1))


def test_labels_are_spread_in_order_and_stay_inside():
    places = spread({"a": 0.5, "b": 0.5, "c": 0.99}, 0.2, 0.0, 1.0)
    assert places["a"] < places["b"] < places["c"] <= 1.0
    assert places["b"] - places["a"] >= 0.2 - 1e-9


def test_log_ticks_are_round_and_few():
    assert log_ticks(-1.2, 0.4) == pytest.approx([0.1, 0.2, 0.5, 1.0, 2.0])
    assert log_ticks(-2, 1.1) == pytest.approx([0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0])
    assert len(log_ticks(-300, 300)) <= 8


@pytest.mark.parametrize("log", [False, True])
def test_a_range_of_nothing_or_of_one_value_is_still_a_range(log):
    for values in ([], [math.nan], [3.0]):
        low, high = value_range(values, log)
        assert low < high


def test_confusion_counts_true_classes_in_rows():
    prediction = np.array([[0.9, 0.1, 0], [0.2, 0.8, 0], [0, 0.7, 0.3], [0, 0, 1]])
    counts = confusion(np.array([0, 1, 2, 2]), prediction, ["a", "b", "c"])
    assert counts.loc["c"].tolist() == [0, 1, 1]
    assert most_mistaken(counts) == [("c", "b", 1)]


def test_one_probability_is_a_class_on_either_side_of_a_half():
    assert predicted_classes(np.array([[0.2], [0.5], [0.9]])).tolist() == [0, 1, 1]


def test_figures_are_made_even_of_broken_and_short_histories(history):
    marks = Marks(best_epoch=0, onset_epoch=1, planned_epochs=10)
    for frame in (history, history.head(1), history.head(0), history[["loss"]]):
        figure = curve_figure(frame, "loss", "#3b82f6", marks, log=True)
        drawn = curves(frame, "loss").dropna(axis="columns", how="all")
        assert [trace.name for trace in figure.data if trace.name] == [
            LINES[kind][2] for kind in drawn
        ]
        assert figure.layout.xaxis.range[1] >= 9  # up to the planned epochs
    (rate,) = rate_figure(history, "#3b82f6").data
    assert list(rate.y) == history["learning_rate"].dropna().tolist()
    counts = confusion(np.array([0]), np.array([[0.1]]), ["a", "b"])
    assert np.asarray(confusion_figure(counts).data[0].z).shape == (2, 2)
    shown = truth_figure(np.arange(3.0), np.arange(3.0)[:, None], "value", "#3b82f6").data
    assert any(list(trace.x) == [0.0, 1.0, 2.0] == list(trace.y) for trace in shown)
