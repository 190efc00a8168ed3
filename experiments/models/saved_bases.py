"""A saved model as the base of another one: cut at a layer, fed as it was when it was trained."""

from pathlib import Path

import keras
import numpy as np

from experiments.core.errors import SpecError, unknown
from experiments.foreign.config_models import build_model
from experiments.foreign.opening import open_model_file
from experiments.inspection.file_inspection import check_inside
from experiments.inspection.inside import open_inside
from experiments.models.architectures import Tensor
from experiments.spec.base_files import base_path
from experiments.spec.model_specs import SavedBaseSpec

#: What gray is made of (ITU-R BT.601), where a network of gray images gets colored ones.
_LUMA = (0.299, 0.587, 0.114)

Size = tuple[int, ...]


def take_saved(spec: SavedBaseSpec, x: Tensor) -> tuple[keras.Model, Size]:
    """The model of a spec, up to the layer that the spec names, and the shape of the samples that
    it gets, for samples ``x``.

    Raises ArtifactError where its file is not on this machine, ModelFileError for what cannot be
    opened, and SpecError for what does not fit.
    """
    if spec.weights == "random":
        return sketch_saved(spec, x)
    model = open_model_file(base_path(spec)).model
    return _cut(model, spec.layer), _size(model, x)


def sketch_saved(spec: SavedBaseSpec, x: Tensor) -> tuple[keras.Model, Size]:
    """The same with random weights; in a StatelessScope without values."""
    with open_inside(base_path(spec)) as inside:
        check_inside(inside)
        if inside.config is None:
            raise SpecError(_no_architecture(inside.path))
        model, _ = build_model(inside)
    return _cut(model, spec.layer), _size(model, x)


def pool(x: Tensor, name: str) -> Tensor:
    """One row of features for each sample: means over places or steps where there are any."""
    layers = keras.layers
    if len(x.shape) == 4:
        return layers.GlobalAveragePooling2D(name=name)(x)
    if len(x.shape) == 3:
        return layers.GlobalAveragePooling1D(name=name)(x)
    return layers.Flatten(name=name)(x)


def values_for(spec: SavedBaseSpec, base: keras.Model, channels: int) -> list[np.ndarray]:
    """The kernel (1, 1, channels, own) and bias (own,) that bring pixels of 0…1 to the brightness
    and the channels that a base was trained on.

    Gray counts for each color, colors make gray by their brightness, and alpha for nothing.
    """
    own = base.inputs[0].shape[-1]
    kernel = np.zeros((channels, own))
    if channels == 1:
        kernel[:] = 1.0
    elif own == 1:
        kernel[:3, 0] = _LUMA
    else:
        np.fill_diagonal(kernel, 1.0)
    kernel *= spec.white or find_white(base) or 1.0
    return [kernel.reshape(1, 1, channels, own).astype("float32"), np.zeros(own, "float32")]


def _cut(model: keras.Model, layer: str) -> keras.Model:
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise SpecError(
            f"model.run: the model has {len(model.inputs)} inputs and {len(model.outputs)} "
            "outputs. Allowed: a model of one each."
        )
    if not layer:
        weighted = [one for one in model.layers if one.weights]
        if not weighted:
            raise SpecError("model.run: the model has no weights. Allowed: one that was trained.")
        end = weighted[-1].input
    else:
        names = [one.name for one in model.layers]
        if layer not in names:
            raise SpecError(f"model.layer: {unknown('layer of the base', layer, names)}")
        end = model.get_layer(layer).output
    if isinstance(end, list) or not 2 <= len(end.shape) <= 4:
        raise SpecError(f"model.layer: {layer!r} does not give one row or image a sample.")
    if end is model.inputs[0]:
        raise SpecError(
            f"model.layer: nothing of the model is left before {layer or 'its head'}. Allowed: a "
            "later layer."
        )
    return keras.Model(model.inputs[0], end, name="base")


def _size(model: keras.Model, x: Tensor) -> Size:
    """The shape of one sample as the base gets it: its own, or that of ``x`` where it is open."""
    own, given = model.inputs[0].shape[1:], x.shape[1:]
    if len(own) != len(given):
        raise SpecError(
            f"model.run: the base takes samples of shape {_text(own)}; the data has {_text(given)}."
            " Allowed: a base for the same kind of data."
        )
    size = tuple(here or there for here, there in zip(own, given, strict=True))
    if len(own) == 3 and (size[2] == 1 or given[2] == 1 or 3 <= size[2] <= given[2]):
        return size
    if size != given:
        raise SpecError(
            f"model.run: the base takes samples of shape {_text(own)}; the data has {_text(given)}."
            " Allowed: data of the same shape; images may differ in their sides."
        )
    return size


def find_white(base: keras.Model) -> float | None:
    """The brightest pixel of what a model was trained on, if its first scaling layer tells."""
    for layer in base.layers[:4]:
        if isinstance(layer, keras.layers.Rescaling) and np.ndim(layer.scale) == 0:
            return float((1 - np.max(layer.offset)) / layer.scale)
    return None


def _no_architecture(path: Path) -> str:
    return f"model.file: {path.name} holds weights only. Allowed: a whole model, .h5 or .keras."


def _text(shape: tuple[int | None, ...]) -> str:
    return " × ".join("any" if size is None else str(size) for size in shape)
