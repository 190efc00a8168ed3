"""Supervising runs whose folders are damaged: each ends, and says what is missing."""

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import h5py
import pytest

from experiments.core.checkpoint_files import LAST, find, path_of
from experiments.core.journal import Journal
from experiments.core.run_folder import RunFolder, write_json
from experiments.core.settings import ROOT
from experiments.running.local_launcher import FoundProcess
from experiments.running.supervision import supervise
from experiments.spec.spec_files import load_spec
from experiments.tracking.artifacts import fetch_artifact, list_artifacts, list_checkpoints
from experiments.tracking.changes import create_run, reopen_run, set_tags, start_run
from experiments.tracking.history_reader import get_history
from experiments.tracking.runs import Run, RunStatus, Tag, get_run
from experiments.tracking.store import Store
from tests.support.waiting import wait_for_end, worker

SPEC = load_spec("{dataset: {name: iris}, training: {epochs: 6}}")
DONE = {"status": "FINISHED", "reason": "Trained all 6 epochs."}


def begun(store: Store, result: dict[str, str] | None = DONE) -> RunFolder:
    """The folder of a RUNNING run whose process has recorded six epochs and is gone."""
    run_id = create_run(store, SPEC, RunStatus.RUNNING)
    start_run(store, run_id, "test:1")
    folder = RunFolder(store.settings.run_folders / run_id).create()
    write_epochs(folder, range(6))
    write_json(folder.process, {"pid": 999_999_999, "born": 1.0, "attends_itself": False})
    write_json(folder.heartbeat, {"phase": "training", "epoch": 5, "epochs": 6})
    if result:
        write_json(folder.result, result)
    return folder


def write_epochs(folder: RunFolder, epochs: range) -> None:
    with Journal(folder.journal) as journal:
        for epoch in epochs:
            journal.write({"loss": 2.0 - 0.1 * epoch, "val_loss": 2.1 - 0.1 * epoch}, epoch=epoch)


def checkpoint(folder: RunFolder, name: str, epoch: int) -> Path:
    path = path_of(folder.artifacts, name)
    path.parent.mkdir(exist_ok=True)
    with h5py.File(path, "w") as file:
        state = file.create_group("training_state")
        state.attrs["state"] = f'{{"epoch": {epoch}, "batch": 0}}'
    return path


def supervised(store: Store, folder: RunFolder) -> Run:
    """The run after supervising; fails where that does not end."""
    thread = threading.Thread(
        target=supervise,
        args=(store, folder, FoundProcess.of(folder), threading.Event()),
        daemon=True,
    )
    thread.start()
    thread.join(60)
    assert not thread.is_alive()
    return get_run(store, folder.run_id)


def break_line(folder: RunFolder, number: int) -> None:
    lines = folder.journal.read_bytes().splitlines(keepends=True)
    lines[number] = lines[number][:20] + b"\n"
    folder.journal.write_bytes(b"".join(lines))


def test_a_broken_line_of_the_journal_costs_its_epoch_alone_and_is_told(store):
    folder = begun(store)
    break_line(folder, 3)
    run = supervised(store, folder)
    assert run.status is RunStatus.FINISHED
    assert run.reason.startswith("Trained all 6 epochs.")
    assert "1 line of its journal is broken" in run.reason
    assert "epoch 3." in run.reason
    history = get_history(store, run)
    assert list(history.index) == [0, 1, 2, 4, 5]
    assert history["loss"][4] == pytest.approx(1.6)
    assert run.metrics["best_epoch"] == 5
    assert "journal.jsonl" in [item.path for item in list_artifacts(store, run.id)]
    assert not folder.path.exists()


def test_a_run_without_a_result_does_not_say_that_every_epoch_is_there_when_one_is_not(store):
    folder = begun(store, result=None)
    break_line(folder, 3)
    run = supervised(store, folder)
    assert run.status is RunStatus.FAILED
    assert "Every epoch" not in run.reason
    assert "in epoch 5" in run.reason


@pytest.mark.parametrize("name", ["heartbeat", "result"])
@pytest.mark.parametrize(
    "content", [b"{", b"\xff\xfe\x00{", b'{"phase": "training", "status": "DONE"}', None]
)
def test_a_broken_heartbeat_or_result_ends_the_run_all_the_same(store, name, content):
    folder = begun(store, result=None)
    if content is None:
        getattr(folder, name).unlink(missing_ok=True)
        getattr(folder, name).mkdir()
    else:
        getattr(folder, name).write_bytes(content)
    run = supervised(store, folder)
    assert run.status is RunStatus.FAILED
    assert "disappeared" in run.reason
    assert isinstance(run.progress, dict)
    assert len(get_history(store, run)) == 6


