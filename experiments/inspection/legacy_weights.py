"""Layers in the layout of legacy HDF5: Keras 1 to 3, whole models and weights alike.

Each name of ``layer_names`` is a group, whose ``weight_names`` are paths below it.
"""

import re

import h5py

from experiments.inspection.checked_hdf5 import find_dataset, find_group, read_names
from experiments.inspection.keras_weights import Found, shorten
from experiments.inspection.layer_tree import LayerConfig, walk_layers

TOP_LEVEL = "top_level_model_weights"

#: Layers with layers inside that are not models, by the names that Keras gives them.
_WRAPPER = re.compile(r"(time_distributed|bidirectional|spectral_normalization|rnn)(_\d+)?$")
_PART = re.compile(r"(forward_.+|backward_.+|.*_cells?(_\d+)?|query|key|value|attention_output)$")

_Weights = list[tuple[tuple[str, ...], h5py.Dataset]]


def find(group: h5py.Group, model: LayerConfig | None, file: str) -> list[Found]:
    """Name, class and weights of each layer, in the order of the model.

    ``model`` tells nested models from wrappers; without it the names of the weights do, as far as
    Keras gave them. Raises ModelFileError where a listed layer or weight is not there.
    """
    names = read_names(group, "layer_names", f"{file}: {group.name}")
    if TOP_LEVEL in group and TOP_LEVEL not in names:
        names.append(TOP_LEVEL)
    configs = {layer.name: layer for layer in (model.layers or ())} if model else {}
    found: list[Found] = []
    for name in names:
        layer = find_group(group, name, f"{file}: layer_names")
        where = f"{file}: {layer.name}"
        weights: _Weights = [
            (_parts(key), find_dataset(layer, key, where))
            for key in read_names(layer, "weight_names", where)
            if "seed_generator_state" not in key
        ]
        config = configs.get(name)
        if config is not None and config.layers is not None:
            found += _nested(name, config, weights)
        elif model is None and name != TOP_LEVEL:
            found += _guessed(name, weights)
        else:
            found.append((name, config.type if config else None, shorten(weights)))
    return found


def _parts(name: str) -> tuple[str, ...]:
    """``dense/kernel:0`` of Keras 2 and ``dense/kernel`` of Keras 3 alike."""
    return tuple(re.sub(r":\d+$", "", name).split("/"))


def _nested(name: str, model: LayerConfig, weights: _Weights) -> list[Found]:
    """The weights of a nested model, given to its layers by their names."""
    layers = dict(walk_layers(model))
    given: dict[str, _Weights] = {path: [] for path in layers}
    rest: _Weights = []
    for parts, dataset in weights:
        fitting = _fitting(parts[:-1], list(layers))
        if not fitting:
            rest.append((parts, dataset))
            continue
        # Layers of one name in two nested models: the second one's are numbered, kernel_2.
        number = re.search(r"_(\d+)$", parts[-1]) if len(fitting) > 1 else None
        position = int(number[1]) - 1 if number else 0
        if 0 < position < len(fitting):
            parts = (*parts[:-1], parts[-1][: -len(number[0])] if number else parts[-1])
            given[fitting[position]].append((parts, dataset))
        else:
            given[fitting[0]].append((parts, dataset))
    found: list[Found] = [
        (f"{name}/{path}", layers[path].type, shorten(own)) for path, own in given.items()
    ]
    return [*found, (name, model.type, shorten(rest))] if rest else found


def _fitting(folders: tuple[str, ...], layers: list[str]) -> list[str]:
    """The layers, by path, whose name is among ``folders``; those that share most of it."""
    fitting = [path for path in layers if path.rsplit("/", 1)[-1] in folders]
    shared = {path: sum(part in folders for part in path.split("/")) for path in fitting}
    most = max(shared.values(), default=0)
    return [path for path in fitting if shared[path] == most]


def _guessed(name: str, weights: _Weights) -> list[Found]:
    """The layers of a group whose config is not known: one, or those of a nested model."""
    layers: dict[tuple[str, ...], _Weights] = {}
    for parts, dataset in weights:
        folders = list(parts[:-1])
        if folders and _base(folders[0]) == _base(name):
            folders = folders[1:]
        inner: list[str] = []
        for folder in folders:
            if _WRAPPER.match(name) or _PART.match(folder):
                break
            inner.append(folder)
            if _WRAPPER.match(folder):
                break
        layers.setdefault(tuple(inner), []).append((parts, dataset))
    return [("/".join((name, *inner)), None, shorten(own)) for inner, own in layers.items()] or [
        (name, None, [])
    ]


def _base(name: str) -> str:
    return re.sub(r"_\d+$", "", name)
