"""The worker: takes SCHEDULED runs and trains each in its own process, until it is ended."""

import logging
import os
import signal
import socket
import threading
import time
from pathlib import Path

from filelock import FileLock, Timeout

from experiments.core.errors import ExperimentsError, StoreError, WorkerError
from experiments.core.run_folder import RunFolder, read_json, write_json
from experiments.core.settings import Settings
from experiments.running.local_launcher import FoundProcess, LocalLauncher
from experiments.running.run_preparation import prepare
from experiments.running.supervision import supervise
from experiments.tracking.changes import end_run, set_tags, start_run
from experiments.tracking.run_specs import get_spec
from experiments.tracking.runs import Run, RunStatus, Tag, find_runs, get_run
from experiments.tracking.store import Store

TICK_SECONDS = 0.05
POLL_SECONDS = 2.0
ADOPT_SECONDS = 10.0
IDLE_SECONDS = 1800.0
_SETTLE_SECONDS = 1.5

logger = logging.getLogger(__name__)


def serve(settings: Settings, slots: int = 1, *, embedded: bool = False) -> None:
    """Serve the store until SIGTERM or Ctrl-C; then ask running runs to stop, and record them.

    ``slots`` is how many runs train side by side. An ``embedded`` worker, which a dashboard
    started, ends by itself after half an hour without work. Raises WorkerError if another worker
    of this machine serves the store already.
    """
    settings.worker_lock.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(settings.worker_lock)
    try:
        with lock.acquire(timeout=2):
            write_json(settings.worker_note, {"pid": os.getpid(), "slots": slots})
            Worker(settings, slots, embedded=embedded).run()
    except Timeout:
        raise WorkerError(
            f"A worker on this machine already serves {settings.tracking_uri}. Use that one, or "
            "end it first; --slots decides how many runs it trains side by side."
        ) from None


class Worker:
    """One worker: its slots, the runs that it supervises, and when it last had work."""

    def __init__(self, settings: Settings, slots: int, *, embedded: bool) -> None:
        self.settings, self.slots, self.embedded = settings, slots, embedded
        self.store = Store(settings)
        self.launcher = LocalLauncher()
        self.shutdown = threading.Event()
        self.name = f"{socket.gethostname()}:{os.getpid()}"
        self._attending: dict[str, threading.Thread] = {}
        self._polled = self._adopted = -float("inf")
        self._woken = 0.0
        self._busy_at = time.monotonic()

    def run(self) -> None:
        """Take and supervise until shutdown; a store that is down is waited for."""
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: self.shutdown.set())
        self.launcher.warm()
        logger.info("Worker %s serves %s", self.name, self.settings.tracking_uri)
        while not self.shutdown.wait(TICK_SECONDS):
            try:
                self._tick()
            except StoreError as error:
                logger.warning("%s", error)
                self.shutdown.wait(POLL_SECONDS)
            if self.embedded and time.monotonic() - self._busy_at > IDLE_SECONDS:
                logger.info("Nothing to do for %.0f minutes; the worker stops.", IDLE_SECONDS / 60)
                return
        logger.info("Shutting down; %d runs are asked to stop.", len(self._attending))
        for thread in self._attending.values():
            thread.join()

    def _tick(self) -> None:
        self._attending = {
            run_id: thread for run_id, thread in self._attending.items() if thread.is_alive()
        }
        now = time.monotonic()
        if self._attending:
            self._busy_at = now
        if now - self._adopted >= ADOPT_SECONDS:
            self._adopted = now
            self._adopt()
        if len(self._attending) < self.slots and (
            now - self._polled >= POLL_SECONDS or self._wake()
        ):
            self._polled = now
            self._take(self.slots - len(self._attending))

    def _wake(self) -> bool:
        """Whether a run was submitted on this machine since the last look."""
        try:
            touched = self.settings.wake_file.stat().st_mtime
        except FileNotFoundError:
            return False
        woken, self._woken = touched > self._woken, touched
        return woken

    def _take(self, free: int) -> None:
        for run in find_runs(self.store, RunStatus.SCHEDULED)[:free]:
            if self._claim(run):
                self._start(run)

    def _claim(self, run: Run) -> bool:
        """Whether the run is ours. Of one machine's workers only one serves a SQLite store; on a
        server others may reach for the same run, and MLflow cannot compare and set: the last to
        write its name wins, and everyone looks again after the others had time to write."""
        if self.settings.database:
            return True
        set_tags(self.store, run.id, {Tag.WORKER: self.name})
        time.sleep(_SETTLE_SECONDS)
        again = get_run(self.store, run.id)
        return again.status is RunStatus.SCHEDULED and again.tags.get(Tag.WORKER) == self.name

    def _start(self, run: Run) -> None:
        folder = RunFolder(self.settings.run_folders / run.id)
        try:
            spec = get_spec(self.store, run.id)
            prepare(self.store, folder.create(), spec)
            process = self.launcher.start(spec, folder)
        except StoreError:
            raise
        except (ExperimentsError, OSError) as error:
            end_run(self.store, run.id, RunStatus.FAILED, f"It could not be started: {error}")
            folder.remove()
            return
        start_run(self.store, run.id, self.name)
        logger.info("Run %s (%s) starts", run.id, run.name)
        self._attend(folder, process)

    def _adopt(self) -> None:
        """Take over the runs that a worker left behind when it was killed: living ones are
        supervised, dead ones are recorded and ended."""
        if not self.settings.run_folders.is_dir():
            return
        for path in list(self.settings.run_folders.iterdir()):
            folder = RunFolder(path)
            if folder.run_id in self._attending or not folder.artifacts.is_dir():
                continue
            note = read_json(folder.process)
            process = FoundProcess(note.get("pid", 0), note.get("born", 0.0))
            if note.get("attends_itself") and process.poll() is None:
                continue
            if not note and _age(path) < ADOPT_SECONDS:
                continue  # somebody is just starting it
            if _has_ended(self.store, folder):
                folder.remove()
                continue
            logger.info("Run %s is taken over", folder.run_id)
            self._attend(folder, process)

    def _attend(self, folder: RunFolder, process: object) -> None:
        thread = threading.Thread(
            target=supervise,
            args=(self.store, folder, process, self.shutdown),
            name=f"supervise {folder.run_id}",
        )
        thread.start()
        self._attending[folder.run_id] = thread


def _has_ended(store: Store, folder: RunFolder) -> bool:
    try:
        return not get_run(store, folder.run_id).status.is_active
    except StoreError:
        raise
    except ExperimentsError:
        return True  # the run itself is gone


def _age(path: Path) -> float:
    return time.time() - path.stat().st_mtime