def test_an_unreadable_checkpoint_does_not_cost_the_others(store):
    folder = begun(store)
    checkpoint(folder, "epoch-00002", 2)
    checkpoint(folder, "best", 4)
    path_of(folder.artifacts, "last").write_bytes(b"no HDF5")
    run = supervised(store, folder)
    assert run.status is RunStatus.FINISHED
    assert "last.h5" in run.reason
    kept = {found.epoch: found.roles for found in list_checkpoints(store, run.id)}
    assert kept == {2: ("kept",), 4: (LAST, "best")}
    assert find(list_checkpoints(store, run.id)).epoch == 4
    assert fetch_artifact(store, run.id, "model/model.h5").stat().st_size > 100
    assert fetch_artifact(store, run.id, "unreadable/last.h5").read_bytes() == b"no HDF5"


def test_what_cannot_be_recorded_fails_the_run_and_keeps_its_folder(store, caplog):
    folder = begun(store)
    folder.journal.unlink()
    folder.journal.mkdir()  # reading it raises something that waiting does not mend
    (folder.artifacts / "mine.txt").write_text("kept")
    run = supervised(store, folder)
    assert run.status is RunStatus.FAILED
    assert "IsADirectoryError" in run.reason
    assert "Traceback" in caplog.text
    aside = folder.path.with_name(f"{run.id}.unreadable")
    assert str(aside) in run.reason
    assert (aside / "artifacts" / "mine.txt").read_text() == "kept"
    assert not folder.path.exists()


def test_what_the_store_refuses_for_good_is_not_tried_for_ever(store):
    folder = begun(store)
    store.client.log_param(folder.run_id, "keras.version", "1")
    with Journal(folder.journal) as journal:
        journal.write(params={"keras.version": "2"})  # MLflow changes no param
    run = supervised(store, folder)
    assert run.status is RunStatus.FAILED
    assert "keras.version" in run.reason


def test_a_worker_ends_every_run_that_it_finds_however_damaged(store):
    damaged = {what: begun(store, result=None) for what in ("note", "no artifacts", "journal")}
    damaged["note"].process.write_text('{"pid": "x", "born": []}')
    shutil.rmtree(damaged["no artifacts"].artifacts)
    damaged["journal"].journal.unlink()
    damaged["journal"].journal.mkdir()
    fine = begun(store)
    left = store.settings.run_folders / f"{fine.run_id}.unreadable"
    (left / "artifacts").mkdir(parents=True)
    with worker(store.settings):
        ends = {what: wait_for_end(store, folder.run_id) for what, folder in damaged.items()}
        assert wait_for_end(store, fine.run_id).status is RunStatus.FINISHED
    assert {run.status for run in ends.values()} == {RunStatus.FAILED}
    assert left.is_dir()


ON_A_FULL_DISK = """
import sys
from pathlib import Path
from experiments.core.run_folder import RunFolder
from experiments.core.settings import read_settings
from experiments.spec.spec_files import load_spec
from experiments.training import train as module
folder = RunFolder(Path(sys.argv[1]))
filled = folder.path / "filled"

class Filling(module.Recorder):
    def on_epoch_begin(self, epoch, logs=None):
        super().on_epoch_begin(epoch, logs)
        if epoch == 3:
            with filled.open("wb", buffering=0) as file:
                try:
                    while file.write(bytes(4096)): pass
                except OSError: pass

module.Recorder = Filling
module.train_in_child(load_spec("{dataset: {name: iris}, training: {epochs: 100}}"), folder)
"""


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 4 MB; only root may mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)]
    if not hasattr(os, "geteuid") or os.geteuid() or subprocess.run(mount, check=False).returncode:
        pytest.skip("mounting a file system takes root")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_is_the_reason_of_the_run_that_it_ends(store, small_disk):
    run_id = create_run(store, SPEC, RunStatus.RUNNING)
    start_run(store, run_id, "test:1")
    folder = RunFolder(small_disk / run_id).create()
    environment = store.settings.environment()
    child = subprocess.run(
        [sys.executable, "-c", ON_A_FULL_DISK, str(folder.path)],
        cwd=ROOT, env=environment, check=False,
    )  # fmt: skip
    assert child.returncode == 1
    (folder.path / "filled").unlink()
    run = supervised(store, folder)
    assert run.status is RunStatus.FAILED
    assert "No space left on device" in run.reason
    recorded = len(get_history(store, run))
    assert 3 <= recorded < 100
    assert f"journal.jsonl; {recorded} epochs are recorded" in run.reason
    assert "No space left on device" in fetch_artifact(store, run_id, "log.txt").read_text()


