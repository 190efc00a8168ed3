"""Saving a model as one HDF5 with everything, and loading it so that nothing is lost."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras

import experiments.saving.keras2_functions  # noqa: F401 - registers what a model may name
from experiments.core.atomic_files import replacing
from experiments.core.checkpoint_files import MODEL_FILE as MODEL_FILE
from experiments.core.errors import ArtifactError
from experiments.saving.legacy_h5 import Description, lengthen, write_whole_model
from experiments.saving.optimizer_state import restore_optimizer
from experiments.saving.training_state import (
    TrainingState,
    read_state,
    restore_seeds,
    write_state,
)

ARCHITECTURE_FILE = "model/architecture.json"
WEIGHTS_FILE = "model/model.weights.h5"


logger = logging.getLogger(__name__)


def save_model(
    model: keras.Model,
    path: Path,
    state: TrainingState | None = None,
    description: Description | None = None,
) -> None:
    """Write one HDF5: architecture, weights, training config, optimizer state, and ``state``.

    It is a legacy whole-model file that stock Keras and tf.keras 2 open; they pass over the group
    ``training_state``. Written under another name, closed and renamed: a process that is killed
    while it saves leaves the file that was there before. ``description`` is the model's, where
    many are saved one after another. Raises OSError where it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as unfinished, h5py.File(unfinished, "w") as file:
        write_whole_model(file, model, description)
        if state is not None:
            write_state(file, state)


def save_weights(model: keras.Model, path: Path) -> None:
    """Write the weights alone, as Keras 3's ``.weights.h5``, in one step like save_model."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path, ".weights.h5") as unfinished:
        model.save_weights(unfinished)


def save_architecture(model: keras.Model, path: Path) -> None:
    """Write the architecture alone, as Keras' JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as unfinished:
        unfinished.write_text(model.to_json(indent=2), encoding="utf-8")


def load_model(path: Path) -> keras.Model:
    """The whole model from an .h5 file: compiled, with every slot of its optimizer and the state
    of its seed generators.

    Stock Keras 3 (3.10 to 3.15.1) builds the optimizer on no variables when it reads .h5, so that
    2 of Adam's 10 variables come back and a following ``fit`` raises ``Unknown variable``; and it
    does not load a file that was compiled with ``loss="mse"``. Raises ArtifactError for a file
    that is no whole model or cannot be read.
    """
    try:
        model = keras.models.load_model(path, compile=False)
        with h5py.File(path, "r") as file:
            config = file.attrs.get("training_config")
            if config is not None:
                compile_from_config(model, json.loads(config))
                for note in restore_optimizer(model, file, path.name):
                    logger.warning("%s: %s", path.name, note)
            state = read_state(file)
    except (OSError, ValueError, KeyError, TypeError) as error:
        said = " ".join(str(error).split())[:300]
        raise ArtifactError(
            f"{path.name} cannot be read as a whole Keras model in HDF5: {said.rstrip('.')}. "
            "Allowed: a file written by model.save('….h5')."
        ) from None
    if state is not None:
        restore_seeds(model, state)
    return model


def restore(model: keras.Model, path: Path) -> tuple[TrainingState | None, list[str]]:
    """Bring a compiled model to where the model in an .h5 file stood.

    Weights, optimizer and seed generators are put back; the state is returned for what lives
    outside the model, and notes name what could not be restored. Raises ArtifactError if the
    file's layers are others than the model's.
    """
    try:
        model.load_weights(path)
    except (ValueError, OSError, KeyError) as error:
        said = " ".join(str(error).split())[:300]
        raise ArtifactError(
            f"{path.name} does not fit this network: {said.rstrip('.')}. Allowed: a checkpoint of "
            "a network with the same layers; to use it for another network, transfer the weights "
            "by layer name."
        ) from None
    with h5py.File(path, "r") as file:
        if other := _other_optimizer(model, file):
            name = type(model.optimizer).__name__
            notes = [f"optimizer state: starts over, because the file's is {other}, not {name}"]
        else:
            notes = restore_optimizer(model, file, path.name)
        state = read_state(file)
    if state is None:
        return None, [*notes, "training state: none in the file, so training begins at epoch 0"]
    return state, notes + restore_seeds(model, state)


def compile_from_config(model: keras.Model, config: dict[str, Any]) -> None:
    """Compile a model from the training config of an .h5 file."""
    model.compile(
        optimizer=keras.optimizers.deserialize(config["optimizer_config"]),
        loss=_revive(lengthen(config.get("loss")), keras.losses.deserialize),
        metrics=_revive(_flat_metrics(config.get("metrics")), keras.metrics.deserialize),
        weighted_metrics=_revive(
            _flat_metrics(config.get("weighted_metrics")), keras.metrics.deserialize
        ),
        loss_weights=config.get("loss_weights"),
    )


def _other_optimizer(model: keras.Model, file: h5py.File) -> str:
    """The file's optimizer, if the model has another one."""
    config = json.loads(file.attrs.get("training_config", "{}"))
    saved = str(config.get("optimizer_config", {}).get("class_name", ""))
    return saved if saved != type(model.optimizer).__name__ else ""


def _revive(config: object, deserialize: Callable[[dict[str, Any]], object]) -> Any:
    """Keras objects from their configs, wherever they stand; names stay names."""
    if isinstance(config, dict) and "class_name" in config:
        return deserialize(config)
    if isinstance(config, dict):
        return {name: _revive(item, deserialize) for name, item in config.items()}
    if isinstance(config, list):
        return [_revive(item, deserialize) for item in config]
    return config


def _flat_metrics(metrics: object) -> object:
    """Keras wraps the metrics of a model with one output in one more list."""
    if isinstance(metrics, list) and len(metrics) == 1 and isinstance(metrics[0], list):
        return metrics[0]
    return metrics
