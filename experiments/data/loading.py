"""Reading the samples of a dataset into memory.

Importing this module imports neither Keras nor scikit-learn, so that the web process may use it.
"""

import hashlib
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from experiments.core.errors import DatasetError
from experiments.data.catalog import DatasetInfo, Kind, Source, Task
from experiments.data.dataset_spec import DatasetSpec
from experiments.data.downloads import keras_cache, load_keras_dataset, on_this_machine
from experiments.data.samples import Samples, StoredSamples
from experiments.data.stored import GROUPS, PARTS, SAMPLES_FILE, TIMES, folder_of

__all__ = ["Dataset", "load_dataset", "on_this_machine"]

_CALIFORNIA = (
    "MedInc",
    "HouseAge",
    "AveRooms",
    "AveBedrms",
    "Population",
    "AveOccup",
    "Latitude",
    "Longitude",
)
_MOONS_NOISE = 0.2


@dataclass(frozen=True, eq=False)
class Dataset:
    """Samples in file order, in raw units: what the model preprocesses is part of the model.

    ``x`` is (n, height, width, channels) for images and (n, features) for tables: float32
    (digits 0 to 16), or uint8 for the images of keras.datasets (0 to 255; a quarter of the
    memory, and the model's first layer casts them); of a dataset that streams they stay on disk,
    and ``x`` is read by rows. ``y`` is int32 (n,) for several classes,
    float32 (n, 1) for two classes and for regression. ``x_test`` and ``y_test`` are
    keras.datasets' own test part, never cut, or None. ``content_hash`` is of ``x`` and ``y``.
    ``groups``, int64 (n,), are equal for samples of one group; ``times`` are float64 (n,);
    ``parts``, int8 (n,), are the parts of the file that they are in: TRAINING, VALIDATION or TEST.
    """

    info: DatasetInfo
    x: Samples
    y: np.ndarray
    x_test: np.ndarray | None
    y_test: np.ndarray | None
    feature_names: tuple[str, ...]
    content_hash: str
    groups: np.ndarray | None = None
    times: np.ndarray | None = None
    parts: np.ndarray | None = None


class _Raw(NamedTuple):
    x: Any
    y: Any
    feature_names: tuple[str, ...] = ()
    x_test: Any = None
    y_test: Any = None


def load_dataset(spec: DatasetSpec, seed: int, *, lazily: bool = False) -> Dataset:
    """The samples that a spec names: the first ``max_samples`` in file order, or all if fewer.

    ``seed`` matters for two_moons only, which is made from it. iris and wine come sorted by
    class, and stay so. Stored samples stay on disk with a memory budget, or ``lazily``. Raises
    DatasetError where a download fails or a file is not what it should be.
    """
    info = spec.info
    if info.source is Source.GENERATED:
        raw = _two_moons(info, spec.noise, seed)
    elif info.source is Source.STORED:
        return _stored(info, spec.max_samples, lazily or spec.memory_mb is not None)
    elif info.source is Source.BUNDLED:
        raw = _bundled(info)
    else:
        raw = _downloaded(info)
    x, y = _typed(info, raw.x, raw.y)
    if spec.max_samples is not None and spec.max_samples < len(x):
        # A copy: a view would keep the whole array in memory.
        x, y = x[: spec.max_samples].copy(), y[: spec.max_samples].copy()
    has_test = raw.x_test is not None
    x_test, y_test = _typed(info, raw.x_test, raw.y_test) if has_test else (None, None)
    return Dataset(
        info=info,
        x=x,
        y=y,
        x_test=x_test,
        y_test=y_test,
        feature_names=raw.feature_names,
        content_hash=_content_hash(x, y),
    )


def _bundled(info: DatasetInfo) -> _Raw:
    from sklearn import datasets

    # scikit-learn standardizes diabetes unless told not to; we want the measurements themselves.
    options = {"scaled": False} if info.name == "diabetes" else {}
    bunch = getattr(datasets, f"load_{info.name}")(**options)
    names = tuple(map(str, bunch.feature_names)) if info.kind is Kind.TABULAR else ()
    return _Raw(bunch.data.reshape(-1, *info.shape), bunch.target, names)


def _two_moons(info: DatasetInfo, noise: float, seed: int) -> _Raw:
    from sklearn.datasets import make_moons

    x, y = make_moons(n_samples=info.samples, noise=_MOONS_NOISE, random_state=seed)
    # A stream of its own: the split is drawn from the same seed.
    flipped = np.random.default_rng([seed, 1]).permutation(len(y))[: round(noise * len(y))]
    y[flipped] = 1 - y[flipped]
    return _Raw(x, y, ("x1", "x2"))


def _stored(info: DatasetInfo, most: int | None, lazily: bool) -> Dataset:
    import h5py

    path = folder_of(info.content_hash) / SAMPLES_FILE
    try:
        with h5py.File(path) as file:
            y = file["y"][:most]
            x: Samples = StoredSamples(path, most) if lazily else file["x"][:most]
            groups = file[GROUPS][:most] if info.group else None
            times = file[TIMES][:most] if info.time else None
            parts = file[PARTS][:most] if info.parts else None
    except (OSError, KeyError) as error:
        raise DatasetError(
            f"{info.name}: {path} cannot be read: {error}. Delete its folder; it is then fetched "
            "again."
        ) from None
    whole = len(x) == info.samples
    digest = info.content_hash if whole else _content_hash(x, y)
    return Dataset(
        info=info,
        x=x,
        y=y,
        x_test=None,
        y_test=None,
        feature_names=info.feature_names,
        content_hash=digest,
        groups=groups,
        times=times,
        parts=parts,
    )


def _downloaded(info: DatasetInfo) -> _Raw:
    (x, y), (x_test, y_test) = load_keras_dataset(info)
    names = _CALIFORNIA if info.name == "california_housing" else ()
    return _Raw(x, y, names, x_test, y_test)


def _typed(info: DatasetInfo, x: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
    """Types and shapes as Dataset promises them; raises DatasetError for what does not fit."""
    if x.ndim == len(info.shape):
        x = x[..., np.newaxis]
    y = np.asarray(y).reshape(-1)
    if x.shape[1:] != info.shape or len(x) != len(y) or len(x) == 0:
        raise DatasetError(
            f"{info.name}: received samples of shape {x.shape} and {len(y)} targets. Expected "
            f"samples of shape {info.shape}, with one target each. {_source(info)}"
        )
    if info.classes and not (0 <= y.min() and y.max() < info.classes):
        raise DatasetError(
            f"{info.name}: received labels from {y.min()} to {y.max()}. Expected 0 to "
            f"{info.classes - 1}. {_source(info)}"
        )
    x = np.ascontiguousarray(x, dtype=np.uint8 if x.dtype == np.uint8 else np.float32)
    if info.task is Task.MULTICLASS:
        return x, y.astype(np.int32)
    return x, y.astype(np.float32).reshape(-1, 1)


def _source(info: DatasetInfo) -> str:
    paths = ", ".join(str(keras_cache() / file) for file, _ in info.downloads)
    return f"Delete what it was read from, and it is downloaded again: {paths}."


def _content_hash(x: Samples, y: np.ndarray) -> str:
    digest = hashlib.sha256()
    for array in (x, y):
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        parts = (array,) if isinstance(array, np.ndarray) else array.parts(np.arange(len(array)))
        for part in parts:
            digest.update(np.ascontiguousarray(part).data)
    return digest.hexdigest()[:16]
