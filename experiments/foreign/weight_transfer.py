"""Weights by layer name from a file into a network that may be another one, planned first."""

import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import keras

from experiments.core.errors import ModelFileError
from experiments.core.keras_compat import top_level_weights
from experiments.core.words import listed
from experiments.inspection.layer_tree import snake_case
from experiments.inspection.weights import LayerWeights, Weight, open_weights_file, read_layers

Shapes = tuple[tuple[int, ...], ...]


class Status(StrEnum):
    """What becomes of a layer."""

    LOADED = "loaded"
    SHAPE_MISMATCH = "shape_mismatch"  # of that name on both sides; the network's stays as it is
    MISSING = "missing"  # not in the file; the network's stays as it is
    LEFT_OVER = "left_over"  # in the file only


@dataclass(frozen=True)
class LayerTransfer:
    """One layer, ``outer/inner`` inside nested models; ``parameters`` are the network's, or the
    file's for a layer that is left over."""

    layer: str
    status: Status
    source_shapes: Shapes
    target_shapes: Shapes
    weights: tuple[Weight, ...] = field(default=(), repr=False)

    @property
    def parameters(self) -> int:
        """How many numbers the layer has."""
        return sum(map(_size, self.target_shapes or self.source_shapes))

    def to_dict(self) -> dict[str, Any]:
        """The row for JSON."""
        return {
            "layer": self.layer,
            "status": self.status.value,
            "source_shapes": [list(shape) for shape in self.source_shapes],
            "target_shapes": [list(shape) for shape in self.target_shapes],
            "parameters": self.parameters,
        }


