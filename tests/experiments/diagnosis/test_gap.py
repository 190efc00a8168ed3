"""The difference between loss and val_loss, taken apart."""

import numpy as np
import pandas as pd
import pytest

from experiments.core.recorded import OF_THE_GAP
from experiments.diagnosis.gap import acting_in_training, take_apart
from experiments.running.inline_launcher import run_inline
from experiments.spec.spec_files import load_spec
from experiments.tracking.history_reader import get_history
from experiments.tracking.runs import get_run

RECORD = {
    "loss": [1.0, 0.62, 0.50],
    "val_loss": [0.7, 0.50, 0.55],
    "train_eval_loss": [0.7, 0.48, 0.40],
    "loss_training_mode": [0.9, 0.61, 0.49],
    "loss_penalty": [0.20, 0.10, 0.08],
    "se_val_loss": [0.03, 0.03, 0.03],
    "se_train_eval_loss": [0.004, 0.004, 0.004],
    "se_loss_training_mode": [0.003, 0.003, 0.003],
}
DIGITS = """
dataset: {name: digits, max_samples: 600}
model: {name: mlp, layers: [32], dropout: 0.5, l2: 0.001}
training: {epochs: 6, learning_rate: 0.01}
"""


def history(**columns: list[float]) -> pd.DataFrame:
    return pd.DataFrame(columns).rename_axis("epoch")


def test_the_parts_are_what_each_measurement_adds_to_the_one_before():
    parts = take_apart(history(**RECORD))
    best = parts.frame.loc[1]
    assert parts.epoch == 1
    assert best["difference"] == pytest.approx(0.12)
    assert best["training_mode"] == pytest.approx(0.61 - 0.48)
    assert best["generalization"] == pytest.approx(0.48 - 0.50)
    # the penalty fell from 0.2 to 0.1 in this epoch, and is about 0.15 of its loss
    assert best["penalty"] == pytest.approx(0.05)
    assert best["penalty_in_loss"] == pytest.approx(0.15)
    assert best["moving_average"] == pytest.approx(0.62 - 0.61 - 0.05)
    assert best["generalization_error"] == pytest.approx(np.hypot(0.03, 0.004))
    assert best["moving_average_error"] == pytest.approx(0.005)


@pytest.mark.parametrize(
    "left_out",
    [
        [],
        ["loss_penalty"],
        ["loss_training_mode", "se_loss_training_mode"],
        list(OF_THE_GAP),
        [*OF_THE_GAP, "train_eval_loss"],
    ],
    ids=["all", "no penalty", "nothing acts in training", "older run", "of others"],
)
def test_the_parts_add_up_to_the_difference(left_out):
    parts = take_apart(history(**RECORD).drop(columns=left_out))
    assert parts.frame[parts.names].sum(axis=1).to_numpy() == pytest.approx(
        parts.frame["difference"].to_numpy(), abs=1e-12
    )


def test_a_gap_within_its_error_is_no_gap():
    said = take_apart(history(**RECORD), "dropout").sentence
    assert "(1) the training loss is 0.12 higher than the validation loss" in said
    assert "Dropout adds 0.13;" in said
    assert "0.15 of the training loss, 0.10 of the validation loss" in said
    assert "validation lies 0.02 ± 0.06 above training: a gap this small can be chance" in said


def test_a_gap_beyond_its_error_is_said_to_be_one():
    wide = RECORD | {"val_loss": [0.9, 0.80, 0.85]}
    said = take_apart(history(**wide)).sentence
    assert "the training loss is 0.18 lower than the validation loss" in said
    assert "validation lies 0.32 ± 0.06 above training: more than chance" in said


def test_a_run_that_recorded_no_errors_says_so_and_gives_none():
    parts = take_apart(history(**RECORD).drop(columns=list(OF_THE_GAP)))
    assert parts.names == ["training", "generalization"]
    assert "its error was not recorded" in parts.sentence
    assert "±" not in parts.sentence


def test_averaging_is_estimated_where_only_keras_own_losses_are_there():
    falling = history(loss=[1.0, 0.8, 0.6, 0.4], val_loss=[0.9, 0.7, 0.5, 0.3])
    parts = take_apart(falling)
    assert parts.frame["moving_average"].to_numpy() == pytest.approx(0.1)
    assert parts.frame["rest"].to_numpy() == pytest.approx(0.0, abs=1e-12)
    assert "cannot be separated" in parts.sentence


@pytest.mark.parametrize("missing", ["loss", "val_loss"])
def test_one_loss_alone_is_not_taken_apart(missing):
    parts = take_apart(history(**RECORD).drop(columns=missing))
    assert parts.frame.empty
    assert "There is no" in parts.sentence


def test_epochs_without_validation_and_broken_ones_are_left_out():
    columns = RECORD | {"val_loss": [0.7, float("nan"), 0.55], "loss": [1.0, 0.6, float("inf")]}
    assert list(take_apart(history(**columns)).frame.index) == [0]
    columns = RECORD | {"val_loss": [float("nan")] * 3}
    assert take_apart(history(**columns)).epoch is None


def test_losses_of_any_size_are_said_with_two_digits_that_count():
    small = history(**{name: [v * 1e-6 for v in values] for name, values in RECORD.items()})
    assert "1.2e-07 higher" in take_apart(small).sentence
    large = history(**{name: [v * 1e4 for v in values] for name, values in RECORD.items()})
    assert "1,200 higher" in take_apart(large).sentence


def test_what_acts_in_training_is_named_from_the_params():
    assert acting_in_training({"model.name": "mlp", "model.dropout": "0.0"}) == ""
    assert acting_in_training({"model.dropout": "0.3"}) == "dropout"
    params = {"model.name": "resnet", "model.dropout": "0.3", "augmentation.flip": "True"}
    assert acting_in_training(params) == "dropout, batch normalization and augmentation"


def test_a_real_run_with_dropout_has_the_gap_taken_apart(store):
    run_id, _ = run_inline(store, load_spec(DIGITS))
    found = get_history(store, get_run(store, run_id))
    assert set(OF_THE_GAP) <= set(found.columns)
    parts = take_apart(found)
    assert parts.names == ["training_mode", "moving_average", "penalty", "generalization"]
    assert parts.frame[parts.names].sum(axis=1).to_numpy() == pytest.approx(
        parts.frame["difference"].to_numpy(), abs=1e-12
    )
    # in the end half of the units are missed; in the first epoch the weights move most
    first, last = parts.frame.iloc[0], parts.frame.iloc[-1]
    assert last["training_mode"] > 3 * last["training_mode_error"]
    assert first["moving_average"] > 3 * first["moving_average_error"]


def test_without_dropout_and_with_weights_that_do_not_move_nothing_but_the_gap_is_left(store):
    still = load_spec(DIGITS, ["model.dropout=0",
                               "training.learning_rate=1e-9"])  # fmt: skip
    run_id, _ = run_inline(store, still)
    parts = take_apart(get_history(store, get_run(store, run_id)))
    frame = parts.frame
    assert "training_mode" not in parts.names
    assert frame["penalty"].abs().max() < 1e-6
    # the sample of 120 says what all 480 say, within its error
    assert (frame["moving_average"].abs() < 4 * frame["moving_average_error"]).all()
    assert frame["generalization"].to_numpy() == pytest.approx(
        frame["difference"].to_numpy(), abs=4 * frame["moving_average_error"].max()
    )
