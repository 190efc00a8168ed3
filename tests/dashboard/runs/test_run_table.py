"""The rows of the table of runs."""

import math
import re
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest

from dashboard.runs.index_query import RunFilter, conditions, ordered, passing
from dashboard.runs.run_columns import sparkline
from dashboard.runs.run_table import run_rows, shown
from dashboard.shared.filters import parse_filter
from dashboard.shared.run_summary import best_of, progress_of
from experiments.tracking.history_reader import get_history, to_frame
from experiments.tracking.run_index import read_index
from experiments.tracking.runs import RunStatus, list_runs
from tests.dashboard.conftest import OVERFITTING


@pytest.fixture
def runs(make_run, store):
    make_run(name="oldest", training={"epochs": 50})
    make_run(RunStatus.FAILED, name="broken", history=None, artifacts=False)
    make_run(RunStatus.RUNNING, name="now")
    make_run(RunStatus.SCHEDULED, name="next")
    return list_runs(store)


def test_best_is_the_best_value_and_not_the_last(runs):
    best = best_of(runs[-1])
    assert best.value == max(OVERFITTING["val_accuracy"])
    assert best.epoch == OVERFITTING["val_loss"].index(min(OVERFITTING["val_loss"]))


def test_best_of_a_run_under_way_comes_from_its_history(runs, store):
    running = next(run for run in runs if run.name == "now")
    best = best_of(running, get_history(store, running))
    saved = int(np.argmin(OVERFITTING["val_loss"]))
    assert best.epoch == saved
    assert best.value == pytest.approx(OVERFITTING["val_accuracy"][saved])
    assert best.own == pytest.approx(max(OVERFITTING["val_accuracy"])) != best.value


def test_best_of_an_earlier_run_is_its_own_best_value_where_no_more_is_known(runs):
    ended = next(run for run in runs if run.name == "oldest")
    assert best_of(ended).value == pytest.approx(max(OVERFITTING["val_accuracy"]))


def test_progress_counts_epochs_and_batches(runs):
    progress = {run.name: progress_of(run) for run in runs}
    assert progress["oldest"] == 1
    assert progress["next"] == 0
    assert progress["now"] == pytest.approx((12 + 9 / 45) / 30)


def test_rows_are_indexed_by_id_and_can_be_shown(runs):
    rows = run_rows(runs, {runs[-1].id: to_frame(OVERFITTING)})
    assert list(rows.index) == [run.id for run in runs]
    assert rows["val_loss"].iloc[-1].startswith("data:image/svg+xml")
    assert math.isnan(rows["Best"].iloc[0])
    shown(rows).to_html()


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        (RunFilter(), ["next", "now", "broken", "oldest"]),
        (RunFilter(text="NOW digits"), ["now"]),
        (RunFilter(text="best_val_loss < 9"), ["oldest"]),
        (RunFilter(statuses=["FAILED", "RUNNING"]), ["now", "broken"]),
        (RunFilter(text="broke", statuses=["FAILED", "RUNNING"]), ["broken"]),
        (RunFilter(verdicts=["overfitting"], datasets=["digits"]), ["oldest"]),
    ],
)
def test_filters_are_all_of_their_parts_and_mean_the_same_where_runs_are_compared(
    runs, store, wanted, names
):
    kept = passing(read_index(store), wanted)
    assert [run.name for run in runs if kept[run.id]] == names
    keeps = parse_filter(conditions(wanted))
    assert [run.name for run in runs if keeps(run)] == names


def test_a_missing_best_value_is_sorted_last(runs, store):
    index = read_index(store)
    kept = passing(index, RunFilter())
    names = {run.id: run.name for run in runs}
    by_best = [names[run_id] for run_id in ordered(index, kept, "best val_loss")]
    assert set(by_best[:2]) == {"oldest", "now"}
    by_name = [names[run_id] for run_id in ordered(index, kept, "name")]
    assert by_name == ["broken", "next", "now", "oldest"]


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 1.0], [math.nan, math.inf, 2.0, 1.0]])
def test_a_sparkline_of_little_is_no_error(values):
    drawn = sparkline(pd.Series(values, dtype=float), "#3b82f6")
    finite = [value for value in values if math.isfinite(value)]
    if len(finite) < 2:
        assert drawn == ""
        return
    svg = unquote(drawn.partition(",")[2])
    points = [tuple(map(float, point.split(","))) for point in
              re.search('points="(.*?)"', svg)[1].split()]  # fmt: skip
    assert len(points) == len(finite)
    assert [y for _, y in points] == sorted((y for _, y in points), reverse=finite[0] < finite[-1])
    lowest = points[finite.index(min(finite))]
    assert f'<circle cx="{lowest[0]:.1f}" cy="{lowest[1]:.1f}"' in svg