WITHOUT_HEARTBEAT = """
import resource, sys, time
from pathlib import Path
from experiments.core.journal import Journal
from experiments.core.run_folder import RunFolder
from experiments.training.callbacks import Heartbeat, Recorder
Heartbeat.SECONDS, Heartbeat.PATIENCE = 0.05, 1.0
folder = RunFolder(Path(sys.argv[1]))
with Journal(folder.journal) as journal, Heartbeat(folder, 1) as heartbeat:
    recorder = Recorder(journal, heartbeat)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    began = time.monotonic()
    try:
        while time.monotonic() - began < 30:
            recorder.on_train_batch_end(0)
            time.sleep(0.05)
    except OSError as error:
        print(error, time.monotonic() - began > 0.9)
    folder.stop.touch()
    heartbeat.stop_requested.wait(10)
    print(heartbeat.stop_requested.is_set())
"""


def test_a_heartbeat_that_cannot_be_written_for_long_ends_training_with_the_reason(tmp_path):
    folder = RunFolder(tmp_path / "id").create()
    said = subprocess.run(
        [sys.executable, "-c", WITHOUT_HEARTBEAT, str(folder.path)],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split("\n")  # fmt: skip
    assert "File too large" in said[0]
    assert said[0].endswith("True")
    assert said[1] == "True"  # and meanwhile it hears a request to stop


def ended_again(store: Store, run_id: str, epochs: range) -> Run:
    """The run after it was resumed and ended with these epochs."""
    reopen_run(store, run_id, 1000, status=RunStatus.RUNNING)
    folder = RunFolder(store.settings.run_folders / run_id).create()
    write_epochs(folder, epochs)
    write_json(folder.result, DONE)
    return supervised(store, folder)


def test_the_note_of_the_verdict_is_written_and_follows_a_resume(store):
    run = supervised(store, begun(store))
    assert run.tags[Tag.VERDICT_REASON] in run.tags[Tag.NOTE]
    again = ended_again(store, run.id, range(60))
    assert again.tags[Tag.VERDICT_REASON] != run.tags[Tag.VERDICT_REASON]
    assert again.tags[Tag.VERDICT_REASON] in again.tags[Tag.NOTE]


def test_what_somebody_wrote_before_the_end_stays(store):
    folder = begun(store)
    set_tags(store, folder.run_id, {Tag.NOTE: "**Overfitting.** Is what I look for."})
    run = supervised(store, folder)
    assert run.tags[Tag.NOTE] == "**Overfitting.** Is what I look for."
    assert run.tags[Tag.VERDICT_REASON]
    assert run.tags[Tag.VERDICT_ADVICE]


def test_what_somebody_wrote_between_the_end_and_a_resume_stays(store):
    run = supervised(store, begun(store))
    mine = run.tags[Tag.NOTE] + "\n\nUsed in the talk."
    set_tags(store, run.id, {Tag.NOTE: mine})
    assert ended_again(store, run.id, range(60)).tags[Tag.NOTE] == mine


@pytest.mark.parametrize("touched", [False, True])
def test_a_note_of_an_earlier_version_is_ours_unless_somebody_changed_it(store, touched):
    run = supervised(store, begun(store))
    for tag in (Tag.NOTE_HASH, Tag.VERDICT_REASON, Tag.VERDICT_ADVICE):
        store.client.delete_tag(run.id, tag.value)  # the earlier version kept none of them
    if touched:
        set_tags(store, run.id, {Tag.NOTE: run.tags[Tag.NOTE] + "!"})
    before = get_run(store, run.id).tags[Tag.NOTE]
    again = ended_again(store, run.id, range(60))
    assert (again.tags[Tag.NOTE] == before) is touched
