"""Ways to record a run's epochs, each as a Keras callback with what it needs around it."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np

from benchmarks.stopwatch import AT_END, stopwatch
from experiments.core.journal import Journal
from experiments.core.run_folder import RunFolder
from experiments.core.settings import Settings
from experiments.data.loading import load_dataset
from experiments.data.split.splits import split_dataset
from experiments.models.building import build_model, compile_model
from experiments.spec.run_spec import RunSpec
from experiments.tracking.store import Store
from experiments.training.callbacks import Heartbeat, Recorder, TrainEvaluation
from experiments.training.gap_recording import GapRecording, Sample

Callbacks = list[keras.callbacks.Callback]
_MEASURING = ("TrainEvaluation", "GapRecording")


class Place(NamedTuple):
    """Where a recorder records, and the callbacks that measure samples, traced already."""

    settings: Settings
    epochs: int
    measuring: Callbacks


class Cost(NamedTuple):
    """What recording one ``fit`` took, in seconds; ``per_epoch`` and ``sample_per_epoch`` (samples
    measured in test mode and in training mode) are spent in callbacks, ``end`` is on_train_end and
    the flush."""

    per_epoch: float
    sample_per_epoch: float
    end: float
    fit: float


def record_fit(name: str, spec: RunSpec, settings: Settings) -> Cost:
    """Train a spec with one of RECORDERS; raises ImportError for a package that is missing.

    One epoch is trained before, without recording, so that no contestant pays for tracing.
    """
    keras.utils.set_random_seed(spec.seed)
    dataset = load_dataset(spec.dataset, spec.data_seed)
    split = split_dataset(dataset, spec.split, spec.data_seed)
    model = build_model(spec, dataset, split)
    compile_model(model, spec)
    x, y = dataset.x[split.train], dataset.y[split.train]
    x_val, y_val = dataset.x[split.validation], dataset.y[split.validation]
    options: dict[str, Any] = {
        "batch_size": spec.training.batch_size,
        "validation_data": (x_val, y_val),
        "verbose": 0,
    }
    size = TrainEvaluation.sample_size(len(x), len(split.validation), int(np.prod(x.shape[1:])))
    sample = Sample(x[:size], y[:size], len(x))
    held = Sample(x_val, y_val, len(x_val))
    measuring: Callbacks = [
        TrainEvaluation(sample.x, sample.y),
        GapRecording(sample, held, spec.loss, spec.training.batch_size),
    ]
    model.fit(x, y, epochs=1, callbacks=measuring, **options)

    epochs = spec.training.epochs
    place = Place(settings, epochs, measuring)
    with stopwatch() as spent:
        with RECORDERS[name](place) as callbacks:
            began = time.perf_counter()
            model.fit(x, y, epochs=epochs, callbacks=callbacks, **options)
            ended = time.perf_counter()
        flush = time.perf_counter() - ended
    at_end = sum(total for (_, hook), (total,) in spent.items() if hook == AT_END)
    sampling = sum(total for (owner, _), (total,) in spent.items() if owner in _MEASURING)
    recording = sum(total for (total,) in spent.values()) - sampling - at_end
    return Cost(recording / epochs, sampling / epochs, at_end + flush, ended - began)


@contextmanager
def _nothing(_place: Place) -> Iterator[Callbacks]:
    yield []


@contextmanager
def _ours_without_sample(place: Place) -> Iterator[Callbacks]:
    folder = RunFolder(place.settings.run_folders / str(time.time_ns())).create()
    with (
        _log(folder.log),
        Journal(folder.journal) as journal,
        Heartbeat(folder, place.epochs) as heartbeat,
    ):
        yield [Recorder(journal, heartbeat)]


@contextmanager
def _ours(place: Place) -> Iterator[Callbacks]:
    with _ours_without_sample(place) as callbacks:
        yield [*place.measuring, *callbacks]


@contextmanager
def _log(path: Path) -> Iterator[None]:
    """The run's log as training.py keeps it, so that its line for each epoch counts."""
    logger = logging.getLogger("kerascope.training")
    handler = logging.FileHandler(path)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        yield
    finally:
        handler.close()


@contextmanager
def _mlflow_run(place: Place) -> Iterator[Any]:
    import mlflow

    mlflow.set_tracking_uri(place.settings.tracking_uri)
    with mlflow.start_run(experiment_id=Store(place.settings).experiment_id):
        yield mlflow


@contextmanager
def _log_metrics(place: Place) -> Iterator[Callbacks]:
    with _mlflow_run(place) as mlflow:
        log = keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: mlflow.log_metrics(logs, step=epoch)
        )
        yield [_without_batches(log)]


@contextmanager
def _log_metrics_later(place: Place) -> Iterator[Callbacks]:
    with _mlflow_run(place) as mlflow:
        log = keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: mlflow.log_metrics(logs, step=epoch, synchronous=False)
        )
        yield [_without_batches(log)]
        mlflow.flush_async_logging()


def _without_batches(callback: keras.callbacks.LambdaCallback) -> keras.callbacks.LambdaCallback:
    """Let Keras hand batches to it as to a callback that has nothing to do with them."""
    callback.async_safe = True
    return callback


@contextmanager
def _autolog(place: Place) -> Iterator[Callbacks]:
    import tensorboard  # noqa: F401 - without it autolog makes fit crash

    with _mlflow_run(place) as mlflow:
        mlflow.tensorflow.autolog(log_models=False, log_datasets=False)
        yield []


@contextmanager
def _tensorboard(place: Place) -> Iterator[Callbacks]:
    import tensorboard  # noqa: F401 - the callback finds out too late

    yield [keras.callbacks.TensorBoard(place.settings.home / "tensorboard")]


RECORDERS: dict[str, Callable[[Place], AbstractContextManager[Callbacks]]] = {
    "plain fit": _nothing,
    "Kerascope": _ours,
    "Kerascope, no test-mode sample": _ours_without_sample,
    "MLflow log_metrics(synchronous=False)": _log_metrics_later,
    "MLflow log_metrics": _log_metrics,
    "TensorBoard callback": _tensorboard,
    "MLflow autolog, no model or dataset": _autolog,
}
