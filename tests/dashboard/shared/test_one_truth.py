"""What one run is said to be is the same on Run, Compare and the command line."""

import numpy as np
import pandas as pd
import pytest

from dashboard.compare.columns import run_table
from dashboard.shared import help_texts
from dashboard.shared.run_numbers import at_best, best_value
from dashboard.shared.run_summary import best_of
from experiments.diagnosis import diagnose
from experiments.logs import read_logs
from experiments.running.run_record import best_values
from tests.support.comparing_runs import make_histories, make_run
from tests.support.simulated_trainings import trainings

CASES = [case.history for case in trainings(seed=5, count=60) if "val_loss" in case.history]


def accuracies(history):
    return history.assign(val_accuracy=np.exp(-history["val_loss"] / history["val_loss"].max()))


def test_best_epoch_gap_and_best_value_are_the_same_everywhere():
    compared = 0
    for history in map(accuracies, CASES):
        if history.index.tolist() != list(range(len(history))) or history.isna().any().any():
            continue
        run = make_run("run", {"training.metrics": "accuracy"})
        histories = make_histories({run.id: {name: history[name].tolist() for name in history}})
        recorded, shown = best_values(history), best_of(run, history)
        epoch = at_best(run, histories).epoch
        assert epoch == recorded["best_epoch"] == shown.epoch
        value = best_value(run, histories, "val_accuracy")
        assert value == pytest.approx(recorded["best_epoch_val_accuracy"])
        assert value == pytest.approx(shown.value)
        assert diagnose(history).gap_at_best == pytest.approx(at_best(run, histories).gap)
        compared += 1
    assert compared > 20


def test_epochs_are_counted_from_0_everywhere():
    """As Keras' callbacks and MLflow count them; what Keras prints counts from 1."""
    history = pd.DataFrame({
        "loss": [1.0, 0.7, 0.5, 0.3, 0.2, 0.1], "val_loss": [0.5, 0.6, 0.7, 0.8, 0.9, 1.0],
    })  # fmt: skip
    run = make_run("run")
    histories = make_histories({run.id: {name: history[name].tolist() for name in history}})
    verdict = diagnose(history)
    assert verdict.best_epoch == verdict.onset_epoch == 0
    assert "weights of epoch 0" in verdict.advice
    assert best_of(run, history).epoch == at_best(run, histories).epoch == 0
    assert best_values(history)["best_epoch"] == 0
    assert run_table([run], histories, ["val_loss at epoch 0"]).iloc[0, 0] == 0.5
    printed = "\n".join(
        f"Epoch {n + 1}/6 - val_loss: {v}" for n, v in enumerate(history["val_loss"])
    )
    (log,) = read_logs(printed.encode(), "printed")
    assert diagnose(log.history).best_epoch == 0
    assert "counts epochs from 1" in log.notes[0]
    assert "from 0" in help_texts.EPOCHS
