"""Axes, smoothing and bands of a comparison."""

import numpy as np
import pytest

from dashboard.compare.curve_axes import positions
from dashboard.compare.curve_smoothing import smooth, smooth_many
from dashboard.compare.grouping import SPREADS, bands, group_runs
from experiments.diagnosis.histories import Histories, Points
from tests.support.comparing_runs import BEGAN_MS, make_histories, make_run, points

FACTORS = (0.1, 0.6, 0.9, 0.99)


@pytest.fixture
def noisy() -> np.ndarray:
    return 0.5 + np.exp(-np.arange(300) / 40) + np.random.default_rng(0).normal(0, 0.05, 300)


@pytest.mark.parametrize("factor", FACTORS)
def test_a_straight_line_and_a_constant_stay_what_they_are_to_the_last_point(factor):
    line = 3.0 - 0.02 * np.arange(100)
    assert smooth(line, factor) == pytest.approx(line, abs=1e-9)
    assert smooth(np.full(7, 0.3), factor) == pytest.approx(np.full(7, 0.3), abs=1e-12)
    assert smooth(np.array([4.0]), factor) == pytest.approx([4.0])


@pytest.mark.parametrize("factor", FACTORS)
def test_nan_and_infinity_stay_where_they_are_and_spoil_nothing_beside(factor):
    line = np.arange(50.0)
    broken = line.copy()
    broken[[0, 10, 11, 49]] = np.nan
    broken[30] = np.inf
    smoothed = smooth(broken, factor)
    assert np.array_equal(np.isnan(smoothed), np.isnan(broken))
    assert np.isposinf(smoothed[30])
    known = np.isfinite(broken)
    assert smoothed[known] == pytest.approx(line[known], abs=1e-8)


def test_the_end_is_where_the_run_ended_and_not_where_it_was_before(noisy):
    falling = 2.0 - 0.01 * np.arange(100) + np.random.default_rng(1).normal(0, 0.02, 100)
    ours = smooth(falling, 0.9)[-1]
    backward = falling[0]
    for value in falling[1:]:  # TensorBoard's
        backward = 0.9 * backward + 0.1 * value
    assert abs(ours - 1.01) < 0.03
    assert backward - 1.01 > 0.06
    assert abs(smooth(noisy, 0.9)[-1] - noisy[-30:].mean()) < 0.05


def test_more_smoothing_leaves_less_noise_and_none_leaves_the_curve(noisy):
    def roughness(factor: float) -> float:
        return float(np.abs(np.diff(smooth(noisy, factor))).mean())

    assert roughness(0.99) < roughness(0.9) < roughness(0.5) < roughness(0.0)
    assert np.array_equal(smooth(noisy, 0.0), noisy)


def test_no_smoothed_value_leaves_the_range_of_its_curve():
    steep = np.array([10.0, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1])
    assert smooth(steep, 0.8).min() >= 0.1


def test_many_curves_of_any_length_are_smoothed_as_each_alone(noisy):
    curves = [noisy[: 20 + i % 100] for i in range(1000)]
    together = smooth_many(curves, 0.9)
    assert [len(curve) for curve in together] == [len(curve) for curve in curves]
    for i in (0, 1, 99, 500):
        assert together[i] == pytest.approx(smooth(curves[i], 0.9), abs=1e-12)
    assert smooth_many([], 0.9) == []


def test_steps_are_batches_where_their_number_is_known_and_as_logged_elsewhere():
    run = make_run("a", {"training.batch_size": "32"}, {"train_samples": 100.0})
    histories = make_histories({run.id: {"loss": [3.0, 2.0, 1.0]}})
    assert positions(run, histories, "loss", "epoch").tolist() == [0, 1, 2]
    assert positions(run, histories, "loss", "step").tolist() == [4, 8, 12]
    assert positions(make_run("a"), histories, "loss", "step").tolist() == [0, 1, 2]
    logged = {run.id: {"loss": np.array([99, 199, 299])}}
    foreign = Histories({run.id: {"loss": points([3.0, 2.0, 1.0])}}, logged)
    assert positions(run, foreign, "loss", "step").tolist() == [99, 199, 299]


