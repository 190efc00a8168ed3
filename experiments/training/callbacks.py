"""What is recorded each epoch, the heartbeat, and the stop on request."""

import logging
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import keras
import numpy as np

from experiments.core.journal import Journal, journal_line, parse_line
from experiments.core.recorded import NOT_LOGGED
from experiments.core.run_folder import RunFolder, write_json

_MOST_SAMPLES = 1024
_MOST_VALUES = 4_000_000  # in one batch of the sample; a convolution multiplies it by its filters

logger = logging.getLogger("kerascope.training")


class Heartbeat:
    """A thread that writes the heartbeat every second and looks for the stop request.

    So the callbacks only set attributes and read a flag, and a batch costs nothing more.
    """

    SECONDS = 1.0
    PATIENCE = 30.0  # for which it may fail to be written: somebody may make room on the disk
    _LOOK = 0.1

    def __init__(self, folder: RunFolder, epochs: int) -> None:
        self.folder = folder
        self.phase = "starting"
        self.epochs = epochs
        self.epoch = 0
        self.batch = 0
        self.batches: int | None = None
        self.seconds_per_epoch: float | None = None
        self.stop_requested = threading.Event()
        self.failure: OSError | None = None  # why it could not be written for so long
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> "Heartbeat":
        self.write()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        with suppress(OSError):  # what went wrong, if anything did, is told by the result
            self.enter("ended")

    def enter(self, phase: str) -> None:
        """Name what is being done now, for the page."""
        self.phase = phase
        self.write()

    def write(self) -> None:
        """Write the heartbeat now."""
        progress = {
            "phase": self.phase,
            "epoch": self.epoch,
            "epochs": self.epochs,
            "batch": self.batch,
            "batches": self.batches,
            "seconds_per_epoch": self.seconds_per_epoch,
        }
        write_json(self.folder.heartbeat, progress)

    def _beat(self) -> None:
        beaten = written = time.monotonic()
        while not self._ended.wait(self._LOOK):
            if not self.stop_requested.is_set() and self.folder.stop.exists():
                self.stop_requested.set()
            if time.monotonic() - beaten >= self.SECONDS:
                beaten = time.monotonic()
                try:
                    self.write()
                    written = beaten
                except OSError as error:
                    logger.warning("The heartbeat cannot be written: %s", error)
                    if beaten - written >= self.PATIENCE:
                        self.failure = error


class TrainEvaluation(keras.callbacks.Callback):
    """Adds ``train_eval_<metric>`` to each epoch: training samples measured in test mode.

    The loss that Keras reports for training is measured with dropout on and as a mean over batches
    while the weights move; this one is measured like ``val_loss``, so the two can be compared.
    What it costs stands beside it as ``evaluation_seconds``.
    """

    def __init__(self, x: np.ndarray, y: np.ndarray) -> None:
        super().__init__()
        self.x, self.y = x, y

    @staticmethod
    def sample_size(train: int, validation: int, values_per_sample: int) -> int:
        """How many training samples to measure: as many as validate, and few enough for one batch.

        Without validation 1,024 do. Measuring all of them would cost 12 to 41 % of training.
        """
        fits = max(1, _MOST_VALUES // values_per_sample)
        return min(train, validation or _MOST_SAMPLES, _MOST_SAMPLES, fits)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Measure, and add the values to ``logs``, where later callbacks find them."""
        started = time.perf_counter()
        # one batch: unlike evaluate it needs no new tf.data pipeline in each epoch
        values = self.model.test_on_batch(self.x, self.y, return_dict=True)
        if logs is not None:
            logs |= {f"train_eval_{name}": float(value) for name, value in values.items()}
            logs["evaluation_seconds"] = time.perf_counter() - started


class Recorder(keras.callbacks.Callback):
    """Measures each epoch for the journal and ends training when asked to.

    Keras still validates and ends the epoch in which ``stop_training`` was set. Such a cut epoch is
    no epoch: ``cut_after`` says how many of its batches were trained, and it is not recorded.
    ``recorded`` counts whole epochs, ``lines`` are theirs in the journal, those of before a resume
    among them. ``seconds`` adds up what recording costs.
    """

    def __init__(
        self, journal: Journal, heartbeat: Heartbeat, lines: Sequence[str] = (), skipped: int = 0
    ) -> None:
        super().__init__()
        self.journal, self.heartbeat = journal, heartbeat
        self.lines = list(lines)
        self.cut_after = 0
        self.seconds = 0.0
        self._skipped = skipped  # batches of the first epoch that were trained before
        self._started = 0.0

    @property
    def recorded(self) -> int:
        """How many whole epochs the run has."""
        return len(self.lines)

    def values_of(self, metric: str, since: int = 0) -> list[float]:
        """A metric in each epoch that has it; ``since`` -1 means the last one alone."""
        entries = map(parse_line, self.lines[since:])
        return [entry.metrics[metric] for entry in entries if metric in entry.metrics]

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Note how many batches an epoch has."""
        self.heartbeat.batches = self.params.get("steps")

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Start the epoch's clock."""
        self._started = time.perf_counter()
        self.heartbeat.epoch, self.heartbeat.batch = epoch, 0

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Count the batch; end training after it if that was asked for, or if nobody can be told
        that it goes on."""
        if self.heartbeat.failure:
            raise self.heartbeat.failure
        self.heartbeat.batch = done = batch + 1
        if done <= self._skipped or not self.heartbeat.stop_requested.is_set():
            return
        if not self.model.stop_training:
            self.model.stop_training = True
            if self.heartbeat.batches is None or done < self.heartbeat.batches:
                self.cut_after = done

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Take the epoch's metrics, learning rate and duration; ``publish`` records them."""
        ended = time.perf_counter()
        if self.cut_after:
            return
        self._skipped = 0
        values = {name: float(value) for name, value in (logs or {}).items()}
        values["learning_rate"] = float(self.model.optimizer.learning_rate)
        values["epoch_seconds"] = self.heartbeat.seconds_per_epoch = ended - self._started
        self.lines.append(journal_line(values, epoch))
        said = "  ".join(f"{name} {value:.4g}" for name, value in values.items()
                         if not name.startswith(NOT_LOGGED))  # fmt: skip
        logger.info("epoch %d  %s", epoch, said)
        self.seconds += time.perf_counter() - ended

    def publish(self) -> None:
        """Write the epoch that has just ended to the journal."""
        started = time.perf_counter()
        self.journal.append(self.lines[-1])
        self.seconds += time.perf_counter() - started


class _WholeEpochs(keras.callbacks.Callback):
    """Keeps the metrics of a cut epoch from a callback that decides by them."""

    def __init__(self, recorder: Recorder, **settings: Any) -> None:
        super().__init__(**settings)
        self._recorder = recorder

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """As Keras does, for whole epochs."""
        if not self._recorder.cut_after:
            super().on_epoch_end(epoch, logs)


class EarlyStopping(_WholeEpochs, keras.callbacks.EarlyStopping):
    """Keras' own, for whole epochs; where another phase follows (``goes_on``), the weights stay as
    they are at the end of this one, unless it stops training."""

    goes_on = False

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Go back to the best weights where training ends."""
        if not self.goes_on or self.model.stop_training:
            super().on_train_end(logs)


class ReduceLROnPlateau(_WholeEpochs, keras.callbacks.ReduceLROnPlateau):
    """Keras' own, for whole epochs."""
