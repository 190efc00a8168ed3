"""Which datasets a model can be asked about, and their samples in the model's own shape."""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import keras
import numpy as np

from experiments.core.errors import DatasetError, InputError, unknown
from experiments.data.catalog import CATALOG, TEST, DatasetInfo, Kind, Source, Task
from experiments.data.dataset_spec import DatasetSpec
from experiments.data.loading import Dataset, load_dataset, on_this_machine
from experiments.data.samples import Samples
from experiments.data.stored import find_info, stored_names
from experiments.inference.loaded_models import LoadedFile, LoadedRun

Shape = tuple[int | None, ...]

#: How a model may want pixels, which lie from 0 to ``white``: as they are, or scaled before.
SCALES = ("raw", "0..1", "-1..1")
_SCALING = ("Rescaling", "Normalization")


class LabeledSamples(NamedTuple):
    """Samples with their truth; ``rows`` are row numbers in the dataset (or its test part).
    ``x`` is as in Dataset, not yet in the model's shape."""

    dataset: Dataset
    x: Samples
    y: np.ndarray
    rows: np.ndarray


def choose_part(loaded: LoadedRun | LoadedFile, name: str | None, part: str) -> LabeledSamples:
    """The samples of one part of a dataset: of the run's own where ``name`` is None or its name.

    A run's own data has ``train``, ``validation`` and ``test``; another set has ``all`` and
    ``test``. Raises InputError for a part that there is not and for data that does not fit.
    """
    if isinstance(loaded, LoadedRun) and name in (None, loaded.dataset.info.name):
        dataset = loaded.dataset
        parts = _parts_of(loaded)
    else:
        try:
            refuse_unfit(loaded.model, find_info(name or ""))
        except DatasetError as error:
            raise InputError(str(error)) from None
        dataset = _whole(name or "")
        parts = {"all": np.arange(len(dataset.x))}
        if dataset.parts is not None and dataset.info.test_given:
            parts["test"] = np.flatnonzero(dataset.parts == TEST)
    if part in parts:
        return LabeledSamples(dataset, dataset.x, dataset.y, parts[part])
    if part == "test" and dataset.x_test is not None and dataset.y_test is not None:
        return LabeledSamples(
            dataset, dataset.x_test, dataset.y_test, np.arange(len(dataset.x_test))
        )
    has_test = ["test"] if dataset.x_test is not None else []
    raise InputError(unknown("part", part, [*parts, *has_test]))


@lru_cache(maxsize=2)
def _whole(name: str) -> Dataset:
    return load_dataset(DatasetSpec(name=name, noise=0.0), seed=0, lazily=True)


def compatible(loaded: LoadedRun | LoadedFile) -> list[dict[str, Any]]:
    """The datasets on this machine that a model can be evaluated on, its own first."""
    own = loaded.dataset.info.name if isinstance(loaded, LoadedRun) else None
    there = [find_info(name) for name in (*CATALOG, *stored_names())]
    fitting = [
        info
        for info in there
        if info.name == own or (_misfit(loaded.model, info) is None and on_this_machine(info))
    ]
    return [_describe(info, loaded) for info in sorted(fitting, key=lambda i: i.name != own)]


def _parts_of(loaded: LoadedRun) -> dict[str, np.ndarray]:
    """The rows of each part of a run's own data that has any."""
    split = loaded.split
    parts = {"validation": split.validation, "train": split.train, "test": split.test}
    return {name: rows for name, rows in parts.items() if len(rows) or name != "test"}


def _describe(info: DatasetInfo, loaded: LoadedRun | LoadedFile) -> dict[str, Any]:
    own = isinstance(loaded, LoadedRun) and loaded.dataset.info.name == info.name
    parts = list(_parts_of(loaded)) if own and isinstance(loaded, LoadedRun) else ["all"]
    if info.test_given and (not own or info.source is Source.DOWNLOAD):
        parts.append("test")
    return {
        "name": info.name, "title": info.title, "own": own, "kind": info.kind.value,
        "task": info.task.value, "target": info.target, "class_names": list(info.class_names),
        "white": info.white, "parts": parts,
    }  # fmt: skip


def refuse_unfit(model: keras.Model, info: DatasetInfo) -> None:
    """Raise InputError where a model does not take the samples of a dataset, or answers otherwise
    than its task asks."""
    if misfit := _misfit(model, info):
        raise InputError(f"{info.name} does not fit the model: {misfit}.")


def _misfit(model: keras.Model, info: DatasetInfo) -> str | None:
    shape, outputs = input_shape(model), output_size(model)
    if shape is None or outputs is None:
        return "it has several inputs or outputs, or none"
    shapes = [info.shape, (math.prod(info.shape),)]
    if info.shape[-1] == 1:
        shapes.append(info.shape[:-1])
    if not any(_same(shape, taken) for taken in shapes):
        return f"its input is {say_shape(shape)}, and a sample is {say_shape(info.shape)}"
    allowed = {Task.REGRESSION: {1}, Task.BINARY: {1, 2}, Task.MULTICLASS: {info.classes}}
    if outputs not in allowed[info.task]:
        wanted = " or ".join(map(str, sorted(allowed[info.task])))
        return f"it has {outputs} outputs, and {info.task.value} needs {wanted}"
    return None


def _same(shape: Shape, taken: Sequence[int]) -> bool:
    return len(shape) == len(taken) and all(
        size in (None, other) for size, other in zip(shape, taken, strict=True)
    )


def input_shape(model: keras.Model) -> Shape | None:
    """The shape of one sample; None for a model of several inputs."""
    tensors = getattr(model, "inputs", None) or []
    return tuple(tensors[0].shape[1:]) if len(tensors) == 1 else None


def output_size(model: keras.Model) -> int | None:
    """How many numbers answer one sample; None for several outputs and for sequences."""
    tensors = getattr(model, "outputs", None) or []
    if len(tensors) != 1 or None in (shape := tuple(tensors[0].shape[1:])):
        return None
    return math.prod(shape)


def kind_of(model: keras.Model) -> str:
    """``image``, ``tabular``, or ``array`` for whatever else a sample is."""
    shape = input_shape(model) or ()
    if len(shape) == 3 and shape[2] in (1, 3):
        return Kind.IMAGE.value
    if len(shape) == 2 and shape[0] == shape[1] is not None:
        return Kind.IMAGE.value
    return Kind.TABULAR.value if len(shape) == 1 and shape[0] is not None else "array"


def guess_scale(model: keras.Model) -> str:
    """Pixels as they are where one of the first layers scales them itself, else from 0 to 1."""
    first = [layer for layer in model.layers[:4] for layer in getattr(layer, "layers", [layer])[:4]]
    return "raw" if any(type(layer).__name__ in _SCALING for layer in first) else "0..1"


def to_model(model: keras.Model, x: np.ndarray, white: float, scale: str) -> np.ndarray:
    """Samples in the model's shape, (n, *input shape); ``scale`` is one of SCALES."""
    if scale not in SCALES:
        raise InputError(unknown("scale", scale, SCALES))
    if scale != "raw":
        x = x.astype(np.float32) / np.float32(white)
        x = x * 2 - 1 if scale == "-1..1" else x
    shape = input_shape(model) or ()
    if x.ndim - 1 == len(shape):
        return x
    return x.reshape(len(x), *(size or -1 for size in shape))


def say_shape(shape: Shape) -> str:
    """A shape in words: 30 numbers, 8 × 8 × 1 values."""
    if len(shape) == 1 and shape[0] is not None:
        return f"{shape[0]} numbers"
    return f"{' × '.join('any' if size is None else str(size) for size in shape)} values"
