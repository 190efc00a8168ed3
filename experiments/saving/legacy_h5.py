"""Keras' legacy whole-model format, written so that every model can be: Keras 3's own writer
(3.10 to 3.15.1) fails on models with equal names of nested layers, loses the compile config of the
model that it saves (``training_config.pop`` in saving_utils.py), and writes losses by short names
that it cannot read."""

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

import h5py
import keras
import numpy as np

from experiments.core.keras_compat import (
    legacy_json,
    legacy_metadata,
    top_level_weights,
    write_names,
)
from experiments.saving.keras2_config import to_keras2
from experiments.spec.losses import LONG_LOSSES

#: The groups of a file.
WEIGHTS, OPTIMIZER = "model_weights", "optimizer_weights"


class Description(NamedTuple):
    """What a model is, as attributes of a file; the training config changes while it trains."""

    texts: dict[str, str]
    training_config: dict[str, Any] | None


def describe(model: keras.Model) -> Description:
    """The architecture and the training config, ready to be written; takes longer than writing."""
    found = legacy_metadata(model)
    config = found.pop("training_config", None)
    if config:
        config |= {
            "loss": lengthen(config.get("loss")),
            "optimizer_config": to_keras2(config["optimizer_config"]),
        }
    found["model_config"] = to_keras2(json.loads(legacy_json(found["model_config"])))
    texts = {name: value if isinstance(value, str) else legacy_json(value)
             for name, value in found.items()}  # fmt: skip
    return Description(texts, config)


def write_whole_model(
    file: h5py.File, model: keras.Model, description: Description | None = None
) -> None:
    """Architecture, weights, training config and optimizer state into an open, empty file.

    ``description`` is the model's, where it is at hand.
    """
    texts, config = description or describe(model)
    for name, text in texts.items():
        file.attrs[name] = text.encode()
    _write_weights(file.create_group(WEIGHTS), model)
    optimizer = getattr(model, "optimizer", None)
    if optimizer is None:
        return
    write_training_config(file, model, description or Description(texts, config))
    if optimizer.variables:
        _write_arrays(file.create_group(OPTIMIZER), optimizer.variables)


def write_training_config(file: h5py.File, model: keras.Model, description: Description) -> None:
    """What the model is compiled with, at its present learning rate."""
    config = description.training_config
    if config:
        _update_learning_rate(config, model.optimizer)
        file.attrs["training_config"] = legacy_json(config).encode()


def _update_learning_rate(config: dict[str, Any], optimizer: keras.optimizers.Optimizer) -> None:
    settings = config["optimizer_config"]["config"]
    if isinstance(settings.get("learning_rate"), float):  # a schedule stays as it is
        settings["learning_rate"] = float(optimizer.learning_rate)


def lengthen(loss: Any) -> Any:
    """A loss of a training config under its long name, wherever it stands: Keras 3 does not find
    short ones when it compiles a loaded .h5."""
    if isinstance(loss, list):
        return [lengthen(item) for item in loss]
    if isinstance(loss, dict) and "class_name" not in loss:
        return {name: lengthen(item) for name, item in loss.items()}
    return LONG_LOSSES.get(loss, loss) if isinstance(loss, str) else loss


def _write_weights(group: h5py.Group, model: keras.Model) -> None:
    write_names(group, "layer_names", [layer.name for layer in model.layers])
    group.attrs["backend"] = keras.backend.backend().encode()
    group.attrs["keras_version"] = keras.__version__.encode()
    # in this order a name that begins another one, as "a" does "a/b", comes first
    for layer in sorted(model.layers, key=lambda layer: layer.name):
        _write_arrays(group.create_group(layer.name), weights_of(layer))
    _write_arrays(group.create_group("top_level_model_weights"), top_level_weights(model))


def _write_arrays(group: h5py.Group, variables: Iterable[keras.Variable]) -> None:
    named = named_weights(variables)
    for name, variable in named:
        group.create_dataset(name, data=np.asarray(variable))
    write_names(group, "weight_names", [name for name, _ in named])


def weights_of(layer: keras.Layer) -> list[keras.Variable]:
    """The weights of a layer in the order of the format."""
    weights: list[keras.Variable] = layer.trainable_weights + layer.non_trainable_weights
    return weights


def named_weights(variables: Iterable[keras.Variable]) -> list[tuple[str, keras.Variable]]:
    """Variables of one group of a file with their names in it, each name once."""
    named: list[tuple[str, keras.Variable]] = []
    taken: set[str] = set()  # the groups of a path as well
    for variable in variables:
        name, number = variable.path, 1
        while name in taken:
            number += 1
            name = f"{variable.path}_{number}"
        named.append((name, variable))
        parts = name.split("/")
        taken.update("/".join(parts[:end]) for end in range(1, len(parts) + 1))
    return named
