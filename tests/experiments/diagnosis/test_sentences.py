"""Every statement of a verdict, held against the numbers of the history that it is about."""

import re
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest

from experiments.diagnosis import Label, Verdict, diagnose
from tests.support.made_histories import cases
from tests.support.simulated_trainings import trainings

NUMBER = r"(-?\d[\d.]*(?:e[+-]?\d+)?)(?<!\.)"
#: Two numbers of which the first is the greater: what is said to come down.
DOWN = (
    rf"came down from {NUMBER} to (?:about )?{NUMBER}",
    rf"loss fell from {NUMBER} to {NUMBER}",
    rf"\)? fell from {NUMBER} to {NUMBER}",
)
#: ... and of which it is the smaller.
UP = (
    rf"lowest at about {NUMBER} and ended at {NUMBER}",
    rf"lowest at about {NUMBER} and had risen to {NUMBER}",
    rf"to about {NUMBER} and went back up to {NUMBER}",
    rf"to about {NUMBER} and has leveled off; it ended at {NUMBER}",
    rf"shot up from {NUMBER} to {NUMBER}",
    rf"the training loss was {NUMBER} and the validation loss {NUMBER}",
)
HIGHER = (
    rf"lowest at about {NUMBER} and ended at {NUMBER}, {NUMBER} % higher",
    rf"lowest at about {NUMBER} and had risen to {NUMBER} by epoch \d+, {NUMBER} % higher",
    rf"to about {NUMBER} and has leveled off; it ended at {NUMBER}, {NUMBER} % higher",
)
NOT_DOWN = rf"(?:did not come down|never came down): it began at {NUMBER} and ended at {NUMBER}"


def wandering(count: int) -> Iterator[pd.DataFrame]:
    """Histories of no particular kind: random walks, constants, offsets, negative losses,
    accuracies, gaps and few epochs."""
    rng = np.random.default_rng(11)
    for i in range(count):
        n = int(rng.choice([1, 2, 4, 5, 6, 8, 12, 20, 45, 90]))
        steps = rng.normal(-0.05, 0.3, size=(2, n)) * rng.choice([0.0, 0.1, 1.0])
        loss, val_loss = np.exp(np.cumsum(steps, axis=1))
        if i % 13 == 0:
            loss, val_loss = np.exp(rng.normal(0, 1, size=(2, n)))
        offset = float(rng.choice([0.0, 0.0, 0.0, -3.0, 50.0, 1000.0]))
        frame = pd.DataFrame({"loss": loss + offset, "val_loss": val_loss + offset})
        if i % 5 == 0:
            frame = pd.DataFrame({"accuracy": np.exp(-loss), "val_accuracy": np.exp(-val_loss)})
        if i % 7 == 0:
            frame = frame.mask(rng.random(frame.shape) < 0.1)
        if i % 11 == 0:
            frame = frame.iloc[:, 1:]
        frame.index.name = "epoch"
        yield frame


@pytest.fixture(scope="module")
def told() -> list[tuple[pd.DataFrame, Verdict]]:
    histories = [
        *((case.history, case.constant_loss) for case in cases(seed=31, count=2000)),
        *((case.history, case.constant_loss) for case in trainings(seed=32, count=1500)),
        *((history, None) for history in wandering(3000)),
    ]
    return [(history, diagnose(history, constant_loss=known)) for history, known in histories]


def pairs(told, patterns) -> Iterator[tuple[str, float, float]]:
    for _, verdict in told:
        for pattern in patterns:
            for found in re.finditer(pattern, verdict.reason):
                yield verdict.reason, float(found[1]), float(found[2])


def test_what_came_down_ended_lower(told):
    found = list(pairs(told, DOWN))
    assert len(found) > 1000
    assert not [text for text, before, after in found if before <= after]


def test_what_rose_ended_higher(told):
    found = list(pairs(told, UP))
    assert len(found) > 500
    assert not [text for text, before, after in found if before >= after]


def test_what_did_not_come_down_did_not(told):
    found = list(pairs(told, [NOT_DOWN]))
    assert len(found) > 20
    assert not [text for text, before, after in found if after < before - 0.11 * abs(before)]


def test_a_rise_in_per_cent_is_that_of_its_two_numbers(told):
    checked = 0
    for _, verdict in told:
        for pattern in HIGHER:
            for found in re.finditer(pattern, verdict.reason):
                low, end, said = (float(found[k]) for k in (1, 2, 3))
                assert 100 * (end / low - 1) == pytest.approx(said, rel=0.02, abs=0.3), verdict
                checked += 1
    assert checked > 300


def test_no_number_is_beyond_reason(told):
    for history, verdict in told:
        text = verdict.reason + " " + verdict.advice
        shares = [float(n) for n in re.findall(rf"{NUMBER} %", text)]
        assert all(0 <= share <= 400 for share in shares), text
        assert "unknown value" not in text and "nan" not in text.split()
        for value in verdict.evidence.values():
            if isinstance(value, float) and np.isfinite(history.to_numpy()).all():
                assert abs(value) < 1e9 * max(1.0, float(history.abs().max().max())), verdict


def test_no_other_epoch_is_named_than_the_best_one(told):
    named = 0
    for _, verdict in told:
        known = {verdict.best_epoch, verdict.evidence.get("until_epoch")}
        known.add(verdict.evidence.get("broken_from_epoch"))
        for epoch in re.findall(r"(?<!next )epoch (\d+)", verdict.reason + verdict.advice):
            assert int(epoch) in known, verdict
            named += 1
        for count in re.findall(r"The (\d+) epochs? after", verdict.reason):
            assert int(count) == verdict.wasted_epochs
    assert named > 1000


def test_leveled_off_is_said_of_what_does_not_rise_nor_fall_much(told):
    for _, verdict in told:
        if "leveled off." in verdict.reason and verdict.evidence["val_lowest"] > 0:
            assert verdict.evidence["rise"] < 0.02, verdict


def test_longer_training_is_seldom_advised_where_the_lowest_value_is_long_past(told):
    """It may be one lucky epoch of a curve that falls."""
    past = [
        verdict.best_epoch < 0.4 * history.index[-1]
        for history, verdict in told
        if "Train longer" in verdict.advice and "val_loss" in history
    ]
    assert len(past) > 500
    assert np.mean(past) < 0.01


def test_a_rate_is_never_to_be_raised_where_losses_jump(told):
    unstable = [verdict for _, verdict in told if verdict.label is Label.unstable]
    assert len(unstable) >= 20
    assert not [v.advice for v in unstable if "higher learning rate" in v.advice]
    assert all("Lower the learning rate" in v.advice for v in unstable)
