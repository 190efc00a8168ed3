"""Batches of samples that are larger than memory, in an order that follows from seed and epoch.

Blocks of consecutive rows are drawn at random, some of them at a time make a pool, and the rows of
a pool are shuffled. Each row comes once in an epoch; a resumed epoch goes on in its middle.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from experiments.data.samples import StoredSamples

#: So many pools are in memory at a time: one is trained on, one is ready, one is read and, when
#: TensorFlow takes it over, copied.
POOLS = 4
_BATCHES_READY = 4


class StreamedBatches(keras.callbacks.Callback):
    """The batches of ``rows`` (sorted numbers) for ``fit``, like shuffling.ShuffledBatches.

    ``memory`` bytes are for samples. ``y`` (n, …) are all targets and stay in memory; ``x`` may
    have copies of all n samples after each other, which the epochs take in turn. Each epoch
    gets ``data_wait_share``: which part of its training time was spent waiting for data.
    """

    def __init__(
        self,
        x: StoredSamples,
        y: np.ndarray,
        rows: np.ndarray,
        batch_size: int,
        seed: int,
        memory: int,
        skip: int = 0,
    ) -> None:
        super().__init__()
        self._x, self._y, self._rows = x, y, rows
        self._batch_size, self._seed, self._memory = batch_size, seed, memory
        self._epoch, self._skip = 0, skip
        self._waited = tf.Variable(0.0, dtype=tf.float64, trainable=False)
        self._began = self._ended = 0.0

    def __len__(self) -> int:
        return -(-len(self._rows) // self._batch_size)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Choose the epoch; Keras asks for its batches after this."""
        self._epoch = epoch
        self._waited.assign(0.0)
        self._began = self._ended = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Note when training ended: validation comes after it."""
        self._ended = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Say how much of the epoch was waiting; all later epochs are whole."""
        self._skip = 0
        if logs is not None and self._ended > self._began:
            share = float(self._waited.numpy()) / (self._ended - self._began)
            logs["data_wait_share"] = min(share, 1.0)

    def batches(self) -> tf.data.Dataset:
        """The batches of one epoch, (x, y) each; every pass draws them for the epoch it is in."""

        def pools() -> Iterator[np.ndarray]:
            size = pool_blocks(self._x, self._memory)
            samples = len(self._y)
            rows = self._rows + samples * (self._epoch % (len(self._x) // samples))
            return epoch_pools(rows, self._x.block_rows, size, self._seed, self._epoch)

        batches = _dataset(
            self._x, self._y, self._batch_size, pools, lambda: self._skip * self._batch_size
        )
        dataset = _timed(batches, self._waited)
        dataset.cardinality = lambda: len(self)  # as in shuffling.ShuffledBatches
        return dataset


def stream_in_order(
    x: StoredSamples, y: np.ndarray, rows: np.ndarray, batch_size: int, memory: int
) -> tf.data.Dataset:
    """The batches of ``rows`` in file order, (x, y) each."""
    size = pool_blocks(x, memory) * x.block_rows
    dataset = _dataset(
        x, y, batch_size, lambda: np.split(rows, range(size, len(rows), size)), lambda: 0
    )
    dataset.cardinality = lambda: -(-len(rows) // batch_size)
    return dataset


def pool_blocks(x: StoredSamples, memory: int) -> int:
    """How many blocks a pool has, so that all pools fit into ``memory`` bytes; at least one."""
    block = x.block_rows * x.nbytes // max(1, len(x))
    return max(1, memory // POOLS // max(1, block))


def epoch_pools(
    rows: np.ndarray, block_rows: int, blocks: int, seed: int, epoch: int
) -> Iterator[np.ndarray]:
    """In which order an epoch, counted from 0, takes sorted ``rows``: the row numbers of each pool
    of so many blocks."""
    random = np.random.default_rng([seed, 6, epoch])
    borders = np.flatnonzero(np.diff(rows // block_rows)) + 1
    parts = np.split(rows, borders)
    order = random.permutation(len(parts))
    for start in range(0, len(parts), blocks):
        pool = np.concatenate([parts[i] for i in order[start : start + blocks]])
        yield random.permutation(pool)


def _dataset(
    x: StoredSamples,
    y: np.ndarray,
    batch_size: int,
    pools: Callable[[], Iterable[np.ndarray]],
    skip: Callable[[], int],
) -> tf.data.Dataset:
    signature = tuple(
        tf.TensorSpec((None, None, *array.shape[1:]), array.dtype) for array in (x, y)
    )
    return (
        tf.data.Dataset.from_generator(
            lambda: _batched(x, y, batch_size, pools(), skip()), output_signature=signature
        )
        .prefetch(1)
        .flat_map(lambda *pool: tf.data.Dataset.from_tensor_slices(pool))
        .prefetch(_BATCHES_READY)
    )


def _batched(
    x: StoredSamples, y: np.ndarray, batch_size: int, pools: Iterable[np.ndarray], skip: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Batches, (batches, batch_size, …) of a pool at a time; at the end the smaller one. The first
    ``skip`` rows are passed over."""
    rest = np.empty((0, *x.shape[1:]), x.dtype)
    rest_rows = np.empty(0, np.int64)
    for pool in pools:
        if skip >= len(pool):
            skip -= len(pool)
            continue
        rows, skip = pool[skip:], 0
        samples = np.empty((len(rest) + len(rows), *x.shape[1:]), x.dtype)
        samples[: len(rest)] = rest
        x.read(rows, samples[len(rest) :])
        rows = np.concatenate([rest_rows, rows])
        full = len(rows) // batch_size * batch_size
        rest, rest_rows = samples[full:].copy(), rows[full:]
        if full:
            shape = (full // batch_size, batch_size)
            yield (
                samples[:full].reshape(*shape, *x.shape[1:]),
                y[rows[:full] % len(y)].reshape(*shape, *y.shape[1:]),
            )
        del samples
    if len(rest):
        yield rest[None], y[rest_rows % len(y)][None]


def _timed(batches: tf.data.Dataset, waited: tf.Variable) -> tf.data.Dataset:
    """The same batches; the seconds that each was waited for are added to ``waited``."""

    def note(asked: tf.Tensor, batch: Any) -> Any:
        with tf.control_dependencies([waited.assign_add(tf.timestamp() - asked)]):
            return tf.nest.map_structure(tf.identity, batch)

    # zip asks its parts one after the other, so the clock is read when a batch is asked for
    asked = tf.data.Dataset.counter().map(lambda _: tf.timestamp())
    options = tf.data.Options()
    options.experimental_optimization.inject_prefetch = False  # would ask before it is waited for
    options.experimental_optimization.map_parallelization = False
    return tf.data.Dataset.zip((asked, batches)).map(note).with_options(options)
