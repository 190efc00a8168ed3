"""Lists that lie, (1, n), as MATLAB writes them: taken as (n,)."""

from dataclasses import replace

import numpy as np

from experiments.data.reading.arrays.array_source import ArrayEntry, ArraySource, Rows, product

_LARGEST = 256_000_000  # bytes of a list, which is one row and read at once


def with_lists(source: ArraySource) -> ArraySource:
    """The same file, each array (1, n) as a list where another one has n samples."""
    lengths = {one.samples for one in source.arrays if not one.unusable and one.samples > 1}
    lying = {
        one.path
        for one in source.arrays
        if not one.unusable
        and len(one.array.shape) == 2
        and one.samples == 1
        and one.numbers in lengths
        and product(one.array.shape) * one.dtype.itemsize <= _LARGEST
    }
    return _Upright(source, lying) if lying else source


class _Upright:
    """See array_source.ArraySource."""

    def __init__(self, source: ArraySource, lying: set[str]) -> None:
        self.name = source.name
        self._source = source
        self._lying = lying
        self.arrays = tuple(_as_list(one) if one.path in lying else one for one in source.arrays)

    def rows(self, path: str) -> Rows:
        """The rows of an array; of a list that lies, its values."""
        following = self._source.rows(path)
        if path not in self._lying:
            return following
        values: list[np.ndarray] = []
        first = 0

        def read(count: int) -> np.ndarray:
            nonlocal first
            if not values:
                values.append(following(1).reshape(-1))
            first += count
            return values[0][first - count : first]

        return read


def _as_list(one: ArrayEntry) -> ArrayEntry:
    return one._replace(array=replace(one.array, shape=one.array.shape[1:]))
