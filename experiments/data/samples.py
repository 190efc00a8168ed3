"""Samples that stay on disk: read when they are asked for, some at a time."""

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import h5py
import numpy as np

_BLOCK = 1 << 20  # bytes of a block, where the file does not say


class StoredSamples:
    """``x`` of a stored dataset, its first ``samples`` rows: like an array (n, …) that is read
    only by rows. Each access reads from disk and gives an array of its own.

    ``block_rows`` rows lie together in the file; reading them together is fast. Raises OSError and
    KeyError for a file that is no dataset.
    """

    def __init__(self, path: Path, samples: int | None = None) -> None:
        self._path = path
        with h5py.File(path) as file:
            x = file["x"]
            self.shape: tuple[int, ...] = (len(x) if samples is None else min(samples, len(x)),
                                           *x.shape[1:])  # fmt: skip
            self.dtype = np.dtype(x.dtype)
            each = max(1, x[:1].nbytes)
            self.block_rows = x.chunks[0] if x.chunks else max(1, _BLOCK // each)
        self.ndim = len(self.shape)
        self.nbytes = each * len(self)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any) -> np.ndarray:
        """The rows of a slice, an array of numbers or of booleans, in that order; or one row."""
        if isinstance(rows, int | np.integer):
            row: np.ndarray = self._x[rows]
            return row
        if isinstance(rows, slice):
            start, stop, step = rows.indices(len(self))
            if step == 1:
                part: np.ndarray = self._x[start : max(start, stop)]
                return part
        numbers = np.arange(len(self))[rows]
        found = np.empty((len(numbers), *self.shape[1:]), self.dtype)
        self.read(numbers, found)
        return found

    def read(self, rows: np.ndarray, into: np.ndarray) -> None:
        """Read rows, (m,) numbers in any order, into an array (m, …), a block at a time."""
        order = np.argsort(rows, kind="stable")
        blocks = rows[order] // self.block_rows
        for places in np.split(order, np.flatnonzero(np.diff(blocks)) + 1):
            if len(places):
                first, last = rows[places[0]], rows[places[-1]]
                into[places] = self._x[first : last + 1][rows[places] - first]

    def parts(self, rows: np.ndarray) -> Iterator[np.ndarray]:
        """The samples of sorted ``rows``, about a block at a time."""
        for start in range(0, len(rows), self.block_rows):
            yield self[rows[start : start + self.block_rows]]

    @cached_property
    def _x(self) -> h5py.Dataset:
        return h5py.File(self._path)["x"]


#: The samples of a dataset, in memory or on disk.
Samples = np.ndarray | StoredSamples
