"""Arrays with numbers that float32 cannot tell apart: that is told, and costs hardly anything."""

import numpy as np
import pytest

from experiments.data.reading.arrays import array_steps
from experiments.data.reading.reader import ReadOptions
from experiments.data.reading.storing import look_into

RANDOM = np.random.default_rng(0)
LABELS = np.arange(60) % 3


@pytest.fixture
def notes(tmp_path):
    def notes_of(wanted=ReadOptions(), **arrays):  # noqa: B008
        np.savez(tmp_path / "data.npz", **arrays)
        plan = look_into(tmp_path / "data.npz", wanted)[1]
        return [note for note in plan.notes if "in steps of" in note]

    return notes_of


@pytest.mark.parametrize(
    ("values", "step", "left"),
    [
        (np.arange(60) + 2**40, "131,072", 1),
        (np.arange(60) + 2**40.0, "131,072", 1),
        (np.arange(60, dtype="int32") + 2**30, "128", 1),
        ((np.arange(60) + 2**40).astype(">i8"), "131,072", 1),
        (np.arange(60, dtype="uint64") + 2**63, "1,099,511,627,776", 1),
        (1e8 + np.arange(60) * 0.25, "8", 3),
        (np.arange(60) * 1e-50, "1.4013e-45", 1),
    ],
)
def test_values_of_a_feature_that_become_equal_are_told(notes, values, step, left):
    rows = np.stack([np.arange(60).astype(values.dtype), values], axis=1)
    (note,) = notes(x=rows, y=LABELS)
    assert note.startswith(f"x1 is stored in steps of {step}, all that float32 can tell apart")
    assert f"60 different values become {left}" in note


def test_an_outlier_does_not_hide_them(notes):
    times = RANDOM.integers(0, 1000, 60) + 2**40
    times[5] = 0
    assert notes(x=times.reshape(-1, 1), y=LABELS)


def test_features_have_their_names_and_many_are_not_all_listed(notes):
    rows = np.arange(60).reshape(60, 1) + np.full((60, 13), 2**40)
    named = notes(x=rows, y=LABELS, feature_names=np.array([f"f{n}" for n in range(13)]))
    assert named[0].startswith("f0 is") and len(named) == 11
    assert (
        named[-1] == "The same applies to 3 more features: they are stored in steps of their own."
    )


@pytest.mark.parametrize(
    "x",
    [
        RANDOM.normal(size=(60, 2)), RANDOM.integers(0, 2**24, (60, 2)),
        np.full((60, 2), 2**40 + 1), np.array([[np.nan, 0.1], [0.1, 0.2]] * 30),
        (RANDOM.normal(size=(60, 2)) + 1e6).astype("float32"), RANDOM.normal(size=(60, 6, 6)),
        np.full((60, 6, 6), 0.1), RANDOM.integers(0, 9, (60, 2)) > 4,
        1.7e9 + RANDOM.integers(0, 10**8, (60, 2)),
    ],
)  # fmt: skip
def test_nothing_is_told_where_nothing_that_matters_is_lost(notes, x):
    assert notes(x=x, y=LABELS) == []
    assert notes(x=x, y=RANDOM.normal(size=60)) == []


def test_pixels_that_become_equal_are_told_together(notes):
    (note,) = notes(x=RANDOM.integers(0, 256, (60, 6, 6)) + 2**30, y=LABELS)
    assert note.startswith("The pixels are stored in steps of 128, all that float32")


def test_targets_of_a_regression_that_become_equal_are_told(notes):
    x = np.zeros((30, 2))
    (note,) = notes(x=x, y=2**40 + np.arange(30) * 7)
    assert note.startswith("y is stored in steps of 131,072") and "become 1" in note
    assert notes(x=np.zeros((60, 2)), y=LABELS + 2**40, wanted=ReadOptions()) == []  # classes


def test_times_that_become_equal_are_told(notes):
    times = 1_700_000_000_000_000_000 + np.arange(60)
    (note,) = notes(x=np.zeros((60, 2)), y=LABELS, t=times, wanted=ReadOptions(time="t"))
    assert note.startswith("t is stored in steps of 256, all that float64 can tell apart")
    assert notes(x=np.zeros((60, 2)), y=LABELS, t=times // 1000, wanted=ReadOptions(time="t")) == []


def test_of_many_rows_some_are_looked_at_wherever_they_are(notes):
    rows = np.zeros((50_000, 3))
    rows[:, 1] = np.arange(50_000) + 2**40
    (note,) = notes(x=rows, y=np.arange(50_000) % 2)
    assert note.startswith("x1 is") and "1,000 different values" in note


def test_what_is_looked_at_stays_small():
    sample = array_steps.StepSample(100_000, 10_000, np.dtype("f8"), np.dtype("f4"))
    assert len(sample.rows) * 10_000 <= array_steps.MOST_NUMBERS
