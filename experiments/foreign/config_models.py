"""Models from configs, those of Keras 2 among them."""

import contextlib
import copy
import inspect
import math
from typing import Any

import keras

from experiments.core.errors import ModelFileError
from experiments.core.keras_compat import model_from_legacy_config, safe_mode
from experiments.inspection.inside import Inside

#: Settings of Keras 2 that Keras 3 lacks and that change nothing about the result.
_HARMLESS = {"input_length", "implementation", "batch_input_shape", "ragged", "unroll_batch"}
_HARMLESS |= {"query_shape", "key_shape", "value_shape", "virtual_batch_size", "fused"}
_NEUTRAL: tuple[Any, ...] = (None, False, 1, [], {})


def build_model(inside: Inside) -> tuple[keras.Model, list[str]]:
    """A new, uncompiled model as a file describes it, and a note for each setting of Keras 2 that
    Keras 3 lacks.

    Raises what Keras raises where it cannot build it.
    """
    config = copy.deepcopy(inside.config or {})
    config.pop("compile_config", None)
    version = inside.keras_version or ""
    if version.startswith("3."):
        return _build(config), []
    if not version:
        # JSON of Keras 3 names no version; that of Keras 2 without one fails here.
        with contextlib.suppress(Exception):
            return _build(copy.deepcopy(config)), []
    notes: list[str] = []
    _modernize(config, notes)
    return _build(config), list(dict.fromkeys(notes))


def count_bytes(inside: Inside) -> int:
    """The bytes of all weights, as float32, of the model that a file describes; none of them is
    allocated."""
    with keras.StatelessScope(initialize_variables=False):
        model, _ = build_model(inside)
        return sum(4 * math.prod(variable.shape) for variable in model.variables)


def _build(config: dict[str, Any]) -> keras.Model:
    with safe_mode():
        if "module" in config:
            model = keras.saving.deserialize_keras_object(config)
        else:
            model = model_from_legacy_config(config)
    if not isinstance(model, keras.Model):
        raise ModelFileError(f"The config makes a {type(model).__name__}, allowed: a model.")
    return model


def _modernize(value: Any, notes: list[str]) -> None:
    """Turn what Keras 2 wrote into what Keras 3 reads, in place, objects inside first."""
    if isinstance(value, list):
        for inner in value:
            _modernize(inner, notes)
    if not isinstance(value, dict):
        return
    for inner in value.values():
        _modernize(inner, notes)
    config = value.get("config")
    if not isinstance(value.get("class_name"), str):
        return
    if value["class_name"] in ("Functional", "Model", "Sequential"):
        _modernize_model(value)
    elif value["class_name"] == "Policy":
        value["class_name"] = "DTypePolicy"
        value["module"], value["registered_name"] = "keras", None
    elif isinstance(config, dict):
        _modernize_layer(value["class_name"], config, notes)


def _modernize_model(value: dict[str, Any]) -> None:
    if str(value.get("module")).endswith("engine.functional"):
        value["module"], value["class_name"] = "keras.src.models.functional", "Functional"
    if value["class_name"] != "Sequential":
        _shift_nodes(value["config"])
    else:
        if isinstance(value["config"], list):
            value["config"] = {"layers": value["config"]}
        layers = value["config"].get("layers")
        shape = _first_shape(layers)
        if shape is not None:
            first: dict[str, Any] = {"class_name": "InputLayer", "config": {"batch_shape": shape}}
            if "module" in value:
                first |= {"module": "keras.layers", "registered_name": None}
            value["config"]["layers"] = [first, *layers]


def _shift_nodes(config: Any) -> None:
    """Keras 2 counts the call that made a nested model as its node 0; Keras 3 does not have it."""
    layers = config.get("layers") if isinstance(config, dict) else None
    if not isinstance(layers, list):
        return
    shifted = {
        layer["config"].get("name")
        for layer in layers
        if isinstance(layer, dict) and isinstance(layer.get("config"), dict) and _has_input(layer)
    }
    parts = [layer.get("inbound_nodes") for layer in layers if isinstance(layer, dict)]
    _shift([*parts, config.get("output_layers")], shifted)


def _has_input(layer: dict[str, Any]) -> bool:
    layers = layer["config"].get("layers")
    if layer.get("class_name") in ("Functional", "Model"):
        return True
    first = layers[0] if isinstance(layers, list) and layers else None
    return isinstance(first, dict) and first.get("class_name") == "InputLayer"


def _shift(value: Any, names: set[Any]) -> None:
    """In ``[name, node, tensor, keyword arguments]`` wherever that stands, keywords included."""
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, list):
        return
    if len(value) in (3, 4) and isinstance(value[0], str) and isinstance(value[1], int):
        if value[0] in names and value[1] > 0:
            value[1] -= 1
    for inner in value:
        _shift(inner, names)


def _first_shape(layers: Any) -> Any:
    """Older Sequential models have no input layer: their first layer knows the shape."""
    first = layers[0] if isinstance(layers, list) and layers else None
    if not isinstance(first, dict) or first.get("class_name") == "InputLayer":
        return None
    config = first.get("config")
    return config.get("batch_input_shape") if isinstance(config, dict) else None


def _modernize_layer(kind: str, config: dict[str, Any], notes: list[str]) -> None:
    layer = getattr(keras.layers, kind, None)
    if not (inspect.isclass(layer) and issubclass(layer, keras.layers.Layer)):
        return
    axis = config.get("axis")
    if kind == "BatchNormalization" and isinstance(axis, list) and len(axis) == 1:
        config["axis"] = axis[0]
    if kind == "InputLayer":
        return
    known = set(inspect.signature(layer.__init__).parameters)
    known |= set(inspect.signature(keras.layers.Layer.__init__).parameters)
    known |= {"quantization_config", "build_config", "dtype", "layers"}
    for key in [key for key in config if key not in known]:
        setting = config.pop(key)
        if key not in _HARMLESS and setting not in _NEUTRAL:
            name = config.get("name", kind)
            notes.append(
                f"layer {name!r}: {key}={setting!r} was left out; Keras 3 has no such setting"
            )
