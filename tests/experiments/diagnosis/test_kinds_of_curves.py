"""Curves that a simple rule gets wrong: each gets its own verdict."""

import numpy as np
import pytest

from experiments.diagnosis import Label, diagnose
from tests.support.drawn_curves import FALLING, LEVELLED, TURNING, history

EPOCHS = np.arange(40)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_losses_that_jump_are_unstable_and_the_rate_is_named_first(seed):
    noise = np.random.default_rng(seed)
    both = history(2.3 * np.exp(noise.normal(0, 1.2, 40)), 2.3 * np.exp(noise.normal(0, 1.3, 40)))
    falling = 2.3 * np.exp(-EPOCHS / 15)
    validation = history(falling, falling * np.exp(noise.normal(0, 1, 40)))
    for frame, rule in ((both, "training_jumps"), (validation, "validation_jumps")):
        verdict = diagnose(frame)
        assert (verdict.label, verdict.evidence["rule"]) == (Label.unstable, rule)
        assert verdict.advice.startswith("Lower the learning rate")


def test_a_sawtooth_is_unstable_and_an_explosion_diverged():
    assert diagnose(history([1.0, 3.0] * 15, [1.2, 3.5] * 15)).label is Label.unstable
    assert diagnose(history(10.0 ** np.arange(30), 10.0 ** np.arange(30))).label is Label.diverged


def test_one_late_dip_does_not_hide_that_validation_rises_while_training_falls():
    loss = [0.745, 0.618, 0.547, 0.485, 0.449, 0.417, 0.401, 0.337, 0.328, 0.315]
    val_loss = [1.16, 0.65, 0.43, 0.492, 0.582, 0.683, 0.792, 0.681, 0.763, 0.549]
    assert diagnose(history(loss, val_loss)).label is Label.overfitting


def test_a_rise_of_a_large_multiple_is_no_noise():
    val_loss = [0.01, 0.0012, *np.exp(np.random.default_rng(3).normal(-2.5, 0.25, 30))]
    verdict = diagnose(history(np.exp(-np.arange(32) / 6), val_loss))
    assert verdict.label is Label.overfitting
    assert "%" not in verdict.reason


def test_a_constant_in_the_loss_hides_no_overfitting():
    val_loss = 1.8 * np.exp(-EPOCHS / 4) + 0.05 * np.clip(EPOCHS - 10, 0, None)
    loss = 1.8 * np.exp(-EPOCHS / 6)
    for offset in (0.2, 1000.2, -100):
        assert diagnose(history(loss + offset, val_loss + offset)).label is Label.overfitting


def test_a_validation_loss_in_another_unit_is_judged_by_itself():
    falling = 1.8 * np.exp(-EPOCHS / 6)
    verdict = diagnose(history(falling + 0.05, 1000 * (falling + 0.1)))
    assert (verdict.label, verdict.gap_is_large) == (Label.good_fit, False)


def test_a_restart_of_the_learning_rate_is_no_overfitting():
    cycle = 0.5 * (1 + np.cos(np.pi * np.arange(20) / 19))
    losses = np.concatenate([0.3 + 2 * cycle, 0.2 + cycle, (0.15 + 0.8 * cycle)[:4]])
    assert diagnose(history(0.8 * losses, losses)).label is Label.cant_tell
    assert diagnose(history(0.8 * losses[:40], losses[:40])).label in (
        Label.good_fit, Label.still_improving,
    )  # fmt: skip


def test_overfitting_is_named_of_a_run_that_went_off_later():
    verdict = diagnose(history([*FALLING, 2.1, 2.2, 2.3], [*TURNING, 2.3, 2.3, 2.3]))
    assert verdict.label is Label.overfitting
    assert "had risen to 1.3 by epoch 14" in verdict.reason
    assert verdict.reason.count("training itself went off") == 1


def test_training_alone_is_overfitting():
    verdict = diagnose(history(1.8 * np.exp(-EPOCHS / 6) + 0.05, np.full(40, 1.8)))
    assert (verdict.label, verdict.evidence["rule"]) == (Label.overfitting, "training_alone")


def test_a_model_that_was_good_from_the_start_is_no_failure_of_the_validation():
    loss = 0.05 + 0.6 * np.exp(-np.arange(12) / 3)
    val_loss = np.full(12, 0.21) + 0.002 * np.sin(np.arange(12))
    assert diagnose(history(loss, val_loss), constant_loss=0.69).label is not Label.cant_tell


def test_a_wide_gap_is_told_beside_a_good_fit():
    loss = 0.005 + 2 * np.exp(-EPOCHS / 4)
    val_loss = 0.334 + 1.8 * np.exp(-EPOCHS / 4)
    verdict = diagnose(history(loss, val_loss))
    assert (verdict.label, verdict.gap_is_large) == (Label.good_fit, True)
    assert "The gap is large" in verdict.reason
    assert "closer" in verdict.advice
    assert verdict.gap_at_best == pytest.approx(0.329, abs=0.001)
    close = diagnose(history(val_loss - 0.02, val_loss))
    assert not close.gap_is_large
    assert "gap" not in close.reason


def test_the_error_of_the_gap_is_that_of_the_samples_where_it_was_recorded():
    loss, val_loss = 0.1 + np.exp(-EPOCHS / 4), 0.3 + np.exp(-EPOCHS / 4)
    known = history(
        loss, val_loss, train_eval_loss=loss, se_val_loss=np.full(40, 0.4),
        se_train_eval_loss=np.full(40, 0.3),
    )  # fmt: skip
    verdict = diagnose(known)
    assert verdict.gap_error == pytest.approx(0.5)
    assert not verdict.gap_is_large
    assert diagnose(known.drop(columns=["se_val_loss"])).gap_is_large


def test_a_split_that_makes_validation_worthless_is_part_of_the_verdict():
    fault = "The file is sorted by class, and its last part validates."
    verdict = diagnose(history(FALLING, LEVELLED), split_faults=[fault])
    assert (verdict.label, verdict.evidence["rule"]) == (Label.cant_tell, "validation_worthless")
    assert fault in verdict.reason
    overfitted = diagnose(history(FALLING, TURNING), split_faults=[fault])
    assert overfitted.label is Label.overfitting
    assert fault in overfitted.reason


def test_underfitting_that_still_falls_is_told_to_go_on_first():
    line = np.linspace(3.5, 2.9, 12) - 0.02 * np.arange(12)
    verdict = diagnose(history(line, line))
    assert verdict.label is Label.underfitting
    assert verdict.advice.startswith("It is still coming down, so go on first")
    flat = diagnose(history(np.full(12, 3.5), np.full(12, 3.5)))
    assert "go on first" not in flat.advice
