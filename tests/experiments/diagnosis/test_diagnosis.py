import json
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.core.errors import HistoryError
from experiments.diagnosis import Label, Pair, diagnose, history_from_keras
from tests.support.drawn_curves import FALLING, LEVELLED, TURNING, history
from tests.support.made_histories import cases
from tests.support.simulated_trainings import trainings


@pytest.fixture(scope="module")
def judged():
    made = list(cases(seed=2024, count=3000))
    return [(case, diagnose(case.history)) for case in made]


@pytest.fixture(scope="module")
def simulated():
    made = trainings(seed=2025, count=2000)
    return [(case, diagnose(case.history, constant_loss=case.constant_loss)) for case in made]


@pytest.fixture(params=["judged", "simulated"])
def any_set(request):
    return request.getfixturevalue(request.param)


def test_diagnose_is_right_in_98_percent_of_clear_cases(any_set):
    confusion = Counter((case.truth.value, verdict.label.value) for case, verdict in any_set)
    right = sum(count for (truth, label), count in confusion.items() if truth == label)
    assert right / len(any_set) >= 0.98, confusion


def test_less_than_1_percent_of_good_fits_are_called_overfitting(any_set):
    labels = [verdict.label for case, verdict in any_set if case.truth == Label.good_fit]
    assert labels.count(Label.overfitting) < 0.01 * len(labels)


def test_diagnose_abstains_in_less_than_3_percent_of_clear_cases(any_set):
    labels = [verdict.label for case, verdict in any_set if case.truth != Label.cant_tell]
    assert labels.count(Label.cant_tell) < 0.03 * len(labels)


@pytest.fixture(scope="module")
def real():
    recorded = Path(__file__).resolve().parents[2] / "files" / "keras_histories.json"
    return json.loads(recorded.read_text())


# Meant to overfit, but the validation loss rose by 2.3 % only; and meant to be done, but in 25 more
# epochs the validation loss fell by another 12 %.
OTHERWISE_THAN_INTENDED = {
    "digits_small_set_3": Label.good_fit, "digits_dropout_3": Label.still_improving,
}  # fmt: skip


def test_real_keras_trainings_are_judged_as_they_were_made_to_go(real):
    wrong = {}
    for run in real:
        verdict = diagnose(history_from_keras(run["history"]), constant_loss=run["constant_loss"])
        if verdict.label != run["intended"]:
            wrong[run["name"]] = verdict.label
    assert len(real) == 63
    assert wrong == OTHERWISE_THAN_INTENDED


def test_real_keras_trainings_are_judged_without_the_constant_loss_too(real):
    labels = [diagnose(history_from_keras(run["history"])).label for run in real]
    right = [label == run["intended"] for label, run in zip(labels, real, strict=True)]
    assert np.mean(right) >= 0.9


def test_best_epoch_is_always_within_2_percent_of_the_lowest_measured_loss(judged, simulated):
    for case, verdict in judged + simulated:
        if "val_loss" in case.history and verdict.best_epoch is not None:
            val_loss = case.history["val_loss"]
            lowest = val_loss.min()
            assert val_loss[verdict.best_epoch] <= lowest + 0.02 * abs(lowest)


@pytest.mark.parametrize(("made", "share"), [("judged", 0.93), ("simulated", 0.96)])
def test_best_epoch_is_near_the_minimum_of_the_curve_without_noise(made, share, request):
    near = []
    for case, verdict in request.getfixturevalue(made):
        if case.clean_val_loss is None or case.truth == Label.diverged:
            continue
        lowest = int(case.clean_val_loss.argmin())
        loss = case.clean_val_loss[verdict.best_epoch]
        near.append(
            abs(verdict.best_epoch - lowest) <= 2 or loss <= 1.02 * min(case.clean_val_loss)
        )
    assert np.mean(near) >= share


def test_best_epoch_of_a_curve_without_noise_is_its_lowest():
    for values in (TURNING, LEVELLED[:14], FALLING):
        assert diagnose(history(FALLING[: len(values)], values)).best_epoch == np.argmin(values)


def test_one_lucky_epoch_is_not_the_best_where_others_are_as_low():
    noise = np.random.default_rng(1).normal(0, 0.004, 100)
    val_loss = 0.5 + np.abs(np.arange(100) - 40) / 1000 + noise
    val_loss[60] = val_loss.min() - 1e-4
    assert abs(diagnose(history(np.exp(-np.arange(100) / 20), val_loss)).best_epoch - 40) < 10


def test_onset_lies_between_the_minimum_and_the_end(judged):
    found = [v.onset_epoch for case, v in judged if v.label == Label.overfitting]
    assert all(epoch is not None and epoch >= 0 for epoch in found)
    assert all(v.onset_epoch is None for _, v in judged if v.label != Label.overfitting)


