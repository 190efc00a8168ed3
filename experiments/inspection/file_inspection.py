"""Looking into a model file without Keras: is it safe, and what is in it."""

from pathlib import Path
from typing import Any

from experiments.inspection.checked_hdf5 import read_text
from experiments.inspection.configs import parse_json
from experiments.inspection.contents import (
    LayerContents,
    ModelFile,
    StateContents,
    StoredArray,
    TrainingContents,
)
from experiments.inspection.file_formats import Format
from experiments.inspection.inside import Inside, open_inside
from experiments.inspection.layer_tree import LayerConfig, read_layer, walk_layers
from experiments.inspection.safety import check_config, check_training, without_package
from experiments.inspection.stored_optimizer import read_optimizer
from experiments.inspection.weights import LayerWeights, layers_of


def look(path: Path) -> ModelFile:
    """What ``path`` holds, after it has been found safe to give to Keras.

    Nothing is built and no array is read. Raises ModelFileError, one sentence that says what was
    found and where, for every file that is no model file, damaged, beyond the limits, or that
    would make Keras run code or read files of its choice.
    """
    with open_inside(path) as inside:
        check_inside(inside)
        return _contents(inside)


def check_inside(inside: Inside) -> None:
    """Raise ModelFileError where the configs of an open file name what is not Keras' own."""
    # The training config of .keras lies within its config and is looked at there.
    if inside.config is not None:
        root = {
            Format.WHOLE_MODEL: "model_config",
            Format.KERAS: "config.json",
        }.get(inside.kind, "config")
        check_config(inside.config, f"{inside.path.name}: {root}")
    if inside.training is not None:
        check_training(inside.training, f"{inside.path.name}: training_config")


def _contents(inside: Inside) -> ModelFile:
    model = read_layer(inside.config) if inside.config is not None else None
    stored = layers_of(inside) if inside.weights is not None else []
    optimizer = read_optimizer(inside.weights, inside.path.name) if inside.weights else None
    return ModelFile(
        file=str(inside.path),
        format=inside.kind.value,
        bytes=inside.path.stat().st_size,
        keras_version=inside.keras_version,
        backend=inside.backend,
        saved=inside.saved,
        name=model.name if model else None,
        architecture=model is not None,
        layers=_layers(model, stored),
        parameters=None
        if inside.weights is None
        else sum(weight.size for layer in stored for weight in layer.weights),
        training=read_training(inside.training),
        optimizer=optimizer,
        training_state=_state(inside),
        notes=tuple(_notes(inside, stored)),
    )


def _layers(model: LayerConfig | None, stored: list[LayerWeights]) -> tuple[LayerContents, ...]:
    """The layers of the config with their weights, then those that only the weights know."""
    weights = {layer.name: layer for layer in stored}
    layers = []
    for name, config in walk_layers(model) if model else ():
        own = weights.pop(name, None)
        layers.append(_layer(name, config.type, config, own))
    layers += [_layer(name, own.type, None, own) for name, own in weights.items()]
    return tuple(layers)


def _layer(
    name: str, kind: str | None, config: LayerConfig | None, stored: LayerWeights | None
) -> LayerContents:
    weights = stored.weights if stored else ()
    return LayerContents(
        name,
        kind,
        config.trainable if config else None,
        config.inputs if config else (),
        sum(weight.size for weight in weights),
        tuple(StoredArray(weight.name, weight.shape, weight.dtype) for weight in weights),
    )


def read_training(config: dict[str, Any] | None) -> TrainingContents | None:
    """A training config, of legacy HDF5 or of .keras, in the same words."""
    if config is None:
        return None
    optimizer = config.get("optimizer_config") or config.get("optimizer")
    inner: Any = None
    if isinstance(optimizer, dict):
        inner = optimizer.get("config")
        optimizer = optimizer.get("class_name")
    return TrainingContents(
        optimizer=without_package(str(optimizer)) if optimizer else None,
        optimizer_config=inner if isinstance(inner, dict) else {},
        loss=config.get("loss"),
        metrics=config.get("metrics"),
    )


def _state(inside: Inside) -> StateContents | None:
    group = inside.weights.get("training_state") if inside.weights else None
    text = read_text(group, "state") if group is not None else None
    if group is None or text is None:
        return None
    state = parse_json(text, f"{inside.path.name}: training_state")
    callbacks, history = state.get("callbacks"), state.get("history")
    return StateContents(
        epoch=_whole_number(state.get("epoch")),
        batch=_whole_number(state.get("batch")),
        callbacks=callbacks if isinstance(callbacks, dict) else {},
        history=len(history) if isinstance(history, list) else 0,
        seed_generators=len(group.get("seed_generators", ())),
        best_weights=len(group.get("best_weights", ())) > 0,
    )


def _whole_number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _notes(inside: Inside, stored: list[LayerWeights]) -> list[str]:
    notes = []
    if (inside.keras_version or "").startswith(("1.", "2.")):
        notes.append(f"Written by Keras {inside.keras_version}.")
    if inside.weights is None:
        notes.append("An architecture only: it has no weights and has to be trained.")
    elif inside.config is None:
        notes.append("Weights only: it needs an architecture to be loaded into.")
    elif inside.training is None:
        notes.append("The model was not compiled when it was saved, or saved without optimizer.")
    if inside.weights is not None and not stored:
        notes.append("None of its layers has weights.")
    return notes


def list_layers(path: Path) -> list[tuple[str, str]]:
    """Name and type of each layer of the model in a file; raises ModelFileError."""
    with open_inside(path) as inside:
        tree = read_layer(inside.config or {})
    return [(layer.name, layer.type) for layer in tree.layers or () if not layer.is_operation]
