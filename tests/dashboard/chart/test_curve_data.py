import numpy as np
import pytest

from dashboard.chart.curve_data import (
    COARSE_POINTS,
    ChartCurve,
    coarse,
    quantile_bands,
    robust_range,
    thinned,
)


def curve(y, run_id="a"):
    y = np.asarray(y, dtype=float)
    return ChartCurve(run_id, run_id, "#3b82f6", "validation", np.arange(len(y), dtype=float), y)


def fits(count, low=0.3, high=2.3):
    return [curve(np.linspace(high + 0.01 * i, low, 20), str(i)) for i in range(count)]


def test_range_of_curves_that_are_alike_is_all_of_their_values():
    assert robust_range(fits(50)) == (0.3, 2.3 + 0.49, False)


def test_range_of_one_curve_is_never_cut():
    assert robust_range([curve([1e9, 3.0, 0.1])]) == (0.1, 1e9, False)


@pytest.mark.parametrize("healthy", [1, 5, 100])
def test_diverged_curve_does_not_flatten_the_others(healthy):
    shown = robust_range([*fits(healthy), curve([2.3, 5.0, 1e12], "diverged")])
    assert shown.cut
    assert shown.high < 3.5
    assert shown.low == 0.3


def test_half_of_the_curves_may_diverge():
    diverged = [curve([2.3, 1e5 * (i + 1)], f"d{i}") for i in range(20)]
    assert robust_range([*fits(20), *diverged]).high < 10


def test_nan_and_infinity_count_for_nothing():
    assert robust_range([curve([np.nan, 1.0, 2.0, np.inf, -np.inf])]) == (1.0, 2.0, False)
    assert robust_range([curve([np.nan])]) == (0.0, 1.0, False)
    assert robust_range([]) == (0.0, 1.0, False)


def test_two_runs_on_different_levels_are_both_shown():
    assert robust_range([curve([2.0, 1.0]), curve([20.0, 10.0], "b")]) == (1.0, 20.0, False)


def test_downward_outlier_is_cut_as_well():
    shown = robust_range([*(curve([0.1, 0.9]) for _ in range(20)), curve([0.1, -1e6], "r2")])
    assert (shown.low, shown.cut) == (0.1, True)


def test_log_range_leaves_out_zero_and_keeps_the_smallest():
    shown = robust_range([*fits(20), curve([2.3, 0.0, 1e-9], "best")], log=True)
    assert shown.low == pytest.approx(1e-9)
    assert not shown.cut


def test_log_range_cuts_what_diverged():
    shown = robust_range([*fits(20), curve([2.3, 1e30], "diverged")], log=True)
    assert shown.cut
    assert shown.high < 10


def test_curves_of_equal_constant_values_have_a_range():
    assert robust_range([curve([1.0, 1.0]) for _ in range(30)]) == (1.0, 1.0, False)


def test_bands_are_the_quantiles_of_the_curves():
    wide, narrow = quantile_bands([curve(np.full(10, float(i)), str(i)) for i in range(101)])
    assert (wide.low[0], wide.high[0]) == (5, 95)
    assert (narrow.low[0], narrow.middle[0], narrow.high[0]) == (25, 50, 75)
    assert wide.runs == 101


def test_bands_count_a_curve_only_where_it_has_values():
    wide, _ = quantile_bands([curve([1.0, 1.0]), curve([1.0, 1.0, 5.0], "longer")])
    assert wide.middle.tolist()[-1] == 5.0


def test_bands_of_curves_with_their_own_x_have_few_columns():
    random = np.random.default_rng(0)
    curves = [
        curve(np.ones(300), str(i))._replace(x=np.cumsum(random.uniform(1, 2, 300)))
        for i in range(9)
    ]
    assert len(quantile_bands(curves)[0].x) <= 120


def test_coarse_curve_keeps_its_end_and_stays_even():
    thin = coarse(curve(np.arange(1000.0)))
    assert len(thin.y) <= COARSE_POINTS
    assert thin.y[-1] == 999
    assert len(set(np.diff(thin.x))) == 1


def test_thinned_curve_keeps_extremes_and_ends():
    y = np.sin(np.arange(10_001) / 50.0)
    y[1234], y[8765], y[-1] = 7.0, -7.0, np.nan
    thin = thinned(curve(y), 500)
    assert len(thin.y) <= 530
    assert (np.nanmax(thin.y), np.nanmin(thin.y)) == (7.0, -7.0)
    assert thin.x[0] == 0 and np.isnan(thin.y[-1])
    assert (np.diff(thin.x) > 0).all()


def test_short_curve_is_not_thinned():
    y = np.arange(100.0)
    assert len(thinned(curve(y), 500).y) == 100
