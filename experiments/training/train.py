"""The whole life of one run in its training process, read top to bottom.

Nothing here knows of MLflow: everything is written into the run's folder, and whoever supervises
the run (running/supervision.py) ships it.
"""

import errno
import json
import logging
import os
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import parent_process
from typing import NamedTuple

import keras
import numpy as np

from experiments.core.checkpoint_files import link
from experiments.core.errors import ExperimentsError
from experiments.core.journal import Journal, read_journal
from experiments.core.run_folder import RunFolder, note_process, write_json
from experiments.data.loading import Dataset, load_dataset
from experiments.data.split.audit import AUDIT_FILE, audit_split
from experiments.data.split.splits import Split, split_dataset
from experiments.models.building import (
    build_model,
    constant_loss,
    model_outline,
    refuse_too_large,
)
from experiments.saving.whole_model import (
    ARCHITECTURE_FILE,
    MODEL_FILE,
    WEIGHTS_FILE,
    save_architecture,
    save_model,
    save_weights,
)
from experiments.spec.run_spec import RunSpec
from experiments.tracking.run import Tag
from experiments.training.callbacks import Heartbeat, Recorder
from experiments.training.checkpoints import Checkpoints
from experiments.training.fitting import Watch, deciding_callbacks, fit
from experiments.training.memory_needs import measured_peak, predict_peak
from experiments.training.phases import Schedule
from experiments.training.resume_point import Start, epoch_saved_in, restore_start
from experiments.training.training_data import RunData

_MOST_PREDICTIONS = 10_000
_MEGABYTE = 1_000_000

logger = logging.getLogger("kerascope.training")


class Outcome(NamedTuple):
    """How the training process left the run: an MLflow status and the reason in words."""

    status: str
    reason: str


def train(spec: RunSpec, folder: RunFolder, *, supervises_itself: bool = False) -> Outcome:
    """Train a run from its first batch to its saved model; always leaves ``result.json``.

    A failure is recorded with its traceback in the log. Errors that the user caused are told in
    their own words, others by their type.
    """
    with _logging_to(logging.FileHandler(folder.log)):
        outcome = _try_to_train(spec, folder, supervises_itself)
        logger.info("%s. %s", outcome.status, outcome.reason)
    folder.reserve.unlink(missing_ok=True)
    write_json(folder.result, outcome._asdict())
    return outcome


def _try_to_train(spec: RunSpec, folder: RunFolder, supervises_itself: bool) -> Outcome:
    try:
        note_process(folder, supervises_itself=supervises_itself)
        folder.make_reserve()
        with (
            Journal(folder.journal) as journal,
            Heartbeat(folder, spec.training.epochs) as heartbeat,
        ):
            return _train(spec, folder, journal, heartbeat)
    except Exception as error:
        folder.reserve.unlink(missing_ok=True)  # a full disk has room for what is told now
        told = isinstance(error, ExperimentsError)
        logger.error("%s", error if told else traceback.format_exc())
        return Outcome("FAILED", str(error) if told else _explain(error, folder))


