"""Saving a model as one HDF5 with everything, and loading it so that nothing is lost."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from experiments.errors import ArtifactError

MODEL_FILE = "model/model.h5"
ARCHITECTURE_FILE = "model/architecture.json"
WEIGHTS_FILE = "model/model.weights.h5"

#: Losses that older files name briefly; Keras 3 does not find them when it compiles a loaded .h5.
_LONG_NAMES = {"mse": "mean_squared_error", "mae": "mean_absolute_error"}


def save_model(model: keras.Model, folder: Path) -> None:
    """Write ``model/model.h5`` (architecture, weights, training config, optimizer state),
    ``model/architecture.json`` and ``model/model.weights.h5`` below ``folder``.

    Each is written under another name first and then renamed: a process that is killed while
    saving leaves no half file.
    """
    (folder / "model").mkdir(parents=True, exist_ok=True)
    whole = folder / "model" / "unfinished.h5"
    with _unwarned():
        model.save(whole)
    whole.replace(folder / MODEL_FILE)
    weights = folder / "model" / "unfinished.weights.h5"
    model.save_weights(weights)
    weights.replace(folder / WEIGHTS_FILE)
    (folder / ARCHITECTURE_FILE).write_text(model.to_json(indent=2))


@contextmanager
def _unwarned() -> Iterator[None]:
    """Keras recommends its own format at every .h5; HDF5 is chosen because others read it."""
    from absl import logging

    verbosity = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)


def load_model(path: Path) -> keras.Model:
    """The whole model from an .h5 file: compiled, with every slot of its optimizer.

    Stock Keras 3 (3.10 to 3.15.1) builds the optimizer on no variables when it reads .h5, so that
    2 of Adam's 10 variables come back and a following ``fit`` raises ``Unknown variable``; and it
    does not load a file that was compiled with ``loss="mse"``. Raises ArtifactError for a file
    that is no whole model or cannot be read.
    """
    try:
        model = keras.models.load_model(path, compile=False)
        with h5py.File(path, "r") as file:
            config = file.attrs.get("training_config")
            values = _optimizer_values(file)
    except (OSError, ValueError, KeyError, TypeError) as error:
        said = " ".join(str(error).split())[:300]
        raise ArtifactError(
            f"{path.name} is not a whole Keras model in HDF5: {said} "
            "Allowed: a file written by model.save('….h5')."
        ) from None
    if config is not None:
        _compile(model, json.loads(config), values)
    return model


def _compile(model: keras.Model, config: dict, values: list[np.ndarray]) -> None:
    """Compile from a training config and put the optimizer's variables back, in their order."""
    optimizer = keras.optimizers.deserialize(config["optimizer_config"])
    loss = config.get("loss")
    model.compile(
        optimizer=optimizer,
        loss=_revive(loss, keras.losses.deserialize),
        metrics=_revive(_flat_metrics(config.get("metrics")), keras.metrics.deserialize),
    )
    optimizer.build(model.trainable_variables)
    if len(values) != len(optimizer.variables):
        return
    for variable, value in zip(optimizer.variables, values, strict=True):
        variable.assign(value)


def _optimizer_values(file: h5py.File) -> list[np.ndarray]:
    """The optimizer's variables in the order in which Keras wrote them."""
    group = file.get("optimizer_weights")
    if group is None:
        return []
    names: Iterable[bytes | str] = group.attrs.get("weight_names", [])
    texts = [name.decode() if isinstance(name, bytes) else name for name in names]
    return [np.asarray(group[name]) for name in texts]


def _revive(config: object, deserialize: Callable[[dict[str, Any]], object]) -> object:
    """Keras objects from their configs, wherever they stand in a list; names stay names."""
    if isinstance(config, dict) and "class_name" in config:
        return deserialize(config)
    if isinstance(config, list):
        return [_revive(item, deserialize) for item in config]
    return _LONG_NAMES.get(config, config) if isinstance(config, str) else config


def _flat_metrics(metrics: object) -> object:
    """Keras wraps the metrics of a model with one output in one more list."""
    if isinstance(metrics, list) and len(metrics) == 1 and isinstance(metrics[0], list):
        return metrics[0]
    return metrics
