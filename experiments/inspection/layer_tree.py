"""The layers that a Keras config describes, nested as they are in it."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class LayerConfig:
    """A layer, model or operation of a config; ``layers`` is None where it is no model.

    ``inputs`` are the names of the layers before it; a Sequential does not name them.
    """

    name: str
    type: str
    module: str | None
    config: dict[str, Any]
    layers: "tuple[LayerConfig, ...] | None"
    inputs: tuple[str, ...] = ()

    @property
    def trainable(self) -> bool:
        return self.config.get("trainable", True) is not False

    @property
    def is_operation(self) -> bool:
        """``x + 1`` and the like: a node of the graph, but none of ``model.layers``."""
        return bool(self.module) and str(self.module).startswith(("keras.src.ops", "keras.ops"))


def read_layer(config: dict[str, Any]) -> LayerConfig:
    """The tree of a model's or layer's config: of its ``class_name``, ``config`` and ``module``."""
    inner = config.get("config")
    # Sequential of Keras 1 and early 2 has its list of layers where others have a dict.
    if isinstance(inner, list):
        inner = {"layers": inner}
    inner = inner if isinstance(inner, dict) else {}
    layers = inner.get("layers")
    nested = [
        read_layer(layer)
        for layer in (layers if isinstance(layers, list) else ())
        if isinstance(layer, dict) and "class_name" in layer
    ]
    kind = str(config.get("class_name"))
    module = config.get("module")
    return LayerConfig(
        name=str(inner.get("name") or config.get("name") or snake_case(kind)),
        type=kind,
        module=module if isinstance(module, str) else None,
        config=inner,
        layers=tuple(nested) if isinstance(layers, list) else None,
        inputs=tuple(dict.fromkeys(_sources(config.get("inbound_nodes")))),
    )


def _sources(nodes: object) -> Iterator[str]:
    """The layers named in ``inbound_nodes``, of Keras 3 (``keras_history``) or 2 (lists)."""
    if isinstance(nodes, dict):
        history = nodes.get("keras_history")
        if isinstance(history, list) and history and isinstance(history[0], str):
            yield history[0]
        else:
            yield from _sources(list(nodes.values()))
    elif isinstance(nodes, list):
        # [name, node, tensor] or [name, node, tensor, keyword arguments]
        if len(nodes) in (3, 4) and isinstance(nodes[0], str) and isinstance(nodes[1], int):
            yield nodes[0]
            nodes = nodes[3:]
        for inner in nodes:
            yield from _sources(inner)


def walk_layers(model: LayerConfig, prefix: str = "") -> Iterator[tuple[str, LayerConfig]]:
    """Every layer that is no model, with its path through the nested models, ``outer/inner``."""
    for layer in model.layers or ():
        if layer.layers is None:
            yield prefix + layer.name, layer
        else:
            yield from walk_layers(layer, f"{prefix}{layer.name}/")


def group_names(model: LayerConfig) -> dict[str, LayerConfig]:
    """The layers of a model under the names of their groups in a Keras 3 weights file.

    ``saving_lib`` counts ``model.layers`` by snake-cased class: ``dense``, ``dense_1``, ….
    ``Sequential.layers`` is without the input layer, and operations are no layers.
    """
    counted: Counter[str] = Counter()
    names: dict[str, LayerConfig] = {}
    for position, layer in enumerate(model.layers or ()):
        leading = position == 0 and layer.type == "InputLayer" and model.type == "Sequential"
        if layer.is_operation or leading:
            continue
        base = snake_case(layer.type)
        names[f"{base}_{counted[base]}" if counted[base] else base] = layer
        counted[base] += 1
    return names


def snake_case(name: str) -> str:
    """As Keras makes group and layer names of class names (keras/src/utils/naming.py)."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()
