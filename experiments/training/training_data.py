"""The batches that a run trains on and those that validate, from memory or from disk."""

import numpy as np
import tensorflow as tf

from experiments.data.loading import Dataset
from experiments.data.samples import Samples, StoredSamples
from experiments.data.split.splits import Split
from experiments.spec.run_spec import RunSpec
from experiments.training.shuffling import ShuffledBatches, to_tensor
from experiments.training.streaming import StreamedBatches, stream_in_order

_MEGABYTE = 1_000_000


def training_batches(
    spec: RunSpec,
    dataset: Dataset,
    split: Split,
    skip: int = 0,
    copies: Samples | None = None,
) -> ShuffledBatches | StreamedBatches:
    """The batches of the training part, drawn anew in each epoch; the first epoch without its
    ``skip`` first ones.

    ``copies`` hold all samples several times after each other; the epochs take them in turn, in
    place of the dataset's own.
    """
    size, seed, rows = spec.training.batch_size, spec.seed, split.train
    x = dataset.x if copies is None else copies
    number = len(x) // len(dataset.y)
    if isinstance(x, StoredSamples):
        memory = _MEGABYTE * (spec.dataset.memory_mb or 0)
        return StreamedBatches(x, dataset.y, rows, size, seed, memory, skip)
    starts = range(0, number * len(dataset.y), len(dataset.y))
    parts = x[np.concatenate([rows + start for start in starts])] if number > 1 else x[rows]
    return ShuffledBatches(parts, dataset.y[rows], size, seed, skip, number)


def validation_data(spec: RunSpec, dataset: Dataset, split: Split) -> tf.data.Dataset | None:
    """The batches of the validation part in file order, for each epoch; None without one."""
    if not len(split.validation):
        return None
    return _in_order(spec, dataset.x, dataset.y, split.validation)


def test_data(spec: RunSpec, dataset: Dataset, split: Split) -> tf.data.Dataset | None:
    """The batches of the test part in file order; None without one."""
    if dataset.x_test is not None and dataset.y_test is not None:
        return _in_order(spec, dataset.x_test, dataset.y_test, np.arange(len(dataset.y_test)))
    return _in_order(spec, dataset.x, dataset.y, split.test) if len(split.test) else None


def _in_order(spec: RunSpec, x: Samples, y: np.ndarray, rows: np.ndarray) -> tf.data.Dataset:
    size = spec.training.batch_size
    if isinstance(x, StoredSamples):
        return stream_in_order(x, y, rows, size, _MEGABYTE * (spec.dataset.memory_mb or 0))
    arrays = [to_tensor(array[rows]) for array in (x, y)]
    starts = tf.data.Dataset.range(0, len(rows), size)
    return starts.map(lambda start: tuple(array[start : start + size] for array in arrays))
