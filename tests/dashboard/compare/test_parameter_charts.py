"""What results depend on: scatter, Pareto front, parallel coordinates, importance."""

import math

import numpy as np
import pandas as pd
import pytest

from dashboard.chart.ranges import robust_range, round_ticks
from dashboard.compare.columns import run_table
from dashboard.compare.importance import FEWEST_RUNS, importance
from dashboard.compare.importance_chart import importance_figure
from dashboard.compare.parallel import MOST, parallel_figure, parallel_runs
from dashboard.compare.scatter import pareto, scatter_figure, scatter_points
from experiments.diagnosis.histories import Histories
from tests.support.comparing_runs import make_run

NOTHING_READ = Histories({})


def sweep(count: int = 60, noise: float = 0.02) -> list:
    """Loss falls with the rate and with gelu, the gap with dropout; the seed does nothing."""
    random = np.random.default_rng(0)
    runs = []
    for i in range(count):
        rate, drop = 10 ** random.uniform(-4, -1), random.uniform(0, 0.6)
        act = str(random.choice(["relu", "gelu"]))
        loss = 1.0 - 0.25 * (np.log10(rate) + 4) / 3 - 0.1 * (act == "gelu")
        params = {
            "training.learning_rate": f"{rate:.3e}", "model.activation": act, "seed": str(i),
            "model.dropout": f"{drop:.2f}", "training.epochs": "30", "copy_of_rate": f"{rate:.3e}",
        }  # fmt: skip
        metrics = {
            "best_val_loss": loss + random.normal(0, noise),
            "gap": 0.5 - drop / 2 + random.normal(0, noise),
        }
        if drop > 0.5:
            del params["model.dropout"]
            metrics["gap"] = 0.1
        runs.append(make_run(f"run {i}", params, metrics))
    return runs


@pytest.fixture(scope="module")
def runs() -> list:
    return sweep()


@pytest.fixture(scope="module")
def targets(runs) -> dict[str, pd.Series]:
    ids = [run.id for run in runs]
    return {
        name: pd.Series([run.metrics[name] for run in runs], index=ids, name=name)
        for name in ("best_val_loss", "gap")
    }


def slow_front(x, y) -> list[bool]:
    points = list(zip(x, y, strict=True))
    return [not any((a <= c and b <= d) and (a < c or b < d) for a, b in points) for c, d in points]


def test_the_front_is_what_no_other_point_beats():
    random = np.random.default_rng(0)
    for _ in range(50):
        x, y = random.integers(0, 6, (2, 30)).astype(float)
        assert pareto(x, y, "lower", "lower").tolist() == slow_front(x, y)
        assert pareto(x, y, "higher", "lower").tolist() == slow_front(-x, y)


def test_a_run_that_broke_is_on_no_front():
    x, y = np.array([1.0, np.nan, -np.inf, 2.0]), np.array([1.0, 0.0, 0.0, np.inf])
    assert pareto(x, y, "lower", "lower").tolist() == [True, False, False, False]
    assert not len(pareto(np.empty(0), np.empty(0), "lower", "lower"))


def test_a_range_is_not_ruined_by_runs_that_diverged():
    values = np.array([*np.linspace(0.2, 0.4, 50), 1e6, np.inf, np.nan])
    scale = robust_range(values)
    assert (scale.low, scale.high, scale.log) == (0.2, 0.4, False)
    assert scale.outside(values).sum() == 2
    assert scale.clip(values)[-2] == 0.4
    assert robust_range(np.array([1e-4, 1e-1])).log
    assert robust_range(np.array([np.nan])).low < robust_range(np.array([])).high


def test_ticks_are_round_and_inside():
    assert round_ticks(0.13, 0.92) == pytest.approx([0.2, 0.4, 0.6, 0.8])
    assert round_ticks(3, 3) == [3]


def test_a_scatter_has_numbers_words_and_the_front(runs):
    table = run_table(runs, NOTHING_READ, ["best val_loss", "duration", "params.model.activation"])
    points = scatter_points(table, "best val_loss", "duration")
    assert len(points.run_ids) == len(runs)
    assert points.front.sum() == 1  # all took as long
    words = scatter_points(table, "params.model.activation", "best val_loss")
    assert words.x_scale.categories == ["gelu", "relu"]
    assert not words.front.any()
    scatter_figure(points, runs)
    scatter_figure(words, runs)