def test_training_time_leaves_out_pauses_where_seconds_were_recorded():
    run = make_run("a")
    paused = Points(
        np.arange(3), np.array([3.0, 2.0, 1.0]), BEGAN_MS + np.array([2000, 4000, 900_000])
    )
    seconds = points([1.5, 1.5, 2.0])
    with_seconds = Histories({run.id: {"loss": paused, "epoch_seconds": seconds}})
    assert positions(run, with_seconds, "loss", "training time").tolist() == [1.5, 3.0, 5.0]
    without = Histories({run.id: {"loss": paused}})
    assert positions(run, without, "loss", "training time").tolist() == [2.0, 4.0, 900.0]
    assert positions(run, without, "loss", "date").tolist() == paused.times.tolist()


def test_groups_have_the_same_values_in_order_of_size():
    runs = [
        make_run(f"{rate} {seed}", {"training.learning_rate": rate, "seed": str(seed)})
        for rate in ("0.1", "1e-2", "0.01", "2")
        for seed in (1, 2)
    ]
    groups = group_runs([*runs, make_run("foreign")], ["training.learning_rate"])
    assert [group.label for group in groups] == [
        "learning rate 1e-2", "learning rate 0.1", "learning rate 2", "learning rate –",
    ]  # fmt: skip
    assert [len(group.runs) for group in groups] == [4, 2, 2, 1]
    assert [group.label for group in group_runs(runs, [])] == ["all runs"]


def test_a_band_counts_each_run_as_far_as_it_goes():
    runs = [make_run("a"), make_run("b"), make_run("empty")]
    histories = make_histories(
        {runs[0].id: {"loss": [1.0, 2.0, 3.0]}, runs[1].id: {"loss": [3.0, np.nan]}}
    )
    band = bands(runs, histories, "loss", "epoch", "lowest to highest")
    assert band.x.tolist() == [0, 1, 2]
    assert band.counts.tolist() == [2, 1, 1]
    assert band.mean.tolist() == [2.0, 2.0, 3.0]
    assert (band.low.tolist(), band.high.tolist()) == ([1.0, 2.0, 3.0], [3.0, 2.0, 3.0])
    assert len(bands([], histories, "loss", "epoch", "lowest to highest").x) == 0


def test_spreads_are_the_standard_deviation_and_students_interval():
    runs = [make_run(name) for name in "abcd"]
    values = np.array([1.0, 2.0, 4.0, 5.0])
    histories = make_histories(
        {run.id: {"loss": [value]} for run, value in zip(runs, values, strict=True)}
    )
    deviation = bands(runs, histories, "loss", "epoch", "standard deviation")
    assert deviation.high - deviation.mean == pytest.approx([values.std(ddof=1)])
    interval = bands(runs, histories, "loss", "epoch", "95 % interval")
    assert interval.mean - interval.low == pytest.approx([3.182446 * values.std(ddof=1) / 2])
    for spread in SPREADS:
        alone = bands(runs[:1], histories, "loss", "epoch", spread)
        assert alone.low == alone.mean == alone.high == [1.0]


def test_runs_whose_times_differ_are_read_off_between_their_points():
    runs = [make_run("fast"), make_run("slow")]
    line = np.arange(11.0)
    series = {
        run.id: {"loss": points(10 - seconds * line), "epoch_seconds": points([seconds] * 11)}
        for run, seconds in zip(runs, (1.0, 2.5), strict=True)
    }
    band = bands(runs, Histories(series), "loss", "training time", "lowest to highest")
    # both are 10 + seconds of one epoch - seconds spent
    assert band.counts.max() == 2 and band.counts[-1] == 1
    both = band.counts == 2
    assert (band.high - band.low)[both] == pytest.approx(np.full(both.sum(), 1.5))
