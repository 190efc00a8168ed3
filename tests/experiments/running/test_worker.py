"""A real worker over a real store: what it takes, what it survives, and what it leaves behind."""

import os
import shutil
import signal
import threading
from typing import NamedTuple

import psutil
import pytest

from experiments.core.errors import WorkerError
from experiments.core.run_folder import RunFolder, read_json
from experiments.core.settings import Settings, sqlite_uri
from experiments.running.queue import end_worker, ensure_worker, submit, worker_lives
from experiments.running.worker import serve
from experiments.spec.spec_files import load_spec
from experiments.tracking.artifacts import fetch_artifact, list_artifacts
from experiments.tracking.changes import delete_runs, request_stop, restore_runs
from experiments.tracking.history_reader import get_history
from experiments.tracking.runs import RunStatus, get_run, list_runs
from experiments.tracking.store import Store
from tests.support.waiting import wait_for, wait_for_end, wait_for_epochs, worker

SHORT = load_spec("{dataset: {name: iris}, training: {epochs: 3}}")
LONG = load_spec("{model: {layers: [16]}, training: {epochs: 5000}}")


def training_pid(store: Store, run_id: str) -> int:
    folder = RunFolder(store.settings.run_folders / run_id)
    return wait_for(lambda: read_json(folder.process).get("pid"))


def artifacts(store: Store, run_id: str) -> list[str]:
    return [item.path for item in list_artifacts(store, run_id)]


def test_a_submitted_run_is_taken_and_finished(served_store):
    run_id = submit(served_store, SHORT)
    run = wait_for_end(served_store, run_id)
    assert (run.status, run.reason) == (RunStatus.FINISHED, "Trained all 3 epochs.")
    assert run.seconds is not None
    assert "model/model.h5" in artifacts(served_store, run_id)


def test_runs_of_higher_priority_come_first_and_slots_train_side_by_side(served_store):
    blocking = [submit(served_store, LONG) for _ in range(2)]
    wait_for(lambda: all(get_run(served_store, i).status is RunStatus.RUNNING for i in blocking))
    low = submit(served_store, SHORT)
    high = submit(served_store, SHORT.model_copy(update={"priority": 5}))
    request_stop(served_store, blocking[0])  # one slot is free, so one of them has to wait
    first, second = (wait_for_end(served_store, run_id) for run_id in (high, low))
    assert get_run(served_store, blocking[1]).status is RunStatus.RUNNING
    assert first.ended <= second.started
    request_stop(served_store, blocking[1])
    wait_for_end(served_store, blocking[1])


def test_stop_ends_a_run_after_its_batch_and_keeps_the_model(served_store):
    run_id = submit(served_store, LONG)
    wait_for_epochs(served_store, run_id, 2)
    request_stop(served_store, run_id)
    run = wait_for_end(served_store, run_id)
    assert run.status is RunStatus.KILLED
    assert "Stopped on request after" in run.reason
    assert {"model/model.h5", "history.json"} <= set(artifacts(served_store, run_id))


def test_a_run_that_has_not_started_is_stopped_at_once(store):
    run_id = submit(store, SHORT)
    request_stop(store, run_id)
    assert get_run(store, run_id).status is RunStatus.KILLED


def test_an_active_run_is_not_deleted(store):
    from experiments.core.errors import ExperimentsError

    run_id = submit(store, SHORT)
    with pytest.raises(ExperimentsError, match="Stop it"):
        delete_runs(store, [run_id])
    assert [run.id for run in list_runs(store)] == [run_id]


def test_a_training_process_killed_in_mid_epoch_is_failed_and_loses_nothing(served_store):
    run_id = submit(served_store, LONG)
    wait_for_epochs(served_store, run_id, 3)
    os.kill(training_pid(served_store, run_id), signal.SIGKILL)
    run = wait_for_end(served_store, run_id)
    assert run.status is RunStatus.FAILED
    assert "SIGKILL" in run.reason
    history = get_history(served_store, run)
    assert len(history) >= 3
    assert list(history.index) == list(range(len(history)))
    assert {"log.txt", "history.json", "split.npz"} <= set(artifacts(served_store, run_id))


def test_sigterm_to_the_training_process_stops_it_softly(served_store):
    run_id = submit(served_store, LONG)
    wait_for_epochs(served_store, run_id, 1)
    os.kill(training_pid(served_store, run_id), signal.SIGTERM)
    run = wait_for_end(served_store, run_id)
    assert run.status is RunStatus.KILLED
    assert "model/model.h5" in artifacts(served_store, run_id)


