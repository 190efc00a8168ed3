"""The record of a run that has ended: history, best values, verdict and checkpoints."""

import logging
import math
import shutil
from collections.abc import Sequence

import pandas as pd

from experiments.core.checkpoint_files import UNREADABLE, finish
from experiments.core.errors import RunNotFoundError, StoreError
from experiments.core.journal import Entry, journal_history, missing_epochs, read_journal
from experiments.core.run_folder import RunFolder, write_json
from experiments.diagnosis.naming import higher_is_better
from experiments.running.run_verdict import read_split_faults, write_verdict
from experiments.tracking.artifacts import drop_stale_checkpoints
from experiments.tracking.history_reader import HISTORY_FILE, to_frame
from experiments.tracking.shipping import log_metrics, ship_artifacts
from experiments.tracking.store import Store

logger = logging.getLogger(__name__)


def write_record(store: Store, folder: RunFolder) -> list[str]:
    """Bring into MLflow what is known when a run has ended; may be done again.

    Returns what could not be read, one sentence each, for the reason of the run. Raises
    StoreError.
    """
    entries, _, broken = read_journal(folder.journal)
    problems = _left_out(entries, broken)
    if broken:
        shutil.copyfile(folder.journal, folder.artifacts / folder.journal.name)
    if history := journal_history(entries):
        write_json(folder.artifacts / HISTORY_FILE, history)
        frame = to_frame(history).drop(index=missing_epochs(entries))
        facts = _facts(entries)
        log_metrics(store, folder.run_id, best_values(frame))
        try:
            faults = read_split_faults(folder.artifacts)
            write_verdict(store, folder.run_id, frame, facts, faults)
        except (StoreError, RunNotFoundError):
            raise
        except Exception as error:  # a run is more than the verdict on it
            logger.exception("Run %s has no verdict", folder.run_id)
            problems.append(f"There is no verdict on it: {type(error).__name__}: {error}.")
    if unreadable := finish(folder.artifacts):
        problems.append(
            f"Not readable, kept in {UNREADABLE}/ beside its files: {', '.join(unreadable)}."
        )
    ship_artifacts(store, folder)
    drop_stale_checkpoints(store, folder.run_id)
    return problems


def best_values(history: pd.DataFrame) -> dict[str, float]:
    """``best_epoch`` (of the lowest val_loss, or loss), what each metric was there, which is what
    the checkpoint ``best`` holds (``best_epoch_val_accuracy``), and each metric's own best value
    (``best_val_accuracy``)."""
    monitor = "val_loss" if "val_loss" in history else "loss"
    if monitor not in history or history[monitor].isna().all():
        return {}
    row = int(history[monitor].argmin())
    best = {"best_epoch": float(history.index[row])}
    for name in history:
        metric = str(name).removeprefix("val_")
        if str(name).startswith("val_") or (monitor == "loss" and metric in ("loss", "accuracy")):
            values = history[name]
            best[f"best_{name}"] = values.max() if higher_is_better(metric) else values.min()
            best[f"best_epoch_{name}"] = float(values.iloc[row])
    return {name: value for name, value in best.items() if math.isfinite(value)}


def _facts(entries: Sequence[Entry]) -> dict[str, float]:
    """The metrics that belong to the run as a whole."""
    facts: dict[str, float] = {}
    for entry in entries:
        if entry.epoch is None:
            facts |= entry.metrics
    return facts


def _left_out(entries: Sequence[Entry], broken: int) -> list[str]:
    """What is missing in the journal, in words."""
    if not broken:
        return []
    missing = ", ".join(map(str, missing_epochs(entries)))
    lines = "1 line of its journal is" if broken == 1 else f"{broken} lines of its journal are"
    what = f" Missing in its history: epoch {missing}." if missing else ""
    return [f"{lines} broken and left out.{what}"]
