"""The table of what is recorded, against what a run records and where that is read."""

import pandas as pd
import pytest

from dashboard.chart.run_curves import plain_metrics
from experiments.core.journal import read_journal
from experiments.core.recorded import FACTS, RECORDED
from experiments.core.run_folder import RunFolder
from experiments.diagnosis.naming import find_pairs
from experiments.running.run_record import best_values
from experiments.spec.spec_files import load_spec
from experiments.tracking.points import may_be_history
from experiments.training.train import train

SPEC = """
dataset: {name: digits, max_samples: 300}
split: {validation_split: 0.2, test_split: 0.1}
model: {layers: [8], dropout: 0.3, l2: 0.01}
training: {epochs: 2, metrics: [accuracy, top_5_accuracy]}
"""
#: Recorded by other runs than this one: such that stream, and those of earlier versions.
ELSEWHERE = {"data_wait_share", "parameters"}


class Trained:
    """A run of two epochs: the names that it recorded, each epoch and once, and its log."""

    def __init__(self, folder: RunFolder) -> None:
        folder.create()
        self.spec = load_spec(SPEC)
        assert train(self.spec, folder).status == "FINISHED"
        entries = read_journal(folder.journal)[0]
        self.history = pd.DataFrame([one.metrics for one in entries if one.epoch is not None])
        self.epochs = set(self.history)
        self.once = {name for one in entries if one.epoch is None for name in one.metrics}
        self.once |= set(best_values(self.history))
        self.log = folder.log.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Trained:
    return Trained(RunFolder(tmp_path_factory.mktemp("runs") / "recorded"))


def rows_of(name):
    """The row of this very name, or those of its beginning."""
    exact = [one for one in RECORDED if one.name == name]
    return exact or [one for one in RECORDED
                     if one.name[-1] == "_" and name.startswith(one.name)]  # fmt: skip


def test_all_that_a_run_records_beside_its_metrics_is_in_the_table(trained):
    missing = trained.epochs - {name for name in trained.epochs if rows_of(name)}
    assert missing == set(trained.spec.monitors())
    assert all(not row.once for name in trained.epochs for row in rows_of(name))
    assert all([row.once for row in rows_of(name)] == [True] for name in trained.once)
    found = {row.name for name in trained.epochs | trained.once for row in rows_of(name)}
    assert {row.name for row in RECORDED} - found == ELSEWHERE


def test_what_is_one_value_a_run_is_no_history(trained):
    assert all(may_be_history(name) for name in trained.epochs)
    assert not any(may_be_history(name) for name in trained.once if not name.startswith("test_"))
    assert set(FACTS) <= trained.once | ELSEWHERE


def test_a_verdict_and_a_chart_go_by_losses_and_metrics_alone(trained):
    metrics = {"loss", *trained.spec.metrics}
    columns = trained.epochs | {"data_wait_share"}
    without_validation = {name for name in columns if not name.startswith("val_")}
    for names in (columns, without_validation):
        assert {pair.metric for pair in find_pairs(names)} == metrics
        assert set(plain_metrics(names)) == metrics


def test_the_log_of_an_epoch_has_what_the_table_says(trained):
    line = next(line for line in trained.log.splitlines() if "epoch 0" in line)
    logged = {word for word in line.split() if word in trained.epochs}
    assert logged == {name for name in trained.epochs if all(row.logged for row in rows_of(name))}