@dataclass(frozen=True)
class TransferPlan:
    """Every layer that has weights on either side: the network's in their order, then what is
    left over in the file."""

    source: Path
    rows: tuple[LayerTransfer, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How many layers have each status."""
        counted = Counter(row.status for row in self.rows)
        return {status.value: counted[status] for status in Status}

    @property
    def sentence(self) -> str:
        """What is, or would be, taken over, in one sentence."""
        loaded = [row for row in self.rows if row.status is Status.LOADED]
        here = [row for row in self.rows if row.status is not Status.LEFT_OVER]
        numbers = sum(row.parameters for row in loaded)
        whole = sum(row.parameters for row in here)
        counts = self.counts
        rest = [
            f"{counts[name]} {words}"
            for name, words in (
                ("shape_mismatch", "of another shape"),
                ("missing", "not in the file"),
                ("left_over", "left over there"),
            )
            if counts[name]
        ]
        return (
            f"{len(loaded)} of {len(here)} layers, {numbers:,} of {whole:,} parameters, from "
            f"{self.source.name}{': ' if rest else ''}{', '.join(rest)}."
        )

    def to_dict(self) -> dict[str, Any]:
        """The plan for JSON: ``layers``, ``counts`` and ``sentence``."""
        return {
            "layers": [row.to_dict() for row in self.rows],
            "counts": self.counts,
            "sentence": self.sentence,
        }

    def refuse_if_nothing_fits(self) -> None:
        """Raise ModelFileError where no layer would be loaded."""
        if self.counts["loaded"]:
            return
        there = [row.layer for row in self.rows if row.source_shapes]
        here = [row.layer for row in self.rows if row.target_shapes]
        raise ModelFileError(
            f"No layer of {self.source.name} fits this network by name and shapes: the file has "
            f"{listed(there)}; the network has {listed(here)}. Give the layers to transfer the "
            f"same name on both sides."
        )


class _Layer(NamedTuple):
    """A layer of the network; ``group`` is what a Keras 3 weights file calls it."""

    name: str
    group: str
    variables: list[Any]

    @property
    def shapes(self) -> Shapes:
        return tuple(tuple(variable.shape) for variable in self.variables)


def plan_transplant(source: Path, model: keras.Model) -> TransferPlan:
    """What ``transplant`` would do; nothing is changed, and values of the model are not needed.

    ``source`` is a whole-model .h5, a legacy weights .h5, a .weights.h5 or a .keras. Layers are
    matched by name; those of a .weights.h5 that holds no names (Keras before 3.8) by Keras' own
    scheme, class and count. A layer is loaded whole or not at all: all its arrays must have the
    same shapes in the same order. Raises ModelFileError for a file that is refused or has no
    weights, and for a network that is not built.
    """
    layers = list(_layers(model))
    if not layers:
        raise ModelFileError(
            f"The network {model.name} has no weights, or was never built. Allowed: a network "
            "whose input shape is known."
        )
    found = read_layers(source)
    nameless = _is_nameless(source, found)
    there = {layer.name: layer for layer in found}
    rows: list[LayerTransfer] = []
    for layer in layers:
        weights = _take(there, layer.group if nameless else layer.name)
        given = _shapes(weights)
        if not weights:
            status = Status.MISSING
        else:
            status = Status.LOADED if given == layer.shapes else Status.SHAPE_MISMATCH
        rows.append(LayerTransfer(layer.name, status, given, layer.shapes, weights))
    rows += [
        LayerTransfer(name, Status.LEFT_OVER, _shapes(rest.weights), ())
        for name, rest in there.items()
    ]
    return TransferPlan(source, tuple(rows))


def apply(plan: TransferPlan, model: keras.Model) -> None:
    """Give the model the weights of the layers that the plan loads; all others stay as they are.

    Everything is read before anything is changed. Raises ModelFileError for a file that cannot
    be read any more.
    """
    variables = {layer.name: layer.variables for layer in _layers(model)}
    loaded = [row for row in plan.rows if row.status is Status.LOADED]
    with open_weights_file(plan.source) as file:
        values = [(row.layer, [weight.read(file) for weight in row.weights]) for row in loaded]
    for name, arrays in values:
        for variable, array in zip(variables[name], arrays, strict=True):
            variable.assign(array)


def transplant(source: Path, model: keras.Model) -> TransferPlan:
    """Plan and apply; raises ModelFileError as plan_transplant, and where no layer fits."""
    plan = plan_transplant(source, model)
    plan.refuse_if_nothing_fits()
    apply(plan, model)
    return plan


def _layers(model: keras.Model, name: str = "", group: str = "") -> Iterator[_Layer]:
    """The layers of a model that have weights; those of nested models stand alone."""
    counted: Counter[str] = Counter()
    for layer in model.layers:
        kind = snake_case(type(layer).__name__)
        key = f"{kind}_{counted[kind]}" if counted[kind] else kind
        counted[kind] += 1
        if isinstance(layer, keras.Model):
            yield from _layers(layer, f"{name}{layer.name}/", f"{group}{key}/")
        elif layer.weights:
            weights = layer.trainable_weights + layer.non_trainable_weights
            yield _Layer(name + layer.name, group + key, weights)
    if own := top_level_weights(model):
        yield _Layer(f"{name}top_level_model_weights", f"{group}top_level_model_weights", own)


def _take(there: dict[str, LayerWeights], name: str) -> tuple[Weight, ...]:
    """The weights of a layer, which is then no longer among those that are left.

    A legacy weights file does not tell a layer inside a wrapper, such as TimeDistributed, from one
    inside a nested model: to a layer of the network belongs whatever stands below its name.
    """
    if name in there:
        return there.pop(name).weights
    below = [other for other in there if other.startswith(f"{name}/")]
    return tuple(weight for other in below for weight in there.pop(other).weights)


def _is_nameless(source: Path, layers: list[LayerWeights]) -> bool:
    """Whether the file has groups by class and count, and no names of layers beside them."""
    if zipfile.is_zipfile(source):
        return False  # the config beside the weights has the names
    paths = [weight.dataset for layer in layers for weight in layer.weights]
    if not all("/vars/" in path for path in paths):
        return False
    with open_weights_file(source) as file:
        return not any(_has_name(file, path) for path in paths)


def _has_name(file: h5py.File, dataset: str) -> bool:
    return "name" in file[dataset].parent.attrs


def _shapes(weights: tuple[Weight, ...]) -> Shapes:
    return tuple(weight.shape for weight in weights)


def _size(shape: tuple[int, ...]) -> int:
    size = 1
    for length in shape:
        size *= length
    return size
