"""Supervising one run from outside its process: ship what it writes, pass on a stop, end it.

A run ends in exactly one of FINISHED, FAILED and KILLED, also when its process was killed, and
whatever it had written by then is in MLflow. While the store is down everything waits in the
run's folder; training does not notice.
"""

import logging
import signal
import threading
import time
import traceback
from typing import Any, Protocol

from experiments.core.checkpoint_files import MODEL_FILE
from experiments.core.errors import RunNotFoundError, StoreError, StoreRefusedError
from experiments.core.run_folder import RunFolder, read_json
from experiments.running.run_record import write_record
from experiments.tracking.changes import delete_runs, end_run, restore_runs
from experiments.tracking.runs import RunStatus, get_run
from experiments.tracking.shipping import Shipment, ship_journal, ship_log, watch_system
from experiments.tracking.store import Store

TICK_SECONDS = 0.5
LOG_SECONDS = 3.0
GRACE_SECONDS = 30.0
SILENCE_SECONDS = 180.0
_RETRY_SECONDS = 2.0

logger = logging.getLogger(__name__)


class TrainingProcess(Protocol):
    """The process that trains, as whoever supervises it sees it."""

    def poll(self) -> int | None:
        """The exit code (negative: the signal that ended it), or None while it lives."""

    def wait(self, seconds: float) -> None:
        """Return when it has ended or the time is over."""

    def kill(self) -> None:
        """End it at once."""


def supervise(
    store: Store, folder: RunFolder, process: TrainingProcess, shutdown: threading.Event
) -> RunStatus | None:
    """Stay with a RUNNING run until it is over and all of it is in MLflow.

    ``shutdown`` asks the run to stop because the worker ends. Returns the final status, or None
    if the store was still down when the worker had to end: then the folder stays, and the next
    worker finishes the work. A run that cannot be recorded is FAILED, and its folder is set aside.
    """
    watch = _Watch(store, folder, process)
    with watch_system(store, folder.run_id):
        while process.poll() is None:
            watch.tick(shutdown.is_set())
            process.wait(TICK_SECONDS)
    return _record(store, watch, shutdown)


def _record(store: Store, watch: "_Watch", shutdown: threading.Event) -> RunStatus | None:
    """Finish the run, as often as it takes while the store is down; give up what fails twice at
    the same place for a reason that does not go away by waiting."""
    seen: set[tuple[str, int]] = set()
    trouble: Exception | None = None
    while True:
        try:
            if trouble:
                return _give_up(store, watch, trouble)
            return _finish(store, watch, shutdown.is_set())
        except RunNotFoundError:  # deleted for good in the MLflow UI while it trained
            watch.folder.remove()
            return None
        except Exception as error:
            if isinstance(error, StoreError) and not isinstance(error, StoreRefusedError):
                logger.warning("Run %s waits for the store: %s", watch.folder.run_id, error)
            else:
                logger.exception("Run %s cannot be recorded", watch.folder.run_id)
                place = _place(error)
                if place in seen and not trouble:
                    trouble = error
                seen.add(place)
            if shutdown.wait(_RETRY_SECONDS):
                return None


