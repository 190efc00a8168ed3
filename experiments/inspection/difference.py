"""What differs between two model files: layers, configs, training, weights, optimizer."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import h5py

from experiments.inspection.configs import flatten
from experiments.inspection.file_inspection import check_inside, read_training
from experiments.inspection.inside import Inside, open_inside
from experiments.inspection.layer_tree import LayerConfig, read_layer, walk_layers
from experiments.inspection.stored_optimizer import optimizer_datasets
from experiments.inspection.weight_change import WeightChange, compare_arrays
from experiments.inspection.weights import LayerWeights, layers_of


@dataclass(frozen=True)
class ConfigChange:
    """A value of a config that is another one in the second file; None where it is missing."""

    layer: str | None
    key: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Difference:
    """``first`` and ``second`` name the files; ``weights`` has every array that both have.

    ``optimizer`` has those of the optimizer's variables that differ, where they can be matched;
    ``identical`` is about everything that the files hold, their form apart.
    """

    first: str
    second: str
    only_first: tuple[str, ...]
    only_second: tuple[str, ...]
    configs: tuple[ConfigChange, ...]
    training: tuple[ConfigChange, ...]
    weights: tuple[WeightChange, ...]
    optimizer_variables: tuple[int, int]
    optimizer: tuple[WeightChange, ...]

    @property
    def identical(self) -> bool:
        """Whether nothing at all differs."""
        changed = self.only_first or self.only_second or self.configs or self.training
        arrays = (*self.weights, *self.optimizer)
        counts = self.optimizer_variables
        return not changed and counts[0] == counts[1] and all(a.identical for a in arrays)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {"identical": self.identical, **asdict(self)}


def compare(first: Path, second: Path) -> Difference:
    """The difference from ``first`` to ``second``; arrays are read one pair at a time.

    Layers are matched by name, the arrays of a layer by name, or by position where one of the
    files only numbers them. Raises ModelFileError where either file is refused.
    """
    with open_inside(first) as before, open_inside(second) as after:
        check_inside(before)
        check_inside(after)
        stored = _stored(before), _stored(after)
        names = _layer_names(before, after, stored)
        optimizers = _optimizer(before), _optimizer(after)
        return Difference(
            first=str(first),
            second=str(second),
            only_first=tuple(name for name in names[0] if name not in names[1]),
            only_second=tuple(name for name in names[1] if name not in names[0]),
            configs=tuple(_config_changes(before, after)),
            training=tuple(_training_changes(before, after)),
            weights=tuple(_weight_changes(before, after, *stored)),
            optimizer_variables=(len(optimizers[0]), len(optimizers[1])),
            optimizer=tuple(_optimizer_changes(*optimizers)),
        )


_Stored = dict[str, LayerWeights]


def _layer_names(
    before: Inside, after: Inside, stored: tuple[_Stored, _Stored]
) -> tuple[dict[str, None], dict[str, None]]:
    """The layers of both files; only those with weights where one has no architecture, and those
    of the architecture where one has no weights."""
    both_described = before.config is not None and after.config is not None
    both_stored = before.weights is not None and after.weights is not None

    def names(inside: Inside, own: _Stored) -> dict[str, None]:
        described = [name for name, _ in _described(inside)] if both_described else []
        return dict.fromkeys([*described, *(own if both_stored else ())])

    return names(before, stored[0]), names(after, stored[1])


def _described(inside: Inside) -> Iterator[tuple[str, LayerConfig]]:
    if inside.config is not None:
        yield from walk_layers(read_layer(inside.config))


def _stored(inside: Inside) -> _Stored:
    if inside.weights is None:
        return {}
    return {layer.name: layer for layer in layers_of(inside)}


def _optimizer(inside: Inside) -> list[tuple[str, h5py.Dataset]]:
    return optimizer_datasets(inside.weights, inside.path.name) if inside.weights else []


def _config_changes(before: Inside, after: Inside) -> Iterator[ConfigChange]:
    layers = dict(_described(after))
    for name, layer in _described(before):
        other = layers.get(name)
        if other is not None:
            yield from _changes(name, _description(layer), _description(other))


def _description(layer: LayerConfig) -> dict[str, Any]:
    return {"class_name": layer.type, "inputs": list(layer.inputs), **layer.config}


def _training_changes(before: Inside, after: Inside) -> Iterator[ConfigChange]:
    if before.config is None or after.config is None:
        return
    first, second = read_training(before.training), read_training(after.training)
    yield from _changes(None, asdict(first) if first else {}, asdict(second) if second else {})


def _changes(layer: str | None, before: Any, after: Any) -> Iterator[ConfigChange]:
    first, second = flatten(before or {}), flatten(after or {})
    for key in dict.fromkeys([*first, *second]):
        if first.get(key) != second.get(key):
            yield ConfigChange(layer, key, first.get(key), second.get(key))


def _weight_changes(
    before: Inside,
    after: Inside,
    first: _Stored,
    second: _Stored,
) -> Iterator[WeightChange]:
    for name, layer in first.items():
        if name not in second:
            continue
        others = {weight.name: weight for weight in second[name].weights}
        by_name = set(others) == {weight.name for weight in layer.weights}
        pairs = (
            [(weight, others[weight.name]) for weight in layer.weights]
            if by_name
            else zip(layer.weights, second[name].weights, strict=False)
        )
        for weight, other in pairs:
            yield compare_arrays(
                name,
                weight.name,
                (weight.shape, other.shape),
                partial(weight.read, before.weights),
                partial(other.read, after.weights),
            )


def _optimizer_changes(
    first: list[tuple[str, h5py.Dataset]], second: list[tuple[str, h5py.Dataset]]
) -> Iterator[WeightChange]:
    others = dict(second)
    if all(key in others for key, _ in first):
        pairs = [(key, own, others[key]) for key, own in first]
    elif [own.shape for _, own in first] == [other.shape for _, other in second]:
        # One of the files only numbers its variables.
        pairs = [(key, own, second[place][1]) for place, (key, own) in enumerate(first)]
    else:
        return
    for key, own, other in pairs:
        shapes = (own.shape, other.shape)
        change = compare_arrays(
            None, key, shapes, partial(own.__getitem__, ()), partial(other.__getitem__, ())
        )
        if not change.identical:
            yield change
