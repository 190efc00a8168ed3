"""Supervising one run from outside its process: ship what it writes, pass on a stop, end it.

A run ends in exactly one of FINISHED, FAILED and KILLED, also when its process was killed, and
whatever it had written by then is in MLflow. While the store is down everything waits in the
run's folder; training does not notice.
"""

import logging
import math
import signal
import threading
import time
from typing import Any, Protocol

import pandas as pd

from experiments.core.checkpoint_files import MODEL_FILE, finish
from experiments.core.errors import RunNotFoundError, StoreError
from experiments.core.run_folder import (
    RunFolder,
    journal_history,
    read_journal,
    read_json,
    write_json,
)
from experiments.diagnosis import Verdict, diagnose
from experiments.spec.run_spec import HIGHER_IS_BETTER
from experiments.tracking.artifacts import drop_stale_checkpoints
from experiments.tracking.changes import delete_runs, end_run, restore_runs, set_tags
from experiments.tracking.history_reader import HISTORY_FILE, to_frame
from experiments.tracking.runs import RunStatus, Tag, get_run
from experiments.tracking.shipping import (
    Shipment,
    log_metrics,
    ship_artifacts,
    ship_journal,
    ship_log,
    watch_system,
)
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
    worker finishes the work.
    """
    watch = _Watch(store, folder, process)
    with watch_system(store, folder.run_id):
        while process.poll() is None:
            watch.tick(shutdown.is_set())
            process.wait(TICK_SECONDS)
    while True:
        try:
            return _finish(store, watch, shutdown.is_set())
        except RunNotFoundError:  # deleted for good in the MLflow UI while it trained
            folder.remove()
            return None
        except StoreError as error:
            logger.warning("Run %s waits for the store: %s", folder.run_id, error)
            if shutdown.wait(_RETRY_SECONDS):
                return None


class _Watch:
    """What has been seen of one training process so far."""

    def __init__(self, store: Store, folder: RunFolder, process: TrainingProcess) -> None:
        self.store, self.folder, self.process = store, folder, process
        self.shipment = Shipment(folder)
        self.stop_by: float | None = None
        self.overdue = ""
        self._log_at = self._quiet_until = 0.0
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
        self._end_overdue(now)

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
            self.folder.stop.touch()

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
    except FileNotFoundError:
        return 0.0


def _finish(store: Store, watch: _Watch, shutting_down: bool) -> RunStatus:
    """Ship the rest, the artifacts and the verdict, then end the run and delete its folder.

    A run that was put into the bin while it trained is taken out for that, and put back.
    """
    folder = watch.folder
    deleted = get_run(store, folder.run_id).deleted
    if deleted:
        restore_runs(store, [folder.run_id])
    ship_journal(store, watch.shipment)
    ship_log(store, watch.shipment)
    history = journal_history(folder.journal)
    if history:
        write_json(folder.artifacts / HISTORY_FILE, history)
        frame = to_frame(history)
        facts = _facts(folder)
        verdict = diagnose(
            frame,
            constant_loss=facts.get("constant_loss"),
            validation_samples=int(facts.get("val_samples", 0)) or None,
        )
        log_metrics(store, folder.run_id, best_values(frame))
        set_tags(store, folder.run_id, {Tag.VERDICT: verdict.label.value, Tag.NOTE: _note(verdict)})
    finish(folder.artifacts)
    ship_artifacts(store, folder)
    drop_stale_checkpoints(store, folder.run_id)
    status, reason = _judge(watch, shutting_down)
    end_run(store, folder.run_id, status, reason)
    if deleted:
        delete_runs(store, [folder.run_id])
    folder.remove()
    logger.info("Run %s is %s: %s", folder.run_id, status, reason)
    return status


def best_values(history: pd.DataFrame) -> dict[str, float]:
    """``best_epoch`` (of the lowest val_loss, or loss) and each metric's own best value."""
    monitor = "val_loss" if "val_loss" in history else "loss"
    if monitor not in history or history[monitor].isna().all():
        return {}
    best = {"best_epoch": float(history.index[int(history[monitor].argmin())])}
    for name in history:
        metric = str(name).removeprefix("val_")
        if str(name).startswith("val_") or (monitor == "loss" and metric in ("loss", "accuracy")):
            values = history[name]
            best[f"best_{name}"] = values.max() if metric in HIGHER_IS_BETTER else values.min()
    return {name: value for name, value in best.items() if math.isfinite(value)}


def _facts(folder: RunFolder) -> dict[str, float]:
    """The metrics that belong to the run as a whole."""
    facts: dict[str, float] = {}
    for entry in read_journal(folder.journal)[0]:
        if entry.epoch is None:
            facts |= entry.metrics
    return facts


def _note(verdict: Verdict) -> str:
    """The run's description in the MLflow UI."""
    title = verdict.label.value.replace("_", " ").capitalize()
    return f"**{title}.** {verdict.reason}\n\n{verdict.advice}"


def _judge(watch: _Watch, shutting_down: bool) -> tuple[RunStatus, str]:
    """The final status and the reason: the process's own word, or what its end tells."""
    result = read_json(watch.folder.result)
    if result:
        reason = result["reason"]
        if result["status"] == RunStatus.KILLED and shutting_down:
            reason = reason.replace("on request", "because the worker was shut down")
        return RunStatus(result["status"]), reason
    where = _where(read_json(watch.folder.heartbeat))
    kept = "Every epoch that it had finished is recorded"
    saved = (watch.folder.artifacts / MODEL_FILE).exists()
    kept += ", and its last checkpoint is saved." if saved else "; no checkpoint was saved."
    if watch.overdue:
        stopped = watch.stop_by is not None
        status = RunStatus.KILLED if stopped else RunStatus.FAILED
        return status, f"{watch.overdue} It was {where}. {kept}"
    return RunStatus.FAILED, f"{_exit_words(watch.process.poll())} {where}. {kept}"


def _where(progress: dict[str, Any]) -> str:
    match progress.get("phase"):
        case None:
            return "before it started"
        case "training":
            return f"in epoch {progress['epoch']}"
        case phase:
            return f"while {phase}"


def _exit_words(code: int | None) -> str:
    if code is not None and code < 0:
        name = signal.Signals(-code).name
        memory = " (the machine may have run out of memory)" if name == "SIGKILL" else ""
        return f"The training process was killed by {name}{memory}"
    if code:
        return f"The training process ended with exit code {code}"
    return "The training process disappeared"