def test_diagnose_finds_overfitting_when_val_loss_turns_up():
    verdict = diagnose(history(FALLING, TURNING))
    assert verdict.label == Label.overfitting
    assert verdict.best_epoch == 5
    assert abs(verdict.onset_epoch - 5) <= 1
    assert verdict.wasted_epochs == 9
    assert verdict.gap_at_best == pytest.approx(0.75 - 0.38)
    assert verdict.gap_at_end == pytest.approx(1.3 - 0.168)
    assert verdict.evidence["rule"] == "rise"


def test_diagnose_finds_a_good_fit_when_val_loss_levels_off():
    assert diagnose(history(FALLING, LEVELLED)).label == Label.good_fit


def test_diagnose_finds_underfitting_when_training_loss_hardly_falls():
    flat = [2.3, 2.2, 2.1, 2.03, 1.98, 1.95, 1.93, 1.92, 1.91, 1.905, 1.902, 1.9, 1.9]
    assert diagnose(history(flat, flat)).label == Label.underfitting


def test_a_penalty_that_shrinks_is_not_learning():
    penalized = [56.0, 30.0, 15.0, 8.0, 5.0, 3.5, 2.8, 2.5, 2.4, 2.35, 2.33, 2.32, 2.32]
    stuck = [0.1, 0.11] + [0.1] * 11
    verdict = diagnose(history(penalized, penalized, accuracy=stuck))
    assert verdict.label == Label.underfitting
    verdict = diagnose(history(penalized, penalized), constant_loss=2.303)
    assert verdict.label == Label.underfitting


def test_a_straight_fall_is_still_improving_and_wastes_nothing():
    line = list(np.linspace(2.3, 0.8, 20))
    verdict = diagnose(history(line, line))
    assert verdict.label == Label.still_improving
    assert verdict.wasted_epochs == 0


@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
def test_a_broken_value_at_the_end_is_divergence(broken):
    verdict = diagnose(history([*FALLING, broken], [*LEVELLED, broken]))
    assert verdict.label == Label.diverged
    assert verdict.evidence["broken_from_epoch"] == 15


def test_a_nan_in_the_middle_that_recovers_is_a_gap():
    loss, val_loss = FALLING.copy(), LEVELLED.copy()
    loss[8] = val_loss[8] = np.nan
    assert diagnose(history(loss, val_loss)).label == Label.good_fit


def test_a_loss_that_ends_above_its_start_is_divergence():
    loss = [1.0, 0.8, 0.7, 0.9, 2.0, 5.0, 9.0, 20.0]
    assert diagnose(history(loss, loss)).label == Label.diverged


@pytest.mark.parametrize("epoch", [3, 9, 14])
def test_a_single_spike_is_not_overfitting(epoch):
    val_loss = LEVELLED.copy()
    val_loss[epoch] *= 4
    assert diagnose(history(FALLING, val_loss)).label == Label.good_fit


def test_double_descent_is_judged_by_where_it_ends():
    t = np.linspace(0, 1, 120)
    val_loss = 0.2 + np.exp(-t * 18) + 0.4 * np.exp(-(((t - 0.4) / 0.08) ** 2)) + 0.1 * (1 - t) ** 4
    verdict = diagnose(history(np.exp(-t * 8), val_loss))
    assert verdict.label == Label.good_fit
    assert verdict.onset_epoch is None


def test_overfitting_that_begins_late_is_dated_late():
    t = np.arange(200)
    noise = np.random.default_rng(0).normal(0, 0.005, 200)
    val_loss = 0.4 + np.exp(-t / 15) + 0.005 * np.clip(t - 160, 0, None) + noise
    verdict = diagnose(history(np.exp(-t / 40), val_loss))
    assert verdict.label == Label.overfitting
    assert 145 <= verdict.onset_epoch <= 175


def test_loss_up_while_accuracy_rises_is_overfitting_and_says_so():
    verdict = diagnose(history(FALLING, TURNING, val_accuracy=np.linspace(0.3, 0.9, 15)))
    assert verdict.label == Label.overfitting
    assert "accuracy still rose" in verdict.reason
    assert verdict.evidence["val_accuracy_rise"] > 0


def test_no_validation_cannot_tell():
    verdict = diagnose(history(FALLING))
    assert verdict.label == Label.cant_tell
    assert verdict.best_epoch == 14
    assert verdict.gap_at_end is None


def test_four_epochs_cannot_tell_but_five_can():
    assert diagnose(history(FALLING[:4], LEVELLED[:4])).label == Label.cant_tell
    up = [1.0, 0.7, 0.6, 0.8, 1.1]
    assert diagnose(history(FALLING[:5], up)).label == Label.overfitting


