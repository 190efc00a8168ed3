"""Layers in the layout of ``.weights.h5`` and of the weights inside ``.keras`` (Keras 3, 2.12+).

``layers/<class>_<count>/vars/<number>``; since Keras 3.8 or so each ``vars`` says its layer's name.
"""

import re
from collections.abc import Iterator

import h5py

from experiments.inspection.keras_names import keras_catalog
from experiments.inspection.layer_tree import LayerConfig, group_names

Found = tuple[str, str | None, list[tuple[str, h5py.Dataset]]]

#: What a model's list of layers is called: by Keras 3, and by Keras 2.12 and 2.13.
_LISTS = ("layers", "_layer_checkpoint_dependencies")
#: Below a model, but none of its layers.
_NO_LAYERS = {"optimizer", "metrics", "loss_tracker", "_metrics", "vars", "_functional"}
#: Keras walks attributes alphabetically; weights are in the order in which layers made them.
_PARTS = (
    "forward_layer", "backward_layer",
    "_query_dense", "_key_dense", "_value_dense", "_output_dense",
    "query_dense", "key_dense", "value_dense", "output_dense",
)  # fmt: skip
_PART_ORDER = {name: position for position, name in enumerate(_PARTS)}


def find(file: h5py.File, model: LayerConfig | None) -> list[Found]:
    """Name, class and weights of each layer, in the order in which they were written.

    ``model`` gives the names where the file has none; without it they are those of the groups.
    """
    return list(_model_layers(file, model, ""))


def _model_layers(group: h5py.Group, model: LayerConfig | None, prefix: str) -> Iterator[Found]:
    own = list(_variables(group, ()))
    if own:
        yield prefix + "top_level_model_weights", None, own
    children = [
        (key, child)
        for name in _LISTS
        if isinstance(group.get(name), h5py.Group)
        for key, child in _written_order(group[name])
    ]
    configs = group_names(model) if model else {}
    for key, child in children:
        config = configs.get(key)
        name = _name(child) or (config.name if config else key)
        base = re.sub(r"_\d+$", "", key)
        kind = config.type if config else keras_catalog().layers.get(base)
        yield from _layer(child, name, kind, config, prefix)
    # A subclassed model keeps its layers under the names of its attributes.
    for key, child in _written_order(group):
        if key not in _NO_LAYERS and key not in _LISTS:
            yield from _attribute(child, key, prefix)


def _layer(
    group: h5py.Group, name: str, kind: str | None, config: LayerConfig | None, prefix: str
) -> Iterator[Found]:
    if any(key in group for key in _LISTS):
        yield from _model_layers(group, config, f"{prefix}{name}/")
    else:
        yield prefix + name, kind, shorten(list(_weights(group, ())))


def _attribute(group: h5py.Group, key: str, prefix: str) -> Iterator[Found]:
    if "vars" in group or any(name in group for name in _LISTS):
        yield from _layer(group, _name(group) or key, None, None, prefix)
        return
    for inner, child in _written_order(group):
        yield from _attribute(child, inner, f"{prefix}{key}/")


def _weights(
    group: h5py.Group, path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], h5py.Dataset]]:
    """A layer's own variables, then those of the layers inside it."""
    own = [((*path, key), dataset) for key, dataset in _variables(group, path)]
    doubles = str(group.name).rsplit("/", 1)[-1].startswith("spectral_normalization")
    if not doubles:
        yield from own
    children = _written_order(group)
    children.sort(key=lambda child: _PART_ORDER.get(child[0], len(_PART_ORDER)))
    for key, child in children:
        if key != "vars" and "seed_generator" not in key:
            inner = () if key in _LISTS else (_name(child) or key,)
            yield from _weights(child, (*path, *inner))
    if doubles:
        # Its first variable is the kernel of the layer inside, stored a second time; the vector
        # that it keeps is not trainable and so comes last.
        yield from own[1:]


def _variables(group: h5py.Group, path: tuple[str, ...]) -> Iterator[tuple[str, h5py.Dataset]]:
    variables = group.get("vars")
    if not isinstance(variables, h5py.Group):
        return
    for key in sorted(variables, key=lambda key: (len(key), key)):
        if isinstance(variables[key], h5py.Dataset):
            yield key, variables[key]


def _name(group: h5py.Group) -> str | None:
    variables = group.get("vars")
    name = variables.attrs.get("name") if isinstance(variables, h5py.Group) else None
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else name


def _written_order(group: h5py.Group) -> list[tuple[str, h5py.Group]]:
    """The groups below, as they were written: HDF5 lists them by name, but the addresses of their
    headers ascend, because Keras writes a file once from front to back."""
    groups = [(key, child) for key, child in group.items() if isinstance(child, h5py.Group)]
    return sorted(groups, key=lambda child: h5py.h5o.get_info(child[1].id).addr)


def shorten(
    weights: list[tuple[tuple[str, ...], h5py.Dataset]],
) -> list[tuple[str, h5py.Dataset]]:
    """Names without the folders that all of a layer's weights share: ``kernel``."""
    shared = 0
    folders = [path[:-1] for path, _ in weights]
    while folders and all(
        len(folder) > shared and folder[shared] == folders[0][shared] for folder in folders
    ):
        shared += 1
    return [("/".join(path[shared:]), dataset) for path, dataset in weights]