def test_what_the_user_can_mend_is_the_reason_without_a_traceback(served_store):
    too_few = "{dataset: {name: iris, max_samples: 10}, split: {validation_split: 0.999}}"
    run_id = submit(served_store, load_spec(too_few))
    run = wait_for_end(served_store, run_id)
    assert run.status is RunStatus.FAILED
    assert "validation_split" in run.reason
    log = fetch_artifact(served_store, run_id, "log.txt").read_text()
    assert "validation_split" in log
    assert "Traceback" not in run.reason + log


def test_a_run_whose_spec_is_gone_is_failed_with_the_reason(served_store):
    from experiments.tracking.changes import create_run

    run_id = create_run(served_store, SHORT, status=RunStatus.RUNNING)
    for path in (served_store.settings.artifact_root / run_id / "artifacts").iterdir():
        path.unlink()
    served_store.client.update_run(run_id, status="SCHEDULED")
    run = wait_for_end(served_store, run_id)
    assert run.status is RunStatus.FAILED
    assert "spec.yaml" in run.reason


def test_a_second_worker_of_the_same_store_is_refused(served_store):
    with pytest.raises(WorkerError, match="already serves"):
        serve(served_store.settings)


class Succession(NamedTuple):
    """A worker was killed, and of its two runs one too; the next one was told to end while it
    trained a third."""

    store: Store
    alive: str
    dead: str
    third: str
    returncode: int


@pytest.fixture(scope="module")
def succession(tmp_path_factory, migrated_database) -> Succession:
    home = tmp_path_factory.mktemp("succession")
    shutil.copy(migrated_database, home / "mlflow.db")
    store = Store(Settings(home, sqlite_uri(home / "mlflow.db"), ""))
    with worker(store.settings, "--slots", "2") as first:
        alive, dead = submit(store, LONG), submit(store, LONG)
        for run_id in (alive, dead):
            wait_for_epochs(store, run_id, 1)
        first.kill()
        os.kill(training_pid(store, dead), signal.SIGKILL)
        first.wait()
        seen = len(store.client.get_metric_history(alive, "loss"))
        assert psutil.pid_exists(training_pid(store, alive))
    assert get_run(store, dead).status is RunStatus.RUNNING
    with worker(store.settings, "--slots", "2") as second:
        wait_for_epochs(store, alive, seen + 5)
        request_stop(store, alive)
        for run_id in (alive, dead):
            wait_for_end(store, run_id)
        third = submit(store, LONG)
        wait_for_epochs(store, third, 1)
        second.send_signal(signal.SIGTERM)
        returncode = second.wait(60)
    return Succession(store, alive, dead, third, returncode)


def test_a_worker_killed_with_its_run_alive_is_followed_by_one_that_takes_it_over(succession):
    store = succession.store
    run = get_run(store, succession.alive)
    assert run.status is RunStatus.KILLED
    history = get_history(store, run)
    points = store.client.get_metric_history(run.id, "loss")
    assert sorted(point.step for point in points) == list(history.index)


def test_a_run_left_dead_by_a_dead_worker_is_failed_by_the_next_one(succession):
    run = get_run(succession.store, succession.dead)
    assert run.status is RunStatus.FAILED
    assert len(get_history(succession.store, run)) >= 1


def test_ending_the_worker_stops_its_runs_and_records_them(succession):
    assert succession.returncode == 0
    run = get_run(succession.store, succession.third)
    assert run.status is RunStatus.KILLED
    assert "worker was shut down" in run.reason
    assert "model/model.h5" in artifacts(succession.store, run.id)


def test_two_dashboards_that_launch_at_once_start_one_worker(store):
    ids = []

    def launch() -> None:
        ensure_worker(store.settings)
        ids.append(submit(store, SHORT))

    threads = [threading.Thread(target=launch) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    try:
        ends = [wait_for_end(store, run_id) for run_id in ids]
        assert [run.status for run in ends] == [RunStatus.FINISHED] * 2
        pid = read_json(store.settings.worker_note)["pid"]
        assert psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    finally:
        end_worker(store.settings)
    assert not worker_lives(store.settings)


def test_a_run_deleted_while_it_trains_is_stopped_and_can_be_restored_whole(served_store):
    run_id = submit(served_store, LONG)
    wait_for_epochs(served_store, run_id, 1)
    served_store.client.delete_run(run_id)  # as the MLflow UI does, which asks nobody
    assert wait_for_end(served_store, run_id).status == RunStatus.KILLED
    wait_for(lambda: get_run(served_store, run_id).deleted)  # deleted again once it has ended
    restore_runs(served_store, [run_id])
    assert "model/model.h5" in artifacts(served_store, run_id)
