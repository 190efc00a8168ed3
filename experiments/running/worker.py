"""The worker: takes SCHEDULED runs and trains each in its own process, until it is ended."""

import logging
import os
import signal
import socket
import threading
import time
from pathlib import Path

from filelock import FileLock, Timeout

from experiments.core.errors import (
    ExperimentsError,
    RunNotFoundError,
    StoreError,
    WorkerError,
)
from experiments.core.run_folder import RunFolder, read_process, write_json
from experiments.core.settings import Settings
from experiments.running.local_launcher import FoundProcess, LocalLauncher
from experiments.running.run_preparation import prepare
from experiments.running.supervision import TrainingProcess, supervise
from experiments.running.verdict_refresh import refresh_verdicts
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
        self.launcher = LocalLauncher(settings)
        self.shutdown = threading.Event()
        self.name = f"{socket.gethostname()}:{os.getpid()}"
        self._supervising: dict[str, threading.Thread] = {}
        self._polled = self._adopted = -float("inf")
        self._woken = 0.0
        self._busy_at = time.monotonic()

    def run(self) -> None:
        """Take and supervise until shutdown; a store that is down is waited for."""
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: self.shutdown.set())
        self.launcher.warm()
        logger.info("Worker %s serves %s", self.name, self.settings.tracking_uri)
        threading.Thread(target=self._refresh_verdicts, daemon=True).start()
        while not self.shutdown.wait(TICK_SECONDS):
            try:
                self._tick()
            except StoreError as error:
                logger.warning("%s", error)
                self.shutdown.wait(POLL_SECONDS)
            except Exception:  # one run must not end the worker of all others
                logger.exception("The worker goes on")
                self.shutdown.wait(POLL_SECONDS)
            if self.embedded and time.monotonic() - self._busy_at > IDLE_SECONDS:
                logger.info("Nothing to do for %.0f minutes; the worker stops.", IDLE_SECONDS / 60)
                return
        logger.info("Shutting down; %d runs are asked to stop.", len(self._supervising))
        for thread in self._supervising.values():
            thread.join()

    def _refresh_verdicts(self) -> None:
        try:
            if count := refresh_verdicts(self.store, self.shutdown.is_set):
                logger.info("%d verdicts of earlier rules were made anew", count)
        except Exception:  # the next worker tries again
            logger.exception("The verdicts of earlier rules stay")

    def _tick(self) -> None:
        self._supervising = {
            run_id: thread for run_id, thread in self._supervising.items() if thread.is_alive()
        }
        now = time.monotonic()
        if self._supervising:
            self._busy_at = now
        if now - self._adopted >= ADOPT_SECONDS:
            self._adopted = now
            self._adopt()
        if len(self._supervising) < self.slots and (
            now - self._polled >= POLL_SECONDS or self._wake()
        ):
            self._polled = now
            self._take(self.slots - len(self._supervising))

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
            if run.id not in self._supervising and self._claim(run):
                self._start(run)

    def _claim(self, run: Run) -> bool:
        """Whether the run is ours. Of one machine's workers only one serves a SQLite store; on a
        server others may reach for the same run, and MLflow cannot compare and set: the last to
        write its name wins, and everyone looks again after the others had time to write."""
        if self.settings.database:
            return True
        set_tags(self.store, run.id, {Tag.WORKER: self.name})
        time.sleep(_SETTLE_SECONDS)
        try:
            again = get_run(self.store, run.id)
        except RunNotFoundError:  # somebody deleted it for good
            return False
        return again.status is RunStatus.SCHEDULED and again.tags.get(Tag.WORKER) == self.name

    def _start(self, run: Run) -> None:
        folder = RunFolder(self.settings.run_folders / run.id)
        try:
            spec = get_spec(self.store, run.id)
            prepare(self.store, folder.create(), spec)
        except StoreError:
            folder.remove()  # nothing has begun, and another machine may take the run
            raise
        except Exception as error:
            self._refuse(folder, error)
            return
        # before its process: a run that trains is never taken a second time. Where the store
        # fails now, the folder stays, and is adopted if the run is RUNNING all the same
        start_run(self.store, run.id, self.name)
        try:
            process = self.launcher.start(spec, folder)
        except Exception as error:
            self._refuse(folder, error)
            return
        logger.info("Run %s (%s) starts", run.id, run.name)
        self._supervise(folder, process)

    def _refuse(self, folder: RunFolder, error: Exception) -> None:
        """End a run that cannot be started; what nobody foresaw is logged with its traceback."""
        said = str(error)
        if not isinstance(error, ExperimentsError | OSError):
            logger.error("Run %s cannot be started", folder.run_id, exc_info=error)
            said = f"{type(error).__name__}: {error}. The worker's log has the traceback."
        end_run(self.store, folder.run_id, RunStatus.FAILED, f"It could not be started: {said}")
        folder.remove()

    def _adopt(self) -> None:
        """Take over the runs that a worker left behind when it was killed: living ones are
        supervised, dead ones are recorded and ended."""
        if not self.settings.run_folders.is_dir():
            return
        for path in list(self.settings.run_folders.iterdir()):
            folder = RunFolder(path)
            if folder.is_aside or folder.run_id in self._supervising or not path.is_dir():
                continue
            try:
                self._adopt_one(folder)
            except StoreError:
                raise
            except FileNotFoundError:  # whoever trained it has just finished
                continue
            except WorkerError as error:  # a newer worker will
                logger.warning("Run %s is left alone: %s", folder.run_id, error)
            except Exception:  # the folders behind it are looked at, too
                logger.exception("Run %s cannot be taken over yet", folder.run_id)

    def _adopt_one(self, folder: RunFolder) -> None:
        note = read_process(folder)
        process = FoundProcess.of(folder)
        if note.get("attends_itself") and process.poll() is None:
            return
        if not note and _age(folder.path) < ADOPT_SECONDS:
            return  # somebody is just starting it
        status = _status(self.store, folder)
        if status is RunStatus.SCHEDULED and not note:
            return  # the store was down before it was started; it is taken anew
        if status is None or not status.is_active:
            if folder.artifacts.is_dir():  # else it is no folder of a run
                folder.remove()
            return
        logger.info("Run %s is taken over", folder.run_id)
        self._supervise(folder, process)

    def _supervise(self, folder: RunFolder, process: TrainingProcess) -> None:
        thread = threading.Thread(
            target=supervise,
            args=(self.store, folder, process, self.shutdown),
            name=f"supervise {folder.run_id}",
        )
        thread.start()
        self._supervising[folder.run_id] = thread


def _status(store: Store, folder: RunFolder) -> RunStatus | None:
    try:
        return get_run(store, folder.run_id).status
    except RunNotFoundError:
        return None  # the run itself is gone


def _age(path: Path) -> float:
    return time.time() - path.stat().st_mtime