def _place(error: Exception) -> tuple[str, int]:
    """Where an exception was raised; its words may differ each time."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} {last.filename}", last.lineno or 0


class _Watch:
    """What has been seen of one training process so far."""

    def __init__(self, store: Store, folder: RunFolder, process: TrainingProcess) -> None:
        self.store, self.folder, self.process = store, folder, process
        self.shipment = Shipment(folder)
        self.stop_by: float | None = None
        self.overdue = ""
        self._log_at = self._quiet_until = 0.0
        self._was_in_bin = False
        self._heartbeat, self._heard = 0.0, time.monotonic()

    def tick(self, shutting_down: bool) -> None:
        """Ship what is new, pass on a request to stop, and end a process that does not obey."""
        now = time.monotonic()
        if shutting_down:
            self._ask_to_stop(now)
        if now >= self._quiet_until:
            try:
                self._exchange(now)
            except (StoreError, RunNotFoundError) as error:
                logger.warning("Run %s: %s", self.folder.run_id, error)
                self._quiet_until = now + _RETRY_SECONDS
            except Exception:  # training goes on; _record has the last word
                logger.exception("Run %s cannot be shipped", self.folder.run_id)
                self._quiet_until = now + LOG_SECONDS
        self._end_overdue(now)

    def take_out_of_bin(self) -> None:
        """A run that was put into the bin while it trained is taken out until it has ended."""
        if get_run(self.store, self.folder.run_id).deleted:
            self._was_in_bin = True
            restore_runs(self.store, [self.folder.run_id])

    def end(self, status: RunStatus, reason: str) -> None:
        """End the run, and put it back where it was."""
        end_run(self.store, self.folder.run_id, status, reason)
        if self._was_in_bin:
            delete_runs(self.store, [self.folder.run_id])
        logger.info("Run %s is %s: %s", self.folder.run_id, status, reason)

    def _exchange(self, now: float) -> None:
        run = get_run(self.store, self.folder.run_id)
        if run.stop_requested or run.deleted:
            self._ask_to_stop(now)
        if run.deleted:  # MLflow takes nothing for it now; _finish ships it all
            return
        ship_journal(self.store, self.shipment)
        if now - self._log_at >= LOG_SECONDS:
            ship_log(self.store, self.shipment)
            self._log_at = now

    def _ask_to_stop(self, now: float) -> None:
        if self.stop_by is None:
            self.stop_by = now + GRACE_SECONDS
            try:
                self.folder.stop.touch()
            except OSError as error:  # a full disk: the process is ended when the time is over
                logger.warning("Run %s cannot be asked to stop: %s", self.folder.run_id, error)

    def _end_overdue(self, now: float) -> None:
        heartbeat = _modified(self.folder)
        if heartbeat != self._heartbeat:
            self._heartbeat, self._heard = heartbeat, now
        # a saving process may take its time, as long as its heart beats
        saving = read_json(self.folder.heartbeat).get("phase") == "saving"
        if self.stop_by is not None and now > self.stop_by and not saving:
            self.overdue = f"It did not stop within {GRACE_SECONDS:.0f} s and was ended."
        elif now - self._heard > SILENCE_SECONDS:
            self.overdue = f"Its process did not respond for {SILENCE_SECONDS:.0f} s."
        if self.overdue:
            self.process.kill()


def _modified(folder: RunFolder) -> float:
    try:
        return folder.heartbeat.stat().st_mtime
    except OSError:
        return 0.0


def _finish(store: Store, watch: _Watch, shutting_down: bool) -> RunStatus:
    """Ship the rest, write the record, then end the run and delete its folder."""
    folder = watch.folder
    watch.take_out_of_bin()
    folder.artifacts.mkdir(parents=True, exist_ok=True)
    ship_journal(store, watch.shipment)
    ship_log(store, watch.shipment)
    problems = write_record(store, folder)
    status, reason = _judge(watch, shutting_down, _kept(folder, whole=not problems))
    watch.end(status, " ".join([reason, *problems]))
    folder.remove()
    return status


def _give_up(store: Store, watch: _Watch, error: Exception) -> RunStatus:
    """End a run that cannot be recorded; what it wrote is kept for whoever mends that."""
    folder = watch.folder
    watch.take_out_of_bin()
    _, reason = _judge(watch, shutting_down=False, kept="")
    said = str(error).strip().partition("\n")[0][:500]
    watch.end(
        RunStatus.FAILED,
        f"It could not be recorded: {type(error).__name__}: {said}. The worker's log has the "
        f"traceback; what the run wrote is kept in {folder.aside}. How it ended: {reason}",
    )
    try:
        folder.set_aside()
    except OSError:
        logger.exception("Run %s: its folder stays", folder.run_id)
    return RunStatus.FAILED


def _judge(watch: _Watch, shutting_down: bool, kept: str) -> tuple[RunStatus, str]:
    """The final status and the reason: the process's own word, or what its end tells with what is
    ``kept``."""
    result = read_json(watch.folder.result)
    status, reason = result.get("status"), result.get("reason")
    if status in set(RunStatus) and isinstance(reason, str):
        if status == RunStatus.KILLED and shutting_down:
            reason = reason.replace("on request", "because the worker was shut down")
        return RunStatus(status), reason
    where = _where(read_json(watch.folder.heartbeat))
    if watch.overdue:
        stopped = watch.stop_by is not None
        ended = RunStatus.KILLED if stopped else RunStatus.FAILED
        return ended, f"{watch.overdue} It was {where}. {kept}".rstrip()
    return RunStatus.FAILED, f"{_exit_words(watch.process.poll())} {where}. {kept}".rstrip()


def _kept(folder: RunFolder, *, whole: bool) -> str:
    """What is recorded of a run that could not say it itself."""
    kept = "Every epoch that it had finished" if whole else "What could be read of its epochs"
    saved = (folder.artifacts / MODEL_FILE).exists()
    and_saved = ", and its last checkpoint is saved." if saved else "; no checkpoint was saved."
    return f"{kept} is recorded{and_saved}"


def _where(progress: dict[str, Any]) -> str:
    match progress.get("phase"):
        case None:
            return "before it started"
        case "training" if "epoch" in progress:
            return f"in epoch {progress['epoch']}"
        case phase:
            return f"while {phase}"


def _exit_words(code: int | None) -> str:
    if code is not None and code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
        memory = " (the machine may have run out of memory)" if name == "SIGKILL" else ""
        return f"The training process was killed by {name}{memory}"
    if code:
        return f"The training process ended with exit code {code}"
    return "The training process disappeared"
