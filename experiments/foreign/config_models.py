"""Models from configs, those of Keras 2 among them."""

import contextlib
import copy
import inspect
import math
from dataclasses import replace
from typing import Any

import keras

from experiments.core.errors import ModelFileError
from experiments.core.keras_compat import model_from_legacy_config, safe_mode
from experiments.inspection.inside import Inside
from experiments.saving.keras2_functions import hard_sigmoid_of_keras_2

#: Settings of Keras 2 that Keras 3 lacks and that change nothing about the result.
_HARMLESS = {"input_length", "implementation", "batch_input_shape", "ragged", "unroll_batch"}
_HARMLESS |= {"query_shape", "key_shape", "value_shape", "virtual_batch_size", "fused"}
_NEUTRAL: tuple[Any, ...] = (None, False, 1, [], {})
#: Settings that Keras 3 has under another name.
_RENAMED = {("LeakyReLU", "alpha"): "negative_slope"}
#: What a setting was where an older file does not say: another value than Keras 3's own.
_ABSENT = {"GRU": {"reset_after": False}}
#: Keys under which a function of activations stands.
_ACTIVATIONS = ("activation", "recurrent_activation")


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
    counted = replace(inside, config=copy.deepcopy(inside.config))
    _without_state(counted.config)
    with keras.StatelessScope(initialize_variables=False):
        model, _ = build_model(counted)
        return sum(4 * math.prod(variable.shape) for variable in model.variables)


def _without_state(value: Any) -> None:
    """Recurrent layers that keep their state would make it at once, which no scope allows."""
    if isinstance(value, dict):
        if value.get("stateful") is True:
            value["stateful"] = False
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            _without_state(inner)


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
    if value.get("class_name") == "Sequential":
        _give_input(value)
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
        if value["class_name"] == "ThresholdedReLU":
            value["class_name"], config["threshold"] = "ReLU", config.pop("theta", 1.0)
        value.pop("build_config", None)  # of its call: Keras 3 builds other layers by other shapes
        _modernize_layer(value["class_name"], config, notes)


def _modernize_model(value: dict[str, Any]) -> None:
    if str(value.get("module")).endswith("engine.functional"):
        value["module"], value["class_name"] = "keras.src.models.functional", "Functional"
    if value["class_name"] != "Sequential":
        _shift_nodes(value["config"])


def _give_input(value: dict[str, Any]) -> None:
    """An input layer for a Sequential of before 2.4, whose first layer knows the shape; its config
    may be the list of its layers alone."""
    if isinstance(value.get("config"), list):
        value["config"] = {"name": "sequential", "layers": value["config"]}
    config = value.get("config")
    layers = config.get("layers") if isinstance(config, dict) else None
    shape = _first_shape(layers)
    if shape is not None and isinstance(config, dict) and isinstance(layers, list):
        first: dict[str, Any] = {"class_name": "InputLayer", "config": {"batch_shape": shape}}
        if "module" in value:
            first |= {"module": "keras.layers", "registered_name": None}
        config["layers"] = [first, *layers]


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
    nodes = [layer.get("inbound_nodes") for layer in layers if isinstance(layer, dict)]
    _shift([*nodes, config.get("output_layers")], shifted)
    for layer in layers:
        if isinstance(layer, dict) and isinstance(layer.get("inbound_nodes"), list):
            layer["inbound_nodes"] = [_with_tensors(node) for node in layer["inbound_nodes"]]


def _with_tensors(node: Any) -> Any:
    """A call with tensors among its keywords (``attention(query, value=...)``), which Keras 3 reads
    in its own form alone."""
    if not (isinstance(node, list) and len(node) == 1 and _is_tensor(node[0])):
        return node
    keywords = node[0][3] if len(node[0]) == 4 else {}
    if not any(_is_tensor(value) for value in keywords.values()):
        return node
    kept = {key: _tensor(value) if _is_tensor(value) else value for key, value in keywords.items()}
    return {"args": [_tensor(node[0])], "kwargs": kept}


def _is_tensor(value: Any) -> bool:
    named = isinstance(value, list) and len(value) in (3, 4) and isinstance(value[0], str)
    return named and isinstance(value[1], int) and isinstance(value[2], int)


def _tensor(value: list[Any]) -> dict[str, Any]:
    # Keras takes the tensor of that history; the shape is but to be there.
    config = {"shape": [None], "dtype": "float32", "keras_history": value[:3]}
    return {"class_name": "__keras_tensor__", "config": config}


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
    for (renamed, old), new in _RENAMED.items():
        if kind == renamed and old in config:
            config[new] = config.pop(old)
    for key, setting in _ABSENT.get(kind, {}).items():
        config.setdefault(key, setting)
    for key in _ACTIVATIONS:
        if config.get(key) == "hard_sigmoid":
            config[key] = keras.saving.serialize_keras_object(hard_sigmoid_of_keras_2)
    if config.get("score_mode") == "dot":
        del config["score_mode"]  # the default, whose name Keras takes for the layer dot
    parameters = inspect.signature(layer.__init__).parameters
    if "kwargs" not in parameters:
        config.pop("trainable", None)  # it has no weights, and does not take the setting
    known = {*parameters, "quantization_config", "dtype", "layers"}
    if "kwargs" in parameters:
        known |= set(inspect.signature(keras.layers.Layer.__init__).parameters)
    for key in [key for key in config if key not in known]:
        setting = config.pop(key)
        if key not in _HARMLESS and not _is_neutral(setting):
            name = config.get("name", kind)
            notes.append(
                f"layer {name!r}: {key}={setting!r} was left out; Keras 3 has no such setting"
            )


def _is_neutral(setting: object) -> bool:
    """Whether a setting switches nothing on. By type too: 0.0 is a number, and no False."""
    return any(type(setting) is type(one) and setting == one for one in _NEUTRAL)
