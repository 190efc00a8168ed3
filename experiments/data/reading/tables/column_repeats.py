"""Whether a number comes twice in a column: what tells rows apart does not."""

import numpy as np
import pyarrow as pa

from experiments.data.reading.keys import same_number
from experiments.data.reading.tables.column_exact import FIRST_LARGE
from experiments.data.reading.tables.column_values import is_text

_MOST = 100_000  # numbers of one column that are remembered
_MOST_OF_ALL = 2_000_000  # in a table of many columns
_SPREAD = np.uint64(0x9E3779B97F4A7C15)  # 2⁶⁴ by the golden ratio: multiplied by it, bits mix


class RepeatTracker:
    """Whether all whole numbers of a column are different.

    Of more than 100,000 only a part is remembered: those whose hash begins with zeros, wherever
    they stand, so that of a column in which many come twice a pair is found.
    """

    def __init__(self, columns: int) -> None:
        """``columns`` is how many the table has."""
        self._most = min(_MOST, _MOST_OF_ALL // max(1, columns))
        self._seen = np.empty(0, np.uint64)
        self._zeros = 0
        self.repeats = False

    def add(self, numbers: pa.Array, array: pa.Array) -> None:
        """The next values as whole float64, null where missing, and as they were read."""
        if self.repeats:
            return
        found = self._sampled(np.sort(_hashes(numbers, array)))
        all_of_them = np.sort(np.concatenate([self._seen, found]), kind="stable")
        if (all_of_them[1:] == all_of_them[:-1]).any():
            self.repeats, self._seen = True, all_of_them[:0]
            return
        while len(all_of_them) > self._most:
            self._zeros += 1
            all_of_them = self._sampled(all_of_them)
        self._seen = all_of_them

    def _sampled(self, hashes: np.ndarray) -> np.ndarray:
        """Those of sorted hashes that are remembered."""
        if not self._zeros:
            return hashes
        return hashes[: np.searchsorted(hashes, np.uint64(1 << (64 - self._zeros)))]


def _hashes(numbers: pa.Array, array: pa.Array) -> np.ndarray:
    """A different hash, uint64, for each different number."""
    values = numbers.drop_null().to_numpy(zero_copy_only=False) + 0.0  # -0.0 is 0.0
    if len(values) and np.abs(values).max() >= FIRST_LARGE and not pa.types.is_floating(array.type):
        # float64 would make some of these equal
        kept = array.filter(numbers.is_valid())
        texts = kept if is_text(kept) else kept.cast(pa.string())
        return np.array([*map(same_number, texts.to_pylist())], np.int64).view(np.uint64)
    bits = values.view(np.uint64)
    return (bits ^ (bits >> np.uint64(32))) * _SPREAD  # can be undone: no two become equal
