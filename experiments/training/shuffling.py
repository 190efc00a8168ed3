"""Batches whose order in each epoch follows from the seed and the epoch alone.

Keras' own ``fit(shuffle=True)`` draws from a stream that goes on from epoch to epoch and cannot be
saved (Keras 3.15, array_data_adapter.py), so that a resumed run would see other batches. Here the
order of epoch e is always the same one, and training can also begin in the middle of it.
"""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf


class ShuffledBatches(keras.callbacks.Callback):
    """Arrays for ``fit``, in an order that is drawn anew at the beginning of each epoch.

    ``x`` and ``y`` are arrays, or tuples of arrays for several inputs or outputs, whose first
    axis has one entry a sample; the last batch is the smaller one. Give ``batches()`` to ``fit``
    and this object to its callbacks. ``x`` may have ``copies`` of all samples after each other,
    which the epochs take in turn.
    """

    def __init__(
        self, x: Any, y: Any, batch_size: int, seed: int, skip: int = 0, copies: int = 1
    ) -> None:
        super().__init__()
        self._x, self._y = (tf.nest.map_structure(to_tensor, part) for part in (x, y))
        self._samples = len(tf.nest.flatten(self._y)[0])
        self._copies = copies
        self._batch_size, self._seed = batch_size, seed
        self._epoch = 0
        self._skip = skip  # batches of the first epoch that were trained on before

    def __len__(self) -> int:
        return -(-self._samples // self._batch_size)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Choose the epoch; Keras asks for its batches after this."""
        self._epoch = epoch

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """All later epochs are whole."""
        self._skip = 0

    def batches(self) -> tf.data.Dataset:
        """The batches of one epoch, (x, y) each; every pass draws them for the epoch it is in."""
        rows = tf.data.Dataset.from_generator(
            self._order, output_signature=tf.TensorSpec((None, None), tf.int64)
        )
        dataset = (
            rows.flat_map(tf.data.Dataset.from_tensor_slices)
            .map(self._gather, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
            .prefetch(tf.data.AUTOTUNE)
        )
        # Keras asks once how many batches an epoch has; assert_cardinality would say the same and
        # then refuse the rest of an epoch that was cut off
        dataset.cardinality = lambda: len(self)
        return dataset

    def _order(self) -> Iterator[np.ndarray]:
        """Sample numbers: a matrix of the full batches, then the smaller one as a matrix."""
        order = epoch_order(self._samples, self._seed, self._epoch)
        order += self._samples * (self._epoch % self._copies)
        full = self._samples // self._batch_size * self._batch_size
        yield order[:full].reshape(-1, self._batch_size)[self._skip :]
        if full < self._samples and self._skip < len(self):
            yield order[None, full:]

    def _gather(self, rows: tf.Tensor) -> Any:
        own = rows % self._samples if self._copies > 1 else rows
        x = tf.nest.map_structure(lambda array: tf.gather(array, rows), self._x)
        return x, tf.nest.map_structure(lambda array: tf.gather(array, own), self._y)


def epoch_order(samples: int, seed: int, epoch: int) -> np.ndarray:
    """In which order an epoch, counted from 0, takes its samples: int64, (samples,)."""
    return np.random.default_rng([seed, 4, epoch]).permutation(samples)


def to_tensor(array: np.ndarray) -> tf.Tensor:
    """An array as Keras takes it: floating numbers in its own precision."""
    if np.issubdtype(array.dtype, np.floating):
        return tf.convert_to_tensor(array, dtype=keras.config.floatx())
    return tf.convert_to_tensor(array)