def test_settings_over_decades_are_on_a_log_axis_and_diverged_runs_at_the_edge(runs):
    broken = make_run("broken", {"training.learning_rate": "1"}, {"best_val_loss": 1e9})
    table = run_table([*runs, broken], NOTHING_READ,
                      ["params.training.learning_rate", "best val_loss"])  # fmt: skip
    points = scatter_points(table, "params.training.learning_rate", "best val_loss")
    assert points.x_scale.range.log and points.x_scale.range.high == 1
    assert points.at_edge.tolist() == [False] * len(runs) + [True]
    assert points.y.max() < 2
    assert points.told[-1][1] == "1.000e9"


def test_parallel_scales_keep_to_most_runs_and_have_a_place_for_what_is_missing(runs):
    broken = make_run("broken", {"model.activation": "tanh"}, {"best_val_loss": 1e9})
    names = ["params.training.learning_rate", "params.model.dropout", "params.model.activation"]
    table = run_table([*runs, broken, make_run("no loss")], NOTHING_READ, [*names, "best val_loss"])
    found = parallel_runs(table, names, "best val_loss")
    assert found.left_out == 1 and len(found.run_ids) == len(runs) + 1
    rate, drop, act, loss = found.dimensions
    assert loss.high < 2 and loss.places[-1] == loss.high
    assert rate.high == pytest.approx(math.log10(max(table[names[0]])))
    assert drop.labels[0] == "–" and drop.places[-1] == drop.low < 0
    assert act.labels == ["gelu", "relu", "tanh"]
    parallel_figure(found)


def test_no_more_scales_than_can_be_read(runs):
    names = [f"params.p{i}" for i in range(20)]
    many = [make_run(str(i), {name[7:]: str(i) for name in names}, run.metrics)
            for i, run in enumerate(runs)]  # fmt: skip
    found = parallel_runs(
        run_table(many, NOTHING_READ, [*names, "best val_loss"]), names, "best val_loss"
    )
    assert len(found.dimensions) == MOST
    assert found.not_shown == names[MOST - 1 :]


def test_importance_finds_what_the_loss_and_the_gap_depend_on(runs, targets):
    loss, gap = importance(runs, targets["best_val_loss"]), importance(runs, targets["gap"])
    assert not loss.problem and loss.fit > 0.7
    assert list(loss.table["title"])[:2] == ["copy of rate, learning rate", "activation"]
    assert loss.table["direction"].tolist()[:2] == [
        "more lowers it", "lowest with gelu, highest with relu",
    ]  # fmt: skip
    assert loss.table.loc["seed", "importance"] < 0.05
    assert gap.table.index[0] == "model.dropout"
    assert gap.table["direction"].iloc[0] == "more lowers it"
    assert gap.table["importance"].iloc[0] > 10 * gap.table["importance"].iloc[1:].max()
    assert "training.epochs" not in loss.table.index
    figure = importance_figure([loss, gap])
    assert len(figure.data) == 2


def test_importance_cannot_tell_from_few_runs_nor_from_chance(runs, targets):
    few = importance(runs[: FEWEST_RUNS - 1], targets["gap"])
    assert "at least 10" in few.problem and few.table.empty
    chance = pd.Series(
        np.random.default_rng(1).normal(size=len(runs)), [run.id for run in runs], name="gap"
    )
    assert "cannot be predicted" in importance(runs, chance).problem
    assert "do not differ" in importance(
        [make_run(str(i)) for i in range(12)],
        pd.Series(range(12), [f"id-of-{i}" for i in range(12)], dtype=float, name="gap"),
    ).problem  # fmt: skip
    assert not importance_figure([few]).data


def test_a_run_that_diverged_does_not_drown_the_others(runs, targets):
    loss = targets["best_val_loss"].copy()
    loss.iloc[0], loss.iloc[1], loss.iloc[2] = 1e12, np.inf, np.nan
    found = importance(runs, loss)
    assert found.runs == len(runs) - 1
    assert found.table["title"].iloc[0] == "copy of rate, learning rate"
