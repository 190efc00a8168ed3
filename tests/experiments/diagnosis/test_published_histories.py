"""Verdicts on histories that others published, and whether what is said of going on comes true.

What each shows was judged by eye before any verdict was made, with other defensible verdicts as
`acceptable`.
"""

import json
from collections import defaultdict
from pathlib import Path

import pytest

from experiments.diagnosis import Label, diagnose, history_from_keras
from experiments.diagnosis.forecast import LOWER
from tests.support.cut_histories import cuts
from tests.support.simulated_trainings import trainings

FILES = Path(__file__).resolve().parents[2] / "files"


@pytest.fixture(scope="module")
def published():
    runs = json.loads((FILES / "published_histories.json").read_text())
    return [(run, history_from_keras(run["history"])) for run in runs]


@pytest.fixture(scope="module")
def judged(published):
    return [(run, diagnose(history).label) for run, history in published]


def allowed(run) -> set[str]:
    found = {run["verdict"], *run["acceptable"]}
    return found | {"unstable", "diverged"} if found & {"unstable", "diverged"} else found


def test_no_verdict_on_a_published_history_is_wrong(judged):
    clear = [(run, label) for run, label in judged if run["verdict"] != "ambiguous"]
    wrong = [(run["name"], label) for run, label in clear if label not in allowed(run)]
    assert len(clear) == 42
    assert not wrong


def test_overfitting_is_called_by_its_name(judged):
    labels = [label for run, label in judged if run["verdict"] == "overfitting"]
    assert labels.count(Label.overfitting) >= 0.8 * len(labels)


def test_the_last_epoch_seldom_changes_the_verdict(published, judged):
    changed = [
        run["name"]
        for (run, history), (_, label) in zip(published, judged, strict=True)
        if len(history) >= 6 and diagnose(history.iloc[:-1]).label != label
    ]
    assert len(changed) <= 2, changed


def test_a_good_fit_is_seldom_broken_by_the_epochs_that_follow(published):
    later = [cut for _, history in published for cut in cuts(history)]
    good = [cut for cut in later if cut.verdict.label is Label.good_fit]
    broken = [cut for cut in good if cut.next_quarter < 1 - LOWER]
    assert len(good) >= 25
    assert len(broken) <= 0.14 * len(good)  # 4 of 30: rates dropped, and one noisy curve


def test_overfitting_is_not_made_up_for_later(published):
    """But in h011: after 130 epochs of overfitting its training was started anew; and in h043,
    whose last two of 27 values were chance."""
    later = [cut for run, h in published if run["name"] != "h011" for cut in cuts(h)]
    overfitted = [cut for cut in later if cut.verdict.label is Label.overfitting]
    assert len(overfitted) >= 9
    assert sum(cut.until_end < 0.95 for cut in overfitted) <= 1


def test_the_chance_of_getting_lower_holds_on_runs_that_it_was_not_measured_on():
    seen = defaultdict(list)
    for case in trainings(seed=92, count=2000):
        if case.truth is not Label.diverged:
            for cut in cuts(case.history, case.constant_loss):
                if cut.verdict.chance_of_lower is not None:
                    key = cut.verdict.label, cut.verdict.chance_of_lower
                    seen[key].append(cut.next_quarter < 1 - LOWER)
    assert len(seen) >= 7
    for (label, said), came_true in seen.items():
        if len(came_true) >= 30:
            share = sum(came_true) / len(came_true)
            assert abs(share - said) < 0.15, (label, said, share, len(came_true))
