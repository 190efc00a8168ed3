"""What a frozen base says of each sample, computed once and kept by content.

A file in ``<home>/features`` can be deleted at any time: it is computed again.
"""

import hashlib
import logging
import os
from dataclasses import replace
from pathlib import Path

import h5py
import keras
import numpy as np

from experiments.bases import BASE, FEATURES
from experiments.datasets.loading import Dataset
from experiments.datasets.samples import StoredSamples
from experiments.settings import read_settings
from experiments.specs import RunSpec

_BATCH = 64
_CHUNK = 1 << 20  # bytes of a chunk of HDF5
_MOST_BYTES = 10_000_000_000  # of all files; the one that was used longest ago goes first

logger = logging.getLogger("kerascope.training")


def with_features(spec: RunSpec, dataset: Dataset, model: keras.Model) -> Dataset:
    """The same data set with what the base of ``model`` says of each sample in place of the
    samples: ``x`` is (n, features) float32, on disk where the samples stream."""
    extractor = keras.Model(model.input, model.get_layer(FEATURES).output, name="extractor")
    path = _home() / f"{_key(dataset, model)}.h5"
    if path.is_file():
        logger.info("The features are known from an earlier run: %s", path.name)
        path.touch()
    else:
        _make_room()
        _compute(extractor, dataset, path)
    x = StoredSamples(path)
    return replace(dataset, x=x if spec.dataset.memory_mb is not None else x[:])


def head_of(model: keras.Model) -> keras.Model:
    """What follows the features of a model, as a model of its own with the same layers."""
    names = [layer.name for layer in model.layers]
    layers = model.layers[names.index(FEATURES) + 1 :]
    inputs = keras.Input(model.get_layer(FEATURES).output.shape[1:], name="feature_row")
    x = inputs
    for layer in layers:  # a chain: models._build makes no other head
        x = layer(x)
    return keras.Model(inputs, x, name="head_of_features")


def _compute(extractor: keras.Model, dataset: Dataset, path: Path) -> None:
    n, width = len(dataset.x), extractor.output.shape[-1]
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.stem}.{os.getpid()}")
    logger.info("Computing %d features of %s samples, once", width, f"{n:,}")
    try:
        with h5py.File(unfinished, "w") as file:
            rows = max(1, min(n, _CHUNK // (4 * width)))
            x = file.create_dataset("x", (n, width), "float32", chunks=(rows, width))
            for first in range(0, n, _BATCH):
                part = dataset.x[first : first + _BATCH]
                # one shape of batch, or TensorFlow would trace the network twice
                whole = np.concatenate([part, part[:1].repeat(_BATCH - len(part), axis=0)])
                x[first : first + len(part)] = extractor.predict_on_batch(whole)[: len(part)]
        unfinished.rename(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _key(dataset: Dataset, model: keras.Model) -> str:
    """A hash of the samples and of everything between them and the features, weights included."""
    digest = hashlib.sha256(dataset.content_hash.encode())
    names = [layer.name for layer in model.layers]
    for layer in model.layers[: names.index(FEATURES) + 1]:
        if layer.name != BASE:  # its config has names that count up
            config = {key: value for key, value in layer.get_config().items() if key != "trainable"}
            digest.update(repr(config).encode())
        for weight in layer.weights:
            digest.update(f"{weight.shape}".encode())
            digest.update(np.ascontiguousarray(weight).data)
    return digest.hexdigest()[:32]


def _make_room() -> None:
    files = sorted(_home().glob("*.h5"), key=lambda path: path.stat().st_mtime)
    total = sum(path.stat().st_size for path in files)
    for path in files:
        if total <= _MOST_BYTES:
            return
        total -= path.stat().st_size
        path.unlink(missing_ok=True)


def _home() -> Path:
    return read_settings().home / "features"