def test_a_validation_loss_alone_is_judged_without_naming_a_training_loss():
    flat = pd.DataFrame({"val_loss": [2.3, 2.29, 2.3, 2.31, 2.3, 2.29, 2.3, 2.31, 2.3]})
    verdict = diagnose(flat)
    assert verdict.label == Label.underfitting
    assert verdict.reason.startswith("The validation loss only went from 2.3 to")
    assert diagnose(pd.DataFrame({"val_loss": TURNING})).label == Label.overfitting


def test_an_empty_history_cannot_tell():
    assert diagnose(pd.DataFrame()).label == Label.cant_tell


def test_few_validation_samples_cannot_show_a_small_rise():
    slight = [*LEVELLED, 0.31, 0.32, 0.33, 0.34, 0.345, 0.35]
    loss = FALLING + [0.16] * 6
    assert diagnose(history(loss, slight), validation_samples=10_000).label == Label.overfitting
    assert diagnose(history(loss, slight), validation_samples=4).label == Label.cant_tell


def test_accuracy_alone_is_judged_as_an_error():
    error = np.array(TURNING) / 2.5
    frame = pd.DataFrame({"accuracy": 1 - np.array(FALLING) / 2.5, "val_accuracy": 1 - error})
    verdict = diagnose(frame)
    assert verdict.label == Label.overfitting
    assert verdict.best_epoch == 5
    assert diagnose(frame * 100).label == Label.overfitting


def test_losses_below_zero_are_judged_by_what_they_gained():
    leveled, turning = np.array(LEVELLED) - 2, np.array(TURNING) - 2
    assert diagnose(history(np.array(FALLING) - 2, leveled)).label == Label.good_fit
    assert diagnose(history(np.array(FALLING) - 2, turning)).label == Label.overfitting


def test_validation_every_fifth_epoch_is_no_divergence():
    val_loss = [np.nan] * 75
    val_loss[4::5] = LEVELLED
    loss = np.interp(np.arange(77), np.arange(15) * 5, FALLING)
    assert diagnose(history(loss, [*val_loss, np.nan, np.nan])).label == Label.good_fit


def test_the_measured_training_curve_is_preferred_for_the_gap():
    verdict = diagnose(history(FALLING, LEVELLED, train_eval_loss=np.array(LEVELLED) - 0.1))
    assert verdict.gap_at_end == pytest.approx(0.1)


def test_wasted_time_comes_from_the_seconds_of_an_epoch():
    assert diagnose(history(FALLING, TURNING), epoch_seconds=2.0).wasted_seconds == 18
    slower = [3.0] * 14 + [96.0]
    verdict = diagnose(history(FALLING, TURNING, epoch_seconds=slower))
    assert verdict.wasted_seconds == verdict.evidence["wasted_seconds"] == 120
    assert "The 9 epochs after the best one (2 min) made it no better." in verdict.reason
    assert diagnose(history(FALLING, TURNING)).wasted_seconds is None


def test_a_pair_named_by_the_user_is_judged():
    frame = history(FALLING, LEVELLED, mine=TURNING)
    assert diagnose(frame).label == Label.good_fit
    verdict = diagnose(frame, pair=Pair("mine", "loss", "mine", False))
    assert verdict.label == Label.overfitting
    assert verdict.evidence["monitored"] == "mine"
    with pytest.raises(HistoryError, match="'gone'"):
        diagnose(frame, pair=Pair("loss", "loss", "gone", False))


def test_columns_under_foreign_names_are_judged():
    frame = pd.DataFrame({"Train Loss": FALLING, "Valid Loss": TURNING})
    assert diagnose(frame).label == Label.overfitting
    accuracies = pd.DataFrame({"acc/train": 1 - np.array(FALLING) / 3, "acc/test": 0.5})
    accuracies["acc/test"] = 1 - np.array(TURNING) / 3
    assert diagnose(accuracies).label == Label.overfitting


def test_too_noisy_says_of_how_many_validation_samples():
    val_loss = np.exp(np.random.default_rng(5).normal(0, 1, 20))
    verdict = diagnose(history(np.linspace(1, 0.2, 20), val_loss), validation_samples=12)
    assert verdict.label == Label.cant_tell
    assert "12 validation samples" in verdict.reason


@pytest.mark.parametrize("scale", [1e-6, 1e-3, 1e6])
def test_the_scale_of_the_loss_changes_nothing(judged, scale):
    for case, verdict in judged[:200]:
        scaled = diagnose(case.history * scale)
        assert (scaled.label, scaled.best_epoch) == (verdict.label, verdict.best_epoch)


