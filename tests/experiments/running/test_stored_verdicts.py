"""The verdict that is stored on a run: by which rules, with which faults of its split."""

import json

import pytest

from experiments.core.run_folder import write_json
from experiments.data.dataset_spec import DatasetSpec
from experiments.data.loading import load_dataset
from experiments.data.split.audit import AUDIT_FILE, audit_split
from experiments.data.split.split_spec import SplitSpec
from experiments.data.split.splits import divide
from experiments.diagnosis import RULES
from experiments.running.run_verdict import read_split_faults, split_faults_of, write_verdict
from experiments.running.verdict_refresh import refresh_verdicts
from experiments.spec.spec_files import parse_spec
from experiments.tracking.changes import create_run, end_run, set_tags, start_run
from experiments.tracking.history_reader import to_frame
from experiments.tracking.runs import RunStatus, Tag, get_run

OVERFITTING = {
    "loss": [1.0, 0.6, 0.4, 0.3, 0.2, 0.15, 0.1, 0.08, 0.06],
    "val_loss": [1.1, 0.7, 0.5, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9],
}
SORTED = "The file is sorted by class, and its last part validates."


@pytest.fixture
def ended(store):
    """Makes an ended run with a history and tags."""
    from mlflow.entities import Metric

    def make(**tags: str) -> str:
        run_id = create_run(store, parse_spec({"name": "a run"}))
        start_run(store, run_id, "test:1")
        points = [
            Metric(name, value, 1000 * epoch, epoch)
            for name, values in OVERFITTING.items()
            for epoch, value in enumerate(values)
        ]
        store.client.log_batch(run_id, metrics=points)
        end_run(store, run_id, RunStatus.FINISHED, "Trained all epochs.")
        set_tags(store, run_id, tags)
        return run_id

    return make


def test_a_verdict_says_by_which_rules_it_was_made_and_where_it_begins_to_overfit(store, ended):
    run_id = ended()
    write_verdict(store, run_id, to_frame(OVERFITTING), {})
    tags = get_run(store, run_id).tags
    assert (tags[Tag.VERDICT], tags[Tag.VERDICT_RULES]) == ("overfitting", str(RULES))
    assert int(tags[Tag.ONSET_EPOCH]) == 3


def test_verdicts_of_earlier_rules_are_made_anew_and_others_are_left(store, ended):
    earlier = ended(**{Tag.VERDICT: "good_fit"})
    current = ended(**{Tag.VERDICT: "good_fit", Tag.VERDICT_RULES: str(RULES)})
    without = ended()
    assert refresh_verdicts(store) == 1
    assert [get_run(store, one).verdict for one in (earlier, current, without)] == [
        "overfitting", "good_fit", None,
    ]  # fmt: skip
    assert refresh_verdicts(store) == 0


def test_a_persons_note_outlives_a_new_verdict(store, ended):
    run_id = ended(**{Tag.VERDICT: "good_fit", Tag.NOTE: "Do not delete: the one in the paper."})
    assert refresh_verdicts(store) == 1
    assert get_run(store, run_id).tags[Tag.NOTE] == "Do not delete: the one in the paper."


def test_refreshing_ends_when_the_worker_does(store, ended):
    ended(**{Tag.VERDICT: "good_fit"})
    assert refresh_verdicts(store, stopped=lambda: True) == 0


def test_faults_of_the_split_are_part_of_the_stored_verdict(store, ended):
    run_id = ended()
    flat = {"loss": [1.0, 0.5, 0.3, 0.25, 0.24, 0.24, 0.24, 0.24],
            "val_loss": [1.0, 0.6, 0.4, 0.35, 0.34, 0.34, 0.34, 0.34]}  # fmt: skip
    write_verdict(store, run_id, to_frame(flat), {}, [SORTED])
    run = get_run(store, run_id)
    assert run.verdict == "cant_tell"
    assert SORTED in run.tags[Tag.VERDICT_REASON]
    assert split_faults_of(run) == [SORTED]


@pytest.mark.parametrize(("method", "faults"), [("last", 1), ("stratified", 0)])
def test_only_serious_findings_of_an_audit_are_faults(tmp_path, method, faults):
    iris = load_dataset(DatasetSpec(name="iris"), 1)
    divided = divide(iris.y, SplitSpec(method=method, validation_split=0.2), 1)
    write_json(tmp_path / AUDIT_FILE, audit_split(iris, divided).to_dict())
    found = read_split_faults(tmp_path)
    assert len([one for one in found if "sorted by class" in one]) == faults
    assert bool(found) == bool(faults)


def test_an_audit_that_cannot_be_read_has_no_faults(tmp_path):
    assert read_split_faults(tmp_path) == []
    (tmp_path / AUDIT_FILE).write_text(json.dumps({"format": 99}))
    assert read_split_faults(tmp_path) == []
