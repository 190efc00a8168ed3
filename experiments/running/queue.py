"""Getting runs trained: submitting them, and starting a worker where none lives."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from filelock import FileLock, Timeout

from experiments.core.errors import WorkerError
from experiments.core.run_folder import read_json
from experiments.core.settings import Settings, python_command
from experiments.spec.run_spec import RunSpec
from experiments.tracking.changes import create_run, reopen_run
from experiments.tracking.runs import Tag
from experiments.tracking.store import Store

_starting = threading.Lock()
_started: dict[str, subprocess.Popen[bytes]] = {}


def submit(
    store: Store,
    spec: RunSpec,
    parent_id: str | None = None,
    start_file: Path | None = None,
    tags: Mapping[Tag, str] | None = None,
) -> str:
    """Queue a run for whichever worker serves the store; returns its id."""
    run_id = create_run(store, spec, parent_id=parent_id, start_file=start_file, tags=tags)
    wake(store.settings)
    return run_id


def resume(store: Store, run_id: str, epochs: int | None = None) -> None:
    """Queue a run that has ended, to go on to ``epochs`` in all; raises InputError."""
    reopen_run(store, run_id, epochs)
    wake(store.settings)


def wake(settings: Settings) -> None:
    """Tell a worker of this machine that there is something to take."""
    settings.home.mkdir(parents=True, exist_ok=True)
    settings.wake_file.touch()


def worker_lives(settings: Settings) -> bool:
    """Whether a worker of this machine serves the store; asks the lock that it holds, so that a
    worker that was killed does not count."""
    settings.worker_lock.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(settings.worker_lock)
    try:
        with lock.acquire(timeout=0):
            return False
    except Timeout:
        return True


def ensure_worker(settings: Settings) -> None:
    """Start the embedded worker if none lives; it outlives this process.

    Returns at once: the worker needs some seconds until it takes its first run. Raises WorkerError
    if the last one that was started here ended with an error.
    """
    if not settings.embedded_worker:
        return
    with _starting:
        started = _started.get(str(settings.home))
        if started and started.poll() is None:
            return
        try:
            if worker_lives(settings):
                return
            log = settings.home / "worker.log"
            settings.home.mkdir(parents=True, exist_ok=True)
            if started and started.returncode:
                del _started[str(settings.home)]
                raise WorkerError(
                    f"The worker ended with exit code {started.returncode}. Its last output is in "
                    f"{log}. Start one by hand to see it: python -m experiments worker."
                )
            with log.open("ab") as file:
                _started[str(settings.home)] = subprocess.Popen(
                    python_command("experiments", "worker", "--embedded"),
                    env=settings.environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=file,
                    stderr=file,
                    start_new_session=True,
                )
        except OSError as error:
            raise WorkerError(
                f"No worker could be started: {error}. Check that {settings.home} can be written."
            ) from None


def end_worker(settings: Settings, seconds: float = 60.0) -> None:
    """Ask the worker of this machine to end, and wait until it has recorded its runs.

    It saves the models of running runs first; after ``seconds`` it is killed.
    """
    for send in (signal.SIGTERM, signal.SIGKILL):
        sent = False
        deadline = time.monotonic() + seconds
        while worker_lives(settings) and time.monotonic() < deadline:
            # it may hold the lock and not have written its name yet
            pid = read_json(settings.worker_note).get("pid")
            if pid and not sent:
                os.kill(pid, send)
                sent = True
            time.sleep(0.1)
