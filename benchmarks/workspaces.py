"""Temporary workspaces with a real MLflow store, a real worker, and finished runs in them."""

import math
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.processes import started, wait_for
from experiments.core.journal import Journal
from experiments.core.run_folder import RunFolder, write_json
from experiments.core.settings import Settings, python_command, sqlite_uri
from experiments.running.local_launcher import FoundProcess
from experiments.running.queue import submit
from experiments.running.supervision import supervise
from experiments.spec.run_spec import RunSpec
from experiments.spec.spec_files import parse_spec
from experiments.tracking.changes import create_run, start_run
from experiments.tracking.runs import RunStatus, get_run
from experiments.tracking.store import Store, prepare_database


class Workspaces:
    """Makes workspaces below one temporary folder. MLflow's first migration takes 6 to 12 s, so
    it is done once and the file is copied."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._migrated = _settings(folder / "migrated")
        prepare_database(self._migrated)

    def new(self, name: str) -> Settings:
        """A fresh workspace with an empty, migrated store."""
        settings = _settings(self.folder / name)
        settings.home.mkdir()
        database, made = settings.database, self._migrated.database
        assert database is not None and made is not None
        shutil.copy(made, database)
        return settings


@contextmanager
def workspaces() -> Iterator[Workspaces]:
    """Workspaces that are deleted at the end."""
    with TemporaryDirectory(prefix="kerascope-benchmark-", ignore_cleanup_errors=True) as folder:
        yield Workspaces(Path(folder))


def _settings(home: Path) -> Settings:
    return Settings(home, sqlite_uri(home / "mlflow.db"), "http://127.0.0.1:5000")


def worker(settings: Settings) -> "AbstractContextManager[subprocess.Popen[bytes]]":
    """A real worker of this workspace, not warm yet."""
    command = python_command("experiments", "worker")
    return started(command, settings.environment(), settings.home / "worker.log")


def warm(store: Store, spec: RunSpec) -> None:
    """Have the worker train one run, so that its server has imported all that it imports."""
    wait_for_end(store, submit(store, spec))


def wait_for_end(store: Store, run_id: str, seconds: float = 300) -> None:
    """Return when the run has ended and its folder is gone."""
    folder = store.settings.run_folders / run_id
    wait_for(
        lambda: not get_run(store, run_id).status.is_active and not folder.exists(),
        f"the end of run {run_id}",
        seconds,
        every=0.2,
    )


def add_finished_run(store: Store, number: int, epochs: int = 30) -> str:
    """A run as the worker leaves it, without the training: it is supervised like any other."""
    spec = parse_spec({"name": f"finished {number}", "training": {"epochs": epochs}})
    run_id = create_run(store, spec, status=RunStatus.RUNNING)
    folder = RunFolder(store.settings.run_folders / run_id).create()
    start_run(store, run_id, worker="benchmark")
    with Journal(folder.journal) as journal:
        for epoch in range(epochs):
            fitted = math.exp(-epoch / (5 + number))
            values = {"loss": fitted, "val_loss": fitted + 0.01 * epoch, "accuracy": 1 - fitted}
            journal.write(values | {"val_accuracy": 0.95 - 0.9 * fitted}, epoch=epoch)
    write_json(folder.result, {"status": "FINISHED", "reason": f"Trained all {epochs} epochs."})
    supervise(store, folder, FoundProcess(0, 0.0), threading.Event())
    return run_id