def test_a_history_of_50_000_epochs_is_judged_like_a_short_one():
    t = np.linspace(0, 1, 50_000)
    noise = np.random.default_rng(0).normal(0, 0.05, 50_000)
    loss = 0.05 + np.exp(-t * 20)
    assert diagnose(history(loss, 0.5 + np.exp(-t * 20) + noise)).label == Label.good_fit
    verdict = diagnose(history(loss, 0.5 + np.exp(-t * 20) + t**2 + noise))
    assert verdict.label == Label.overfitting
    assert 1_000 < verdict.onset_epoch < 15_000


def test_degenerate_curves_get_a_verdict():
    for values in ([0.0] * 10, [1.0] * 10, [1e-300] * 10, [1e300, 1.0] * 5, [0.0, 0.0, 1.0] * 4):
        assert diagnose(history(values, values)).label in Label


def test_a_verdict_is_json_safe(judged):
    for _, verdict in judged[:300]:
        text = json.dumps(verdict.to_dict(), allow_nan=False)
        assert set(json.loads(text)) == {
            "verdict", "best_epoch", "onset_epoch", "gap_at_best", "gap_at_end", "gap_error",
            "gap_is_large", "wasted_epochs", "wasted_seconds", "confidence", "chance_of_lower",
            "reason", "evidence", "advice",
        }  # fmt: skip
        assert 0 <= verdict.confidence <= 1


def test_no_reason_lacks_a_number(judged):
    for _, verdict in judged:
        assert "unknown value" not in verdict.reason + verdict.advice


def test_history_from_keras_gives_keras_names_and_epochs_from_zero():
    frame = history_from_keras({"train/loss": [1, 0.5], "eval/loss": ["NaN", None], "acc": [0, 1]})
    assert list(frame.columns) == ["loss", "val_loss", "accuracy"]
    assert list(frame.index) == [0, 1]
    assert frame["val_loss"].isna().all()
    kept = history_from_keras({"train_eval_loss": [1.0], "training_loss": [1.0]})
    assert list(kept.columns) == ["train_eval_loss", "loss"]


def test_a_shorter_list_was_measured_every_nth_epoch():
    frame = history_from_keras({"loss": list(range(11)), "val_loss": [1, 2, 3]})
    assert list(frame["val_loss"].dropna().index) == [2, 5, 8]


def test_an_epoch_that_was_not_validated_any_more_is_left_out():
    frame = history_from_keras({"loss": FALLING, "val_loss": LEVELLED[:-1]})
    assert len(frame) == 14
    assert diagnose(frame).label == Label.good_fit


@pytest.mark.parametrize(
    "received",
    [
        None, [1, 2], "text", {}, {"loss": []}, {"loss": 3}, {"loss": "abc"}, {"loss": ["a"]},
        {"loss": [[1, 2]]}, {"loss": {"a": 1}}, {"history": {"loss": [1]}}, {"loss": [True]},
        {"loss": [1, 2, 3, 4, 5, 6, 7], "val_loss": [1, 2, 3, 4, 5]},
        {"loss": [1, 2], "epoch": [1, 1]}, {"epoch": [0, 1]},
    ],
)  # fmt: skip
def test_what_is_no_history_is_refused_with_what_to_do(received):
    with pytest.raises(HistoryError, match="Received"):
        history_from_keras(received)


def test_diagnose_refuses_what_is_no_dataframe_of_numbers():
    with pytest.raises(HistoryError, match="history_from_keras"):
        diagnose({"loss": [1, 2]})
    with pytest.raises(HistoryError, match="'loss'"):
        diagnose(pd.DataFrame({"loss": ["a", "b"], "val_loss": [1, 2]}))


def test_labels_that_are_partly_chance_are_no_underfitting_once_training_goes_beyond_validation():
    t = np.arange(60)
    noise = np.random.default_rng(1).normal(0, 0.004, (2, 60))
    train = 0.525 + 0.15 * np.exp(-t / 6) + noise[0]
    validation = 0.585 + 0.1 * np.exp(-t / 6) + noise[1]
    frame = pd.DataFrame({"loss": train, "train_eval_loss": train, "val_loss": validation})
    verdict = diagnose(frame, constant_loss=0.693)
    assert (verdict.label, verdict.evidence["rule"]) == (Label.good_fit, "noise_is_left")
    assert "noise in the data" in verdict.reason
    alike = frame.assign(val_loss=train + 0.005)
    assert diagnose(alike, constant_loss=0.693).label is Label.underfitting
    useless = frame.assign(val_loss=0.69 + noise[1])
    assert diagnose(useless, constant_loss=0.693).label is not Label.good_fit


def test_the_advice_names_the_best_epoch_of_the_verdict(judged, simulated):
    for _, verdict in judged + simulated:
        if "weights of epoch" in verdict.advice:
            assert f"epoch {verdict.best_epoch}" in verdict.advice
