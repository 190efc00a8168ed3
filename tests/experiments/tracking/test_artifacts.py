"""Files of runs on this machine: one copy of each, for a day."""

import os
import time

import pytest

from experiments.core.errors import ArtifactError
from experiments.spec.run_spec import RunSpec
from experiments.tracking.artifacts import fetch_artifact
from experiments.tracking.changes import create_run


@pytest.fixture
def run_id(store):
    run_id = create_run(store, RunSpec())
    store.client.log_text(run_id, "first", "notes/text.txt")
    return run_id


def test_a_file_that_is_fetched_again_takes_the_place_of_its_copy(store, run_id, tmp_path):
    first = fetch_artifact(store, run_id, "notes/text.txt")
    linked = tmp_path / "linked"
    os.link(first, linked)
    store.client.log_text(run_id, "second", "notes/text.txt")
    again = fetch_artifact(store, run_id, "notes/text.txt")
    assert (again, again.read_text()) == (first, "second")
    assert linked.read_text() == "first"
    copies = [path for path in (store.settings.home / "downloads").rglob("*") if path.is_file()]
    assert copies == [again]


def test_copies_go_a_day_after_the_last_of_their_run(store, run_id):
    copy = fetch_artifact(store, run_id, "notes/text.txt")
    other = create_run(store, RunSpec())
    store.client.log_text(other, "other", "text.txt")
    folder = store.settings.home / "downloads" / run_id
    os.utime(folder, (time.time() - 80_000,) * 2)
    fetch_artifact(store, other, "text.txt")
    assert copy.exists()
    os.utime(folder, (time.time() - 90_000,) * 2)
    fetch_artifact(store, other, "text.txt")
    assert not copy.exists()
    assert fetch_artifact(store, run_id, "notes/text.txt").read_text() == "first"


def test_a_file_that_is_not_there_is_told_with_those_that_are(store, run_id):
    with pytest.raises(ArtifactError, match=r"no readable artifact 'none.h5'. It has: .*text.txt"):
        fetch_artifact(store, run_id, "none.h5")
