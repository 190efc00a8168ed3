"""Opening the store: once, whoever comes first, with WAL and a busy timeout."""

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from experiments.core.settings import ROOT, Settings, read_settings, sqlite_uri
from experiments.spec.run_spec import RunSpec
from experiments.tracking.changes import create_run
from experiments.tracking.store import Store, prepare_database

OPEN_BY_TWO_THREADS = """
from threading import Thread
from experiments.core.settings import read_settings
from experiments.tracking.store import Store
stores = [Store(read_settings()) for _ in range(2)]
found = []
threads = [Thread(target=lambda s=s: found.append(s.experiment_id)) for s in stores]
[t.start() for t in threads]
[t.join() for t in threads]
assert len(found) == 2 and found[0] == found[1], found
"""


def test_the_embedded_database_uses_wal(workspace):
    with sqlite3.connect(workspace.database) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_a_writer_waits_for_another_one(workspace):
    assert "timeout=60" in workspace.tracking_uri


def test_two_threads_may_open_the_store_of_a_fresh_process(workspace):
    subprocess.run(
        [sys.executable, "-c", OPEN_BY_TWO_THREADS], cwd=ROOT, env=workspace.environment(),
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip


def test_two_processes_that_start_at_once_make_one_database(tmp_path):
    settings = Settings(tmp_path / "new home", sqlite_uri(tmp_path / "new home" / "mlflow.db"), "")
    command = [sys.executable, "-c", OPEN_BY_TWO_THREADS]
    with ThreadPoolExecutor(2) as pool:
        ends = list(
            pool.map(
                lambda _: subprocess.run(command, cwd=ROOT, env=settings.environment()), range(2)
            )
        )
    assert [end.returncode for end in ends] == [0, 0]
    assert create_run(Store(settings), RunSpec())


def test_a_database_that_is_there_is_left_as_it_is(workspace):
    before = workspace.database.stat().st_mtime_ns
    prepare_database(workspace)
    assert workspace.database.stat().st_mtime_ns == before


def test_settings_come_from_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("KERASCOPE_HOME", str(tmp_path))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow.example:5000/")
    settings = read_settings()
    assert settings.is_server and settings.database is None
    assert settings.ui_url == "http://mlflow.example:5000"
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert read_settings().database == tmp_path / "mlflow.db"


def test_workers_of_two_stores_in_one_workspace_keep_out_of_each_others_runs(workspace):
    other = Settings(workspace.home, "http://127.0.0.1:5000", "")
    assert other.run_folders != workspace.run_folders
    assert other.worker_lock != workspace.worker_lock
