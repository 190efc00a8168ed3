"""What one run is said to be is the same on Run, Compare and the command line."""

import numpy as np
import pytest

from dashboard.shared.run_numbers import at_best, best_value
from dashboard.shared.run_summary import best_of
from experiments.diagnosis import diagnose
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
