"""Models saved and read back, and runs trained with a checkpoint each epoch, in this process."""

import logging
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import NamedTuple

import keras

from benchmarks.stopwatch import stopwatch
from experiments.core.checkpoint_files import INDEX_FILE, MODEL_FILE, finish, parse_index
from experiments.core.journal import read_journal
from experiments.core.run_folder import RunFolder
from experiments.saving.whole_model import load_model, save_model
from experiments.spec.run_spec import RunSpec
from experiments.training.train import train


class RoundTrip(NamedTuple):
    """Seconds to save and to load; bytes of the file; how many of the optimizer's variables came
    back with the value that they had, and how many it has."""

    save: float
    load: float
    bytes: int
    restored: int
    variables: int


class CheckpointMeasure(NamedTuple):
    """Of a run: seconds of an epoch without its checkpoint (median) and of a checkpoint (mean);
    bytes of the model's file and of all files that are the model, last or best; and what for."""

    epoch: float
    checkpoint: float
    model_bytes: int
    all_bytes: int
    roles: tuple[str, ...]


def round_trip(name: str, folder: Path) -> RoundTrip:
    """Save a compiled ResNet50 with the state of Adam as .h5, and load it; ``name`` is one of
    WAYS."""
    logging.getLogger("absl").setLevel(logging.ERROR)  # stock Keras: .h5 is legacy, no state
    save, load = WAYS[name]
    model = keras.applications.ResNet50(weights=None)
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    model.optimizer.build(model.trainable_variables)
    for variable in model.optimizer.variables:
        variable.assign(keras.ops.ones_like(variable))
    path = folder / f"{time.time_ns()}.h5"
    began = time.perf_counter()
    save(model, path)
    saved = time.perf_counter()
    loaded = load(path)
    ended = time.perf_counter()
    back = sum(float(keras.ops.min(value)) == 1 for value in loaded.optimizer.variables)
    size = path.stat().st_size
    path.unlink()
    return RoundTrip(saved - began, ended - saved, size, back, len(model.optimizer.variables))


def train_with_checkpoints(spec: RunSpec, home: Path) -> CheckpointMeasure:
    """Train a run in its training process's own way, without MLflow, and weigh what it leaves."""
    folder = RunFolder(home / str(time.time_ns())).create()
    with stopwatch() as spent:
        outcome = train(spec, folder)
    if outcome.status != "FINISHED":
        raise RuntimeError(outcome.reason)
    epochs = [entry for entry in read_journal(folder.journal).entries if entry.epoch is not None]
    finish(folder.artifacts)
    kept = parse_index((folder.artifacts / INDEX_FILE).read_text(encoding="utf-8"))
    files = {MODEL_FILE} | {checkpoint.file for checkpoint in kept}
    trained = CheckpointMeasure(
        median(entry.metrics["epoch_seconds"] for entry in epochs),
        spent["Checkpoints", "on_epoch_end"][0] / len(epochs),
        (folder.artifacts / MODEL_FILE).stat().st_size,
        sum((folder.artifacts / file).stat().st_size for file in files),
        tuple(f"{checkpoint.file} ({', '.join(checkpoint.roles)})" for checkpoint in kept),
    )
    folder.remove()
    return trained


def _save_stock(model: keras.Model, path: Path) -> None:
    model.save(path)


Way = tuple[Callable[[keras.Model, Path], None], Callable[[Path], keras.Model]]

WAYS: dict[str, Way] = {
    "stock Keras": (_save_stock, keras.models.load_model),
    "Kerascope": (save_model, load_model),
}
