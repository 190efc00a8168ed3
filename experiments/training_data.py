"""The batches that a run trains on and those that validate, from memory or from disk."""

import tensorflow as tf

from experiments.datasets.loading import Dataset
from experiments.datasets.samples import StoredSamples
from experiments.datasets.splits import Split
from experiments.shuffling import ShuffledBatches, to_tensor
from experiments.specs import RunSpec
from experiments.streaming import StreamedBatches, stream_in_order

_MEGABYTE = 1_000_000


def training_batches(
    spec: RunSpec, dataset: Dataset, split: Split, skip: int = 0
) -> ShuffledBatches | StreamedBatches:
    """The batches of the training part, drawn anew in each epoch; the first epoch without its
    ``skip`` first ones."""
    size, seed = spec.training.batch_size, spec.seed
    if isinstance(dataset.x, StoredSamples):
        memory = _MEGABYTE * (spec.dataset.memory_mb or 0)
        return StreamedBatches(dataset.x, dataset.y, split.train, size, seed, memory, skip)
    x, y = dataset.x[split.train], dataset.y[split.train]
    return ShuffledBatches(x, y, size, seed, skip)


def validation_data(spec: RunSpec, dataset: Dataset, split: Split) -> tf.data.Dataset | None:
    """The batches of the validation part in file order, for each epoch; None without one."""
    if not len(split.validation):
        return None
    size = spec.training.batch_size
    if isinstance(dataset.x, StoredSamples):
        memory = _MEGABYTE * (spec.dataset.memory_mb or 0)
        return stream_in_order(dataset.x, dataset.y, split.validation, size, memory)
    arrays = [to_tensor(array[split.validation]) for array in (dataset.x, dataset.y)]
    starts = tf.data.Dataset.range(0, len(split.validation), size)
    return starts.map(lambda start: tuple(array[start : start + size] for array in arrays))
