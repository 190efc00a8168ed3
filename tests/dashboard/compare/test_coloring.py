"""What the colors of curves stand for, and where overfitting begins in them."""

import numpy as np
import pytest

from dashboard.compare.coloring import (
    BEFORE,
    BY_RUN,
    BY_VERDICT,
    by_group,
    by_param,
    by_run,
    by_verdict,
)
from dashboard.compare.curves_view import Choice, run_curves
from dashboard.shared.components import VERDICT
from tests.support.comparing_runs import make_histories, make_run

RATES = [make_run(f"rate {n}", {"training.learning_rate": f"{10**-n:g}"}) for n in range(1, 4)]
PALETTE = ("#111111", "#222222", "#333333")
CHOICE = Choice(
    metric="loss", kinds=["validation"], axis="epoch", smoothing=0.0, x_log=False, y_log=False,
    by_params=False, group_by=[], spread="standard deviation", color_by=BY_RUN,
)  # fmt: skip


def test_verdicts_have_their_colors_and_counts_and_the_legend_filters():
    labels = {RATES[0].id: "overfitting", RATES[1].id: "good_fit", RATES[2].id: "overfitting"}
    found = by_verdict(RATES, labels)
    assert [(one.key, one.runs) for one in found.legend] == [("overfitting", 2), ("good_fit", 1)]
    assert found.colors[RATES[1].id] == VERDICT["good_fit"].shade
    assert found.shown(RATES, ["overfitting"]) == [RATES[0], RATES[2]]
    assert found.shown(RATES, []) == RATES
    assert found.shown(RATES, ["gone"]) == RATES


def test_a_run_without_a_verdict_is_one_of_the_legend():
    found = by_verdict(RATES[:1], {RATES[0].id: None})
    assert [(one.label, one.runs) for one in found.legend] == [("no verdict", 1)]


def test_every_verdict_has_a_color_of_its_own():
    shades = [sign.shade for sign in VERDICT.values()]
    assert len(set(shades)) == len(VERDICT) == 7


def test_few_values_of_a_parameter_have_a_color_each():
    found = by_param(RATES, "training.learning_rate", PALETTE)
    assert len(found.legend) == len(set(found.colors.values())) == 3
    assert found.legend[0].label == "learning rate 0.001"


def test_many_numbers_are_a_scale():
    runs = [
        make_run(f"run {n}", {"training.learning_rate": f"{10 ** (-n / 4):.6g}"}) for n in range(13)
    ]
    found = by_param(runs, "training.learning_rate", PALETTE)
    assert not found.legend
    assert "logarithmic" in found.scale
    assert found.colors[runs[-1].id] == "#2563eb"
    assert found.colors[runs[0].id] == "#d9640a"
    assert len(set(found.colors.values())) == 13
    without = by_param([*runs, make_run("none")], "training.learning_rate", PALETTE)
    assert without.colors["id-of-none"] == "#64748b"


def test_groups_are_those_of_the_means():
    found = by_group(RATES, ["training.learning_rate"], PALETTE)
    assert sorted(found.colors.values()) == list(PALETTE)


def test_runs_of_other_tools_have_colors_of_their_own():
    theirs = [make_run(f"theirs {n}", tags={"mlflow.source.name": "train.py"}) for n in range(12)]
    assert len(set(by_run(theirs).colors.values())) == 12


@pytest.mark.parametrize("bad", ["", "red", "#12", "red;}</style><script>alert(1)", "#12345G"])
def test_a_bad_color_of_a_run_does_no_harm(bad):
    assert make_run("theirs", tags={"mlflow.runColor": bad}).color.startswith("#")
    assert len(make_run("theirs", tags={"mlflow.runColor": bad}).color) == 7


def test_what_was_before_the_onset_is_pale():
    run = RATES[0]
    histories = make_histories({run.id: {"val_loss": [1.0, 0.5, 0.4, 0.6, 0.9]}})
    colored = by_verdict([run], {run.id: "overfitting"})
    choice = CHOICE._replace(color_by=BY_VERDICT)
    after, before = run_curves([run], histories, choice, colored, {run.id: 2})
    assert (after.color, before.color) == (VERDICT["overfitting"].shade, BEFORE)
    assert after.x.tolist() == [2, 3, 4]
    assert before.x.tolist() == [0, 1, 2]
    assert np.concatenate([before.y, after.y[1:]]).tolist() == [1.0, 0.5, 0.4, 0.6, 0.9]
    (whole,) = run_curves([run], histories, choice, colored, {})
    assert whole.x.tolist() == [0, 1, 2, 3, 4]
