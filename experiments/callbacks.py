"""What is recorded each epoch, the heartbeat, and the stop on request."""

import logging
import threading
import time
from typing import Any

import keras
import numpy as np

from experiments.run_folder import Journal, RunFolder, write_json

_MOST_SAMPLES = 1024
_MOST_VALUES = 4_000_000  # in one batch of the sample; a convolution multiplies it by its filters
_UNSAID = ("train_eval_", "evaluation_seconds", "learning_rate")

logger = logging.getLogger("kerascope.training")


class Pulse:
    """A thread that writes the heartbeat every second and looks for the stop request.

    So the callbacks only set attributes and read a flag, and a batch costs nothing more.
    """

    SECONDS = 1.0
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
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="pulse", daemon=True)

    def __enter__(self) -> "Pulse":
        self.write()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
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
        beaten = time.monotonic()
        while not self._ended.wait(self._LOOK):
            if not self.stop_requested.is_set() and self.folder.stop.exists():
                self.stop_requested.set()
            if time.monotonic() - beaten >= self.SECONDS:
                self.write()
                beaten = time.monotonic()


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
    """Writes each epoch to the journal and ends training when asked to.

    Keras still validates and ends the epoch in which ``stop_training`` was set; such an epoch is
    recorded, and ``partial_epoch`` names it. ``seconds`` adds up what recording costs.
    """

    def __init__(self, journal: Journal, pulse: Pulse) -> None:
        super().__init__()
        self.journal = journal
        self.pulse = pulse
        self.partial_epoch: int | None = None
        self.recorded = 0
        self.seconds = 0.0
        self._started = 0.0

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Note how many batches an epoch has."""
        self.pulse.batches = self.params.get("steps")

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Start the epoch's clock."""
        self._started = time.perf_counter()
        self.pulse.epoch, self.pulse.batch = epoch, 0

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Count the batch; end training after it if that was asked for."""
        self.pulse.batch = batch + 1
        if self.pulse.stop_requested.is_set() and not self.model.stop_training:
            self.model.stop_training = True
            if self.pulse.batches is None or batch + 1 < self.pulse.batches:
                self.partial_epoch = self.pulse.epoch

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Write the epoch's metrics, learning rate and duration."""
        ended = time.perf_counter()
        values = {name: float(value) for name, value in (logs or {}).items()}
        values["learning_rate"] = float(self.model.optimizer.learning_rate)
        values["epoch_seconds"] = self.pulse.seconds_per_epoch = ended - self._started
        self.journal.write(values, epoch=epoch)
        said = "  ".join(f"{name} {value:.4g}" for name, value in values.items()
                         if not name.startswith(_UNSAID))  # fmt: skip
        logger.info("epoch %d  %s", epoch, said)
        self.recorded = epoch + 1
        self.seconds += time.perf_counter() - ended