def train_in_child(spec: RunSpec, folder: RunFolder) -> None:
    """The body of a training process: whatever else is printed goes to the run's log as well."""
    log = os.open(folder.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    logger.propagate = False  # absl, which TensorFlow brings, would print each line once more
    if train(spec, folder).status == "FAILED":
        sys.exit(1)


@contextmanager
def _logging_to(handler: logging.Handler) -> Iterator[None]:
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        handler.close()


def _train(spec: RunSpec, folder: RunFolder, journal: Journal, heartbeat: Heartbeat) -> Outcome:
    started = time.perf_counter()
    keras.utils.set_random_seed(spec.seed)

    refuse_too_large(spec)
    heartbeat.enter("loading data")
    dataset = load_dataset(spec.dataset, spec.data_seed)
    split = split_dataset(dataset, spec.split, spec.data_seed)

    heartbeat.enter("building the model")
    model = build_model(spec, dataset, split)
    schedule = Schedule(spec, model)
    # as it was saved: the order of weights in .h5 depends on which of them train
    schedule.enter(schedule.left_after(epoch_saved_in(folder))[0])
    start = restore_start(spec, folder, model)
    _record_facts(spec, dataset, split, model, journal)
    for line in start.lines:
        journal.append(line)
    _write_data_artifacts(folder, dataset, split)
    save_architecture(model, folder.artifacts / ARCHITECTURE_FILE)
    logger.info(
        "%s: %s samples to train on, %s to validate, %s held out; %s parameters",
        spec.title, f"{len(split.train):,}", f"{len(split.validation):,}", f"{len(split.test):,}",
        f"{model.count_params():,}",
    )  # fmt: skip

    heartbeat.enter("training")
    data = RunData.of(spec, dataset, split)
    recorder = Recorder(journal, heartbeat, start.lines, skipped=start.batch)
    deciding = deciding_callbacks(spec, recorder)
    _mark_epochs(journal, start, schedule)
    checkpoints = Checkpoints(folder, spec, recorder, deciding, start.resume_points, model)
    fit(data, schedule, start, Watch(recorder, deciding, checkpoints), spec.training.loop)

    heartbeat.enter("saving")
    journal.write({"peak_memory_mb": measured_peak() / _MEGABYTE})
    _save(folder, model, checkpoints)
    _write_predictions(folder, model, dataset, split)
    if (test := data.test()) is not None:
        values = model.evaluate(test, verbose=0, return_dict=True)
        journal.write({f"test_{name}": float(value) for name, value in values.items()})
    logger.info(
        "%d epochs in %.1f s; an epoch took %.2f ms to record and %.2f ms to save",
        recorder.recorded - start.epoch,
        time.perf_counter() - started,
        1000 * recorder.seconds / max(recorder.recorded - start.epoch, 1),
        1000 * checkpoints.seconds / max(recorder.recorded - start.epoch, 1),
    )
    return _outcome(spec, heartbeat, recorder, start)


def _mark_epochs(journal: Journal, start: Start, schedule: Schedule) -> None:
    """Tell before which epochs the run went on or began to train more of its base."""
    marks = {
        Tag.RESUME_POINTS: list(start.resume_points),
        Tag.PHASES: list(schedule.borders.items()),
    }
    if tags := {tag.value: json.dumps(epochs) for tag, epochs in marks.items() if epochs}:
        journal.write(tags=tags)


def _save(folder: RunFolder, model: keras.Model, checkpoints: Checkpoints) -> None:
    """The model as training left it; that is one of the checkpoints, so it is not saved again."""
    final = checkpoints.final()
    if final:
        link(final, folder.artifacts / MODEL_FILE)
    else:
        save_model(model, folder.artifacts / MODEL_FILE)
    save_weights(model, folder.artifacts / WEIGHTS_FILE)


def _record_facts(
    spec: RunSpec, dataset: Dataset, split: Split, model: keras.Model, journal: Journal
) -> None:
    """What is known before the first batch and cannot be read off the spec."""
    forked = parent_process() is not None
    predicted = predict_peak(spec, model_outline(model), forked)
    journal.write(
        {
            "constant_loss": constant_loss(spec, dataset.y[split.train]),
            "train_samples": len(split.train),
            "val_samples": len(split.validation),
            "test_samples": len(split.test if dataset.y_test is None else dataset.y_test),
            "predicted_memory_mb": predicted / _MEGABYTE,
        },
        params={
            "model.parameters": str(model.count_params()),
            "dataset.content_hash": dataset.content_hash,
            "keras.version": keras.__version__,
            "keras.backend": keras.backend.backend(),
        },
    )


def _write_data_artifacts(folder: RunFolder, dataset: Dataset, split: Split) -> None:
    np.savez(
        folder.artifacts / "split.npz",
        train=split.train, validation=split.validation, test=split.test,
    )  # fmt: skip
    write_json(folder.artifacts / AUDIT_FILE, audit_split(dataset, split).to_dict())
    names = json.dumps(list(dataset.info.class_names), ensure_ascii=False)
    (folder.artifacts / "class_names.json").write_text(names, encoding="utf-8")


def _write_predictions(
    folder: RunFolder, model: keras.Model, dataset: Dataset, split: Split
) -> None:
    """What the saved model predicts for the validation samples (or, without any, for training
    samples): ``index`` (n,), ``truth`` (n,) and ``prediction`` (n, outputs)."""
    index = (split.validation if len(split.validation) else split.train)[:_MOST_PREDICTIONS]
    one = max(1, dataset.x.nbytes // len(dataset.x))
    at_once = max(1, _PREDICTED_BYTES // one // PREDICT_BATCH) * PREDICT_BATCH
    parts = np.split(index, range(at_once, len(index), at_once))
    prediction = np.concatenate(
        [model.predict(dataset.x[part], batch_size=PREDICT_BATCH, verbose=0) for part in parts]
    )
    np.savez(
        folder.artifacts / "predictions.npz",
        index=index,
        truth=dataset.y[index].reshape(len(index)),
        prediction=prediction,
    )


_PREDICTED_BYTES = 64_000_000  # of samples at a time, in the same batches as all at once
#: The batch size of recorded predictions: a reload that must agree to the bit uses it too.
PREDICT_BATCH = 256


def _outcome(spec: RunSpec, heartbeat: Heartbeat, recorder: Recorder, start: Start) -> Outcome:
    epochs = f"{recorder.recorded} of {spec.training.epochs} epochs"
    if heartbeat.stop_requested.is_set() and recorder.recorded < spec.training.epochs:
        cut = recorder.cut_after
        of = f" of {heartbeat.batches}" if heartbeat.batches else ""
        where = f" and {cut}{of} batches of the next one" if cut else ""
        return Outcome("KILLED", f"Stopped on request after {epochs}{where}; the model is saved.")
    resumed = f" It {start.words}." if start.words else ""
    if recorder.recorded < spec.training.epochs:
        early = spec.callbacks.early_stopping
        watched = f": {early.monitor} no better for {early.patience} epochs" if early else ""
        return Outcome("FINISHED", f"Early stopping after {epochs}{watched}.{resumed}")
    return Outcome("FINISHED", f"Trained all {recorder.recorded} epochs.{resumed}")


def _explain(error: Exception, folder: RunFolder) -> str:
    kind = type(error).__name__
    for full in map(os.strerror, (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)):
        if full in str(error):  # h5py has it only in its text
            entries = read_journal(folder.journal).entries
            recorded = len({entry.epoch for entry in entries} - {None})
            return (
                f"{full}: {getattr(error, 'filename', None) or folder.path}; {recorded} epochs "
                "are recorded. Make room there, then resume the run."
            )
    if kind in ("MemoryError", "ResourceExhaustedError"):
        return f"Out of memory. Choose a smaller network, batch size or dataset. ({kind})"
    lines = str(error).strip().splitlines()
    return f"{kind}: {lines[0][:500] if lines else 'no message'}"
