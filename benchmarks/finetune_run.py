"""The head of a frozen base trained in one of several ways, in this process."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import keras
import numpy as np

from benchmarks.stopwatch import stopwatch
from benchmarks.streaming_run import peak_mb
from experiments.core.run_folder import RunFolder
from experiments.core.settings import Settings, sqlite_uri, use_settings
from experiments.data.loading import load_dataset
from experiments.data.reading.reader import ReadOptions
from experiments.data.reading.storing import store_file
from experiments.data.split.splits import split_dataset
from experiments.models.bases import FEATURES
from experiments.models.building import build_model, compile_model
from experiments.spec.spec_files import parse_spec
from experiments.training.callbacks import Heartbeat
from experiments.training.feature_cache import head_of
from experiments.training.train import train

_ROWS = 2048  # images drawn and written at a time


class Phase(NamedTuple):
    """Seconds of phase 1 without building, loading and saving; of them, of the forward pass alone
    or of checkpoints and of what each epoch is measured by; calls of the base; peak RSS."""

    seconds: float
    forward: float = 0.0
    checkpoints: float = 0.0
    measuring: float = 0.0
    passes: int = 0
    peak_mb: float = 0.0


def store_patches(home: Path, name: str, images: int, side: int) -> str:
    """Store patches of scikit-learn's two photographs, of four classes: which of the two, and from
    its left or right half; returns the dataset's name."""
    from sklearn.datasets import load_sample_images

    use_settings(Settings(home, sqlite_uri(home / "mlflow.db"), ""))
    photographs = load_sample_images().images
    random = np.random.default_rng(0)
    path = home / f"{name}.h5"
    with h5py.File(path, "w") as file:
        x = file.create_dataset("x", (images, side, side, 3), "uint8")
        y = file.create_dataset("y", (images,), "int32")
        for at in range(0, images, _ROWS):
            labels = random.integers(0, 4, min(_ROWS, images - at))
            x[at : at + len(labels)] = [_patch(photographs, n, side, random) for n in labels]
            y[at : at + len(labels)] = labels
    info = store_file(path, name, ReadOptions(target="y"))
    path.unlink()
    return info.name


def plain(home: Path, spec: dict[str, Any]) -> Phase:
    """A Keras script: the frozen base in place, arrays in memory."""
    model, (x, y), validation, run = _built(home, spec)
    began = time.perf_counter()
    model.fit(x, y, run.training.batch_size, run.training.epochs, verbose=0,
              validation_data=validation)  # fmt: skip
    return Phase(time.perf_counter() - began, peak_mb=peak_mb())


def floor(home: Path, spec: dict[str, Any]) -> Phase:
    """What cannot be saved: one forward pass of the base, and the head alone on ready features."""
    model, (x, y), (x_val, y_val), run = _built(home, spec)
    extractor = keras.Model(model.input, model.get_layer(FEATURES).output)
    head = head_of(model)
    compile_model(head, run)
    everything = np.concatenate([x, x_val])
    began = time.perf_counter()
    features = extractor.predict(everything, batch_size=64, verbose=0)
    ready = time.perf_counter()
    head.fit(features[: len(x)], y, run.training.batch_size, run.training.epochs, verbose=0,
             validation_data=(features[len(x) :], y_val))  # fmt: skip
    ended = time.perf_counter()
    return Phase(ended - began, ready - began, peak_mb=peak_mb())


def kerascope(home: Path, spec: dict[str, Any]) -> Phase:
    """A whole run in its training process's own way, without MLflow."""
    use_settings(Settings(home, sqlite_uri(home / "mlflow.db"), ""))
    folder = RunFolder(home / str(time.time_ns())).create()
    with stopwatch() as spent, _stages() as entered, _passes() as counted:
        outcome = train(parse_spec(spec), folder)
    if outcome.status != "FINISHED":
        raise RuntimeError(outcome.reason)
    folder.remove()
    measuring = ("TrainEvaluation", "GapRecording")
    return Phase(
        entered["saving"] - entered["training"],
        checkpoints=spent["Checkpoints", "on_epoch_end"][0],
        measuring=sum(spent[name, "on_epoch_end"][0] for name in measuring),
        passes=len(counted),
        peak_mb=peak_mb(),
    )


def _built(home: Path, spec: dict[str, Any]) -> tuple[keras.Model, Any, Any, Any]:
    """The compiled model of a spec with a frozen base, and its samples as arrays."""
    use_settings(Settings(home, sqlite_uri(home / "mlflow.db"), ""))
    run = parse_spec(spec)
    keras.utils.set_random_seed(run.seed)
    dataset = load_dataset(run.dataset, run.data_seed)
    split = split_dataset(dataset, run.split, run.data_seed)
    model = build_model(run, dataset, split)
    compile_model(model, run)
    parts = [(dataset.x[rows], dataset.y[rows]) for rows in (split.train, split.validation)]
    return model, parts[0], parts[1], run


@contextmanager
def _stages() -> Iterator[dict[str, float]]:
    """When a run entered each of its stages."""
    entered: dict[str, float] = {}
    enter = Heartbeat.enter

    def note(self: Heartbeat, phase: str) -> None:
        entered[phase] = time.perf_counter()
        enter(self, phase)

    Heartbeat.enter = note  # type: ignore[method-assign]
    try:
        yield entered
    finally:
        Heartbeat.enter = enter  # type: ignore[method-assign]


@contextmanager
def _passes() -> Iterator[list[str]]:
    """The batches that went through a model that ends in the features of a base."""
    counted: list[str] = []
    predict = keras.Model.predict_on_batch

    def note(self: keras.Model, x: Any) -> Any:
        counted.append(self.name)
        return predict(self, x)

    keras.Model.predict_on_batch = note
    try:
        yield counted
    finally:
        keras.Model.predict_on_batch = predict


def _patch(
    photographs: list[np.ndarray], label: int, side: int, random: np.random.Generator
) -> np.ndarray:
    image = photographs[label // 2]
    height, width = image.shape[:2]
    half = width // 2
    left = (label % 2) * half + random.integers(0, half - side)
    top = random.integers(0, height - side)
    return image[top : top + side, left : left + side]


WAYS = {"plain": plain, "floor": floor, "kerascope": kerascope}
