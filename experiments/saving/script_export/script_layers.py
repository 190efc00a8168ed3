"""The architecture of a run as lines of Keras: one call a layer, with what is not the default."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from experiments.core.errors import ModelFileError

#: For each class that we build: arguments without a name, then named ones with Keras' defaults.
#: Whatever a layer's config has beyond them is Keras' default (the tests build from the script).
_ARGUMENTS: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "Activation": (("activation",), {}),
    "Add": ((), {}),
    "BatchNormalization": ((), {}),
    "Concatenate": ((), {}),
    "Conv2D": (
        ("filters", "kernel_size"),
        {"strides": [1, 1], "padding": "valid", "use_bias": True, "kernel_regularizer": None},
    ),
    "Cropping1D": (("cropping",), {}),
    "Dense": (("units",), {"activation": "linear", "use_bias": True, "kernel_regularizer": None}),
    "Dropout": (("rate",), {"seed": None}),
    "Flatten": ((), {}),
    "GlobalAveragePooling2D": ((), {}),
    "IntegerLookup": ((), {"vocabulary": None, "output_mode": "int"}),
    "MaxPooling2D": (("pool_size",), {}),
    "RandomContrast": (("factor",), {"value_range": [0, 255], "seed": None}),
    "RandomFlip": (("mode",), {"seed": None}),
    "RandomRotation": (("factor",), {"fill_mode": "reflect", "seed": None}),
    "RandomTranslation": (
        ("height_factor", "width_factor"),
        {"fill_mode": "reflect", "seed": None},
    ),
    "RandomZoom": (("height_factor",), {"fill_mode": "reflect", "seed": None}),
    "Normalization": ((), {"mean": None, "variance": None}),
    "Reshape": (("target_shape",), {}),
    "Rescaling": (("scale",), {"offset": 0.0}),
}
_WIDTH = 100

#: Source text for arguments that the script computes itself: (layer, argument) to expression.
Expressions = Mapping[tuple[str, str], str]


class _Layer(NamedTuple):
    name: str
    type: str
    config: dict[str, Any]
    inputs: tuple[str, ...]


def layer_lines(architecture: dict[str, Any], expressions: Expressions) -> list[str]:
    """The body of a function that returns the model, not indented.

    ``architecture`` is what a functional model's ``to_json`` says. Layers come in the order in
    which we made them, since Keras draws the seeds of their weights in that order. Raises
    ModelFileError for a class of layer that our architectures do not have.
    """
    config = architecture["config"]
    layers = _in_order_of_making(config)
    last_use = {name: i for i, layer in enumerate(layers) for name in layer.inputs}
    uses = [name for layer in layers for name in layer.inputs]
    variables: dict[str, str] = {}
    penalties = [layer.config.get("kernel_regularizer") for layer in layers]
    penalty = next(filter(None, penalties), None)  # our models have one for all layers
    lines = [f"penalty = {source(penalty)}"] if penalty else []
    expressions = {
        (layer.name, "kernel_regularizer"): "penalty"
        for layer, own in zip(layers, penalties, strict=True)
        if own and own == penalty
    } | dict(expressions)
    for i, layer in enumerate(layers):
        if layer.type == "InputLayer":
            variable = "inputs"
        elif i == len(layers) - 1:
            variable = "outputs"
        elif uses.count(layer.name) == 1 and last_use[layer.name] == i + 1:
            variable = "x"
        else:
            variable = re.sub(r"\W", "_", layer.name)
        taken = [variables[name] for name in layer.inputs]
        lines += _assignment(variable, layer, expressions, taken)
        variables[layer.name] = variable
    return [*lines, f"return keras.Model(inputs, outputs, name={source(config['name'])})"]


def source(value: object) -> str:
    """A value of a config as Python: strings in double quotes, equal sides as one number."""
    if isinstance(value, str):
        return '"' + repr("'" + value)[2:-1].replace('"', '\\"') + '"'
    if isinstance(value, list):
        if len(value) > 1 and len(set(map(str, value))) == 1:
            return source(value[0])
        return "(" + ", ".join(map(source, value)) + ("," if len(value) == 1 else "") + ")"
    if isinstance(value, dict):
        given = arguments((name, item) for name, item in value["config"].items() if item)
        return f"{value['module']}.{value['class_name']}({given})"
    return repr(value)


def arguments(named: Iterable[tuple[str, Any]]) -> str:
    """``name=value, …`` as Python."""
    return ", ".join(f"{name}={source(value)}" for name, value in named)


def _in_order_of_making(config: dict[str, Any]) -> list[_Layer]:
    """Depth first from the output, and of several inputs the last first: the shortcut of a
    residual block is made before the block, and is the second input of its sum."""
    layers = {entry["name"]: _read(entry) for entry in config["layers"]}
    output = config["output_layers"]
    pending = [output[0] if isinstance(output[0], str) else output[0][0]]
    made: dict[str, _Layer] = {}
    while pending:
        layer = layers[pending[-1]]
        missing = [name for name in layer.inputs if name not in made]
        if missing:
            pending.append(missing[-1])
        else:
            made.setdefault(layer.name, layer)
            pending.pop()
    return list(made.values())


def _read(entry: dict[str, Any]) -> _Layer:
    tensors = list(_tensors(entry["inbound_nodes"]))
    return _Layer(entry["name"], entry["class_name"], entry["config"], tuple(tensors))


def _tensors(node: object) -> Iterator[str]:
    """The names of the layers whose outputs stand in the arguments of a call."""
    if isinstance(node, dict):
        if node.get("class_name") == "__keras_tensor__":
            yield node["config"]["keras_history"][0]
        else:
            for item in node.values():
                yield from _tensors(item)
    elif isinstance(node, list):
        for item in node:
            yield from _tensors(item)


def _assignment(
    variable: str, layer: _Layer, expressions: Expressions, inputs: list[str]
) -> list[str]:
    if layer.type == "InputLayer":
        shape = tuple(layer.config["batch_shape"][1:])
        return [f"{variable} = keras.Input({shape}, name={source(layer.name)})"]
    if layer.type not in _ARGUMENTS:
        raise ModelFileError(
            f"The layer {layer.name!r} is a {layer.type}, which cannot be written as a script. "
            f"Allowed: {', '.join(_ARGUMENTS)}. Export the architecture as JSON instead."
        )
    unnamed, defaults = _ARGUMENTS[layer.type]
    given = [expressions.get((layer.name, name)) or source(layer.config[name]) for name in unnamed]
    given += [
        f"{name}={expressions.get((layer.name, name)) or source(layer.config[name])}"
        for name, default in defaults.items()
        if layer.config[name] != default
    ]
    given.append(f"name={source(layer.name)}")
    taken = inputs[0] if len(inputs) == 1 else f"[{', '.join(inputs)}]"
    head, tail = f"{variable} = keras.layers.{layer.type}(", f")({taken})"
    line = head + ", ".join(given) + tail
    if len(line) + 4 <= _WIDTH:
        return [line]
    return [head, *(f"    {argument}," for argument in given), tail]
