"""What a frozen base says of each sample, computed once and kept by content.

Where images are augmented, so many copies of each can be kept too.

``folder`` is where (Settings.features). A file in it can be deleted at any time: it is computed
again.
"""

import hashlib
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from experiments.core.atomic_files import replacing
from experiments.data.loading import Dataset
from experiments.data.samples import Samples, StoredSamples
from experiments.models.architectures import AUGMENT
from experiments.models.bases import FEATURES
from experiments.spec.run_spec import RunSpec

_BATCH = 64
_CHUNK = 1 << 20  # bytes of a chunk of HDF5
Extract = Callable[[np.ndarray], np.ndarray]
_MOST_BYTES = 10_000_000_000  # of all files; the one that was used longest ago goes first

logger = logging.getLogger("kerascope.training")


def with_features(folder: Path, spec: RunSpec, dataset: Dataset, model: keras.Model) -> Dataset:
    """The same dataset with what the base of ``model`` says of each sample in place of the
    samples: ``x`` is (n, features) float32, on disk where the samples stream."""
    extractor = keras.Model(model.input, model.get_layer(FEATURES).output, name="extractor")
    path = folder / f"{_key(dataset, model)}.h5"
    x = _features(dataset, path, extractor.predict_on_batch, 1)
    return replace(dataset, x=_held(spec, x))


def augmented_features(
    folder: Path, spec: RunSpec, dataset: Dataset, model: keras.Model
) -> Samples:
    """What the base says of ``augmentation.cached_copies`` copies of each sample, augmented at
    random: all samples, then all of them once more, and so on. The same for the same spec."""
    copies = (spec.augmentation.cached_copies if spec.augmentation else None) or 1
    drawn = [layer for layer in model.layers if _augments(layer)]
    before = keras.Model(model.input, drawn[0].input, name="before")
    after = keras.Model(drawn[-1].output, model.get_layer(FEATURES).output, name="after")
    fresh = [type(layer).from_config(layer.get_config()) for layer in drawn]  # streams from 0

    def extract(batch: np.ndarray) -> np.ndarray:
        x = before.predict_on_batch(batch)
        for layer in fresh:
            x = layer(x, training=True)
        return np.asarray(after.predict_on_batch(np.asarray(x)))

    configs = [layer.get_config() for layer in drawn]
    path = folder / f"{_key(dataset, model, configs, copies)}.h5"
    return _held(spec, _features(dataset, path, extract, copies))


def known_features(folder: Path, dataset: Dataset, model: keras.Model) -> StoredSamples | None:
    """What the base of a model says of each sample, (n, features), if the file of it is there."""
    path = folder / f"{_key(dataset, model)}.h5"
    return StoredSamples(path) if path.is_file() else None


def head_of(model: keras.Model) -> keras.Model:
    """What follows the features of a model, as a model of its own with the same layers."""
    names = [layer.name for layer in model.layers]
    layers = model.layers[names.index(FEATURES) + 1 :]
    inputs = keras.Input(model.get_layer(FEATURES).output.shape[1:], name="feature_row")
    x = inputs
    for layer in layers:  # a chain: models._build makes no other head
        x = layer(x)
    return keras.Model(inputs, x, name="head_of_features")


def _features(dataset: Dataset, path: Path, extract: Extract, copies: int) -> StoredSamples:
    """The features of all samples, so many times, from the file at ``path`` or computed."""
    if path.is_file():
        logger.info("The features are known from an earlier run: %s", path.name)
        path.touch()
    else:
        _make_room(path.parent)
        _compute(dataset, extract, copies, path)
    return StoredSamples(path)


def _held(spec: RunSpec, x: StoredSamples) -> Samples:
    """On disk where the samples stream, else in memory."""
    return x if spec.dataset.memory_mb is not None else x[:]


def _compute(dataset: Dataset, extract: Extract, copies: int, path: Path) -> None:
    n = len(dataset.x)
    path.parent.mkdir(parents=True, exist_ok=True)
    times = f", {copies} times each" * (copies > 1)
    logger.info("Computing the features of %s samples%s, once", f"{n:,}", times)
    with replacing(path) as unfinished, h5py.File(unfinished, "w") as file:
        x = None
        # one shape of batch, or TensorFlow would trace the network twice
        size = -(-copies * n // -(-copies * n // _BATCH))
        for first in range(0, copies * n, size):
            rows = np.arange(first, min(first + size, copies * n)) % n
            part = dataset.x[np.resize(rows, size)]
            found = extract(part)[: len(rows)]
            if x is None:
                width = found.shape[1]
                chunk = max(1, min(copies * n, _CHUNK // (4 * width)))
                x = file.create_dataset("x", (copies * n, width), "f4", chunks=(chunk, width))
            x[first : first + len(rows)] = found


def _augments(layer: keras.Layer) -> bool:
    return layer.name.startswith(AUGMENT)


def _key(dataset: Dataset, model: keras.Model, *drawn: object) -> str:
    """A hash of the samples and of everything between them and the features, weights included.

    Augmentation counts only as far as ``drawn`` says how the samples were augmented.
    """
    digest = hashlib.sha256(f"{dataset.content_hash} {drawn}".encode())
    names = [layer.name for layer in model.layers]
    for layer in model.layers[: names.index(FEATURES) + 1]:
        if not _augments(layer):
            digest.update(repr(_plain(layer.get_config())).encode())
        for weight in layer.weights:
            digest.update(f"{weight.shape}".encode())
            digest.update(np.ascontiguousarray(weight).data)
    return digest.hexdigest()[:32]


def _plain(config: Any) -> Any:
    """A config without what a phase changes about it."""
    if isinstance(config, dict):
        return {key: _plain(value) for key, value in config.items() if key != "trainable"}
    return [_plain(value) for value in config] if isinstance(config, list | tuple) else config


def _make_room(folder: Path) -> None:
    files = sorted(folder.glob("*.h5"), key=lambda path: path.stat().st_mtime)
    total = sum(path.stat().st_size for path in files)
    for path in files:
        if total <= _MOST_BYTES:
            return
        total -= path.stat().st_size
        path.unlink(missing_ok=True)
