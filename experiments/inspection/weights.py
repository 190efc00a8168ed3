"""The weights of a model file by layer, for all four formats, without Keras."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np

from experiments.core.errors import ModelFileError
from experiments.inspection import keras_weights, legacy_weights
from experiments.inspection.file_formats import Format
from experiments.inspection.inside import Inside, open_inside
from experiments.inspection.layer_tree import read_layer


@dataclass(frozen=True)
class Weight:
    """One array of a layer; ``name`` is unique in its layer: ``kernel``, ``query/kernel``, or its
    number where the file holds none (``0``, ``query/0``)."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    path: Path = field(repr=False)
    dataset: str = field(repr=False)

    @property
    def size(self) -> int:
        """How many numbers it has."""
        return math.prod(self.shape)

    def read(self, file: h5py.File | None = None) -> np.ndarray:
        """The values; ``file`` is one from ``open_weights_file``, to read many without opening
        and checking the file for each."""
        if file is None:
            with open_weights_file(self.path) as opened:
                return self.read(opened)
        try:
            values = file[self.dataset][()]
        except (OSError, KeyError) as error:
            raise ModelFileError(
                f"{self.path.name}: {self.dataset} cannot be read: {str(error)[:200]}."
            ) from None
        if values.dtype.kind == "V":
            # ml_dtypes comes with Keras; HDF5 keeps bfloat16 as two bytes that it does not know.
            import ml_dtypes

            return np.asarray(values).view(ml_dtypes.bfloat16)
        return np.asarray(values)


@dataclass(frozen=True)
class LayerWeights:
    """A layer that has weights, in the order of ``trainable_weights + non_trainable_weights``;
    ``name`` has the nested models in front (``outer/inner``), ``type`` is its class or None where
    the file does not say."""

    name: str
    type: str | None
    weights: tuple[Weight, ...]


def read_layers(path: Path) -> list[LayerWeights]:
    """The layers with weights of a whole-model .h5, legacy weights .h5, .weights.h5 or .keras.

    The file is checked first. Layers inside nested models stand alone; those inside a wrapper
    (Bidirectional, TimeDistributed) belong to the wrapper. Optimizers, metrics and seed generators
    are left out. Raises ModelFileError for files without weights and for those that are refused.
    """
    with open_inside(path) as inside:
        return layers_of(inside)


def layers_of(inside: Inside) -> list[LayerWeights]:
    """As ``read_layers``, from a file that is open."""
    path, file = inside.path, inside.weights
    if file is None:
        raise _without_weights(path)
    model = read_layer(inside.config) if inside.config else None
    if inside.kind in (Format.KERAS, Format.WEIGHTS):
        found = keras_weights.find(file, model)
    else:
        found = legacy_weights.find(file.get("model_weights", file), model, path.name)
    return [
        LayerWeights(
            name,
            kind,
            tuple(
                Weight(key, dataset.shape, dtype_name(dataset), path, dataset.name)
                for key, dataset in datasets
            ),
        )
        for name, kind, datasets in found
        if datasets
    ]


def dtype_name(dataset: h5py.Dataset) -> str:
    """``float32`` and the like; HDF5 has bfloat16 as two bytes of no type."""
    if dataset.dtype.kind == "V":
        return {1: "float8", 2: "bfloat16"}.get(dataset.dtype.itemsize, str(dataset.dtype))
    return str(dataset.dtype)


@contextmanager
def open_weights_file(path: Path) -> Iterator[h5py.File]:
    """The HDF5 file with the weights, be it the file itself or a member of the archive."""
    with open_inside(path) as inside:
        if inside.weights is None:
            raise _without_weights(path)
        yield inside.weights


def _without_weights(path: Path) -> ModelFileError:
    return ModelFileError(
        f"{path.name} is an architecture, which has no weights; allowed: a whole model (.h5, "
        ".keras) or weights (.h5, .weights.h5)."
    )
