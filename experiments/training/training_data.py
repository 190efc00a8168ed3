"""What a run trains, validates and is tested on, as batches, from memory or from disk."""

from dataclasses import dataclass, replace

import numpy as np
import tensorflow as tf

from experiments.data.loading import Dataset
from experiments.data.samples import Samples, StoredSamples
from experiments.data.split.splits import Split
from experiments.spec.run_spec import RunSpec
from experiments.training.callbacks import TrainEvaluation
from experiments.training.gap_recording import Sample
from experiments.training.shuffling import ShuffledBatches, to_tensor
from experiments.training.streaming import StreamedBatches, stream_in_order

_MEGABYTE = 1_000_000


@dataclass(frozen=True)
class RunData:
    """The samples of a run and their parts.

    ``batch_size`` and ``seed`` say which samples are trained on together, ``memory`` how many bytes
    of samples that stream from disk may be in memory.
    """

    dataset: Dataset
    split: Split
    batch_size: int
    seed: int
    memory: int = 0

    @classmethod
    def of(cls, spec: RunSpec, dataset: Dataset, split: Split) -> "RunData":
        """The data of a run with this spec."""
        memory = _MEGABYTE * (spec.dataset.memory_mb or 0)
        return cls(dataset, split, spec.training.batch_size, spec.seed, memory)

    def with_dataset(self, dataset: Dataset) -> "RunData":
        """The same with other samples in the same parts, as features in place of images."""
        return replace(self, dataset=dataset)

    def batches(
        self, skip: int = 0, copies: Samples | None = None
    ) -> ShuffledBatches | StreamedBatches:
        """The batches of the training part, drawn anew in each epoch; the first epoch without its
        ``skip`` first ones.

        ``copies`` hold all samples several times after each other; the epochs take them in turn,
        in place of the dataset's own.
        """
        y, rows, size, seed = self.dataset.y, self.split.train, self.batch_size, self.seed
        x = self.dataset.x if copies is None else copies
        number = len(x) // len(y)
        if isinstance(x, StoredSamples):
            return StreamedBatches(x, y, rows, size, seed, self.memory, skip)
        starts = range(0, number * len(y), len(y))
        parts = x[np.concatenate([rows + start for start in starts])] if number > 1 else x[rows]
        return ShuffledBatches(parts, y[rows], size, seed, skip, number)

    def validation(self) -> tf.data.Dataset | None:
        """The batches of the validation part in file order, for each epoch; None without one."""
        if not len(self.split.validation):
            return None
        return self._in_order(self.dataset.x, self.dataset.y, self.split.validation)

    def test(self) -> tf.data.Dataset | None:
        """The batches of the test part in file order; None without one."""
        x, y = self.dataset.x_test, self.dataset.y_test
        if x is not None and y is not None:
            return self._in_order(x, y, np.arange(len(y)))
        if not len(self.split.test):
            return None
        return self._in_order(self.dataset.x, self.dataset.y, self.split.test)

    def training_sample(self) -> Sample:
        """The training samples that are measured after each epoch, always the same."""
        return self._draw(self.split.train, 3)

    def validation_sample(self) -> Sample | None:
        """The validation samples that are; None without validation."""
        return self._draw(self.split.validation, 5) if len(self.split.validation) else None

    def _draw(self, part: np.ndarray, stream: int) -> Sample:
        """Some rows of a part, in file order; ``stream`` keeps two draws of one seed apart."""
        values = int(np.prod(self.dataset.x.shape[1:]))
        size = TrainEvaluation.sample_size(len(part), len(self.split.validation), values)
        drawn = np.random.default_rng([self.seed, stream]).permutation(len(part))[:size]
        rows = part[np.sort(drawn)]
        return Sample(self.dataset.x[rows], self.dataset.y[rows], len(part))

    def _in_order(self, x: Samples, y: np.ndarray, rows: np.ndarray) -> tf.data.Dataset:
        if isinstance(x, StoredSamples):
            return stream_in_order(x, y, rows, self.batch_size, self.memory)
        arrays = [to_tensor(array[rows]) for array in (x, y)]
        starts = tf.data.Dataset.range(0, len(rows), self.batch_size)
        size = self.batch_size
        return starts.map(lambda start: tuple(array[start : start + size] for array in arrays))
