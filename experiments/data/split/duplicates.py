"""Rows that a dataset has more than once: exactly, or nearly.

Everything reads block by block, so that it also takes arrays that are mapped from disk. Rows are
compared by 64-bit hashes: among a million rows two different ones agree once in 37 million times.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from experiments.data.catalog import Kind
from experiments.data.samples import Samples
from experiments.data.split.similar_images import alike

#: Rows and bytes that are looked at, at most; of more a sample is drawn.
MOST_ROWS = 1_000_000
MOST_BYTES = 1_000_000_000
_BLOCK = 4_000_000  # bytes of rows that are worked on at a time: they stay in the cache
_STEPS = 1000  # of a feature's spread: values that agree to three digits of it


@dataclass(frozen=True, eq=False)
class DuplicateScan:
    """The rows that are compared: of ``x`` (n, …) those in ``rows``, then of ``x_test`` those in
    ``test_rows``. Both are numbers from 0, sorted."""

    x: Samples
    rows: np.ndarray
    x_test: np.ndarray | None
    test_rows: np.ndarray

    def __len__(self) -> int:
        return len(self.rows) + len(self.test_rows)

    def take(self, positions: np.ndarray) -> np.ndarray:
        """The rows (m, …) at positions among those that are compared."""
        own = positions < len(self.rows)
        found = np.empty((len(positions), *self.x.shape[1:]), self.x.dtype)
        found[own] = self.x[self.rows[positions[own]]]
        if self.x_test is not None:
            found[~own] = self.x_test[self.test_rows[positions[~own] - len(self.rows)]]
        return found

    def blocks(self) -> Iterator[np.ndarray]:
        """All of them in order, some at a time."""
        size = max(1, _BLOCK // max(1, self.x[:1].nbytes))
        parts: list[tuple[Samples, np.ndarray]] = [(self.x, self.rows)]
        if self.x_test is not None:
            parts.append((self.x_test, self.test_rows))
        for x, rows in parts:
            for start in range(0, len(rows), size):
                some = rows[start : start + size]
                whole = some[-1] - some[0] == len(some) - 1  # then no copy is made
                yield x[some[0] : some[-1] + 1] if whole else x[some]


def look_at(x: Samples, x_test: np.ndarray | None, seed: int = 0) -> DuplicateScan:
    """All rows, or a sample where there are more than MOST_ROWS, or than MOST_BYTES hold."""
    test = 0 if x_test is None else len(x_test)
    each = x.nbytes // max(len(x), 1)
    most = min(MOST_ROWS, MOST_BYTES // max(each, 1))
    if len(x) + test <= most:
        return DuplicateScan(x, np.arange(len(x)), x_test, np.arange(test))
    drawn = np.sort(np.random.default_rng([seed, 4]).permutation(len(x) + test)[:most])
    return DuplicateScan(x, drawn[drawn < len(x)], x_test, drawn[drawn >= len(x)] - len(x))


def exact_groups(scan: DuplicateScan) -> np.ndarray:
    """The group (m,) that each row is in: rows of the same values are in the same one."""
    return np.unique(_hashes(scan, _plain), return_inverse=True)[1].reshape(-1)


def near_groups(scan: DuplicateScan, kind: Kind, exact: np.ndarray) -> np.ndarray:
    """The same for rows that agree nearly or, in the groups ``exact`` (m,), exactly.

    Rows of a table nearly agree where each feature does to a thousandth of its spread (a standard
    deviation). Images nearly agree as ``images_alike`` says.
    """
    if len(scan) < 2:
        return exact
    pairs = [_pairs(exact)]
    if kind is Kind.IMAGE:
        pairs.append(alike(scan))
    else:
        spread = _spread(scan)
        # A value near the border of two steps is near the middle of one in the other grid.
        for shift in (0.0, 0.5):
            prepare = partial(_grid, spread=spread, shift=shift)
            pairs.append(_pairs(_hashes(scan, prepare)))
    left, right = (np.concatenate(side) for side in zip(*pairs, strict=True))
    return _joined(len(scan), left, right)


def _pairs(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions of neighbors among equal values: a chain of pairs for each value."""
    order = np.argsort(values, kind="stable")
    same = np.flatnonzero(values[order[1:]] == values[order[:-1]])
    return order[same], order[same + 1]


def _hashes(scan: DuplicateScan, prepare: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    return np.concatenate([_hash_rows(prepare(block)) for block in scan.blocks()])


def _plain(block: np.ndarray) -> np.ndarray:
    rows = block.reshape(len(block), -1)
    return rows + 0 if rows.dtype.kind == "f" else rows  # -0.0 + 0 is 0.0, which it equals


def _hash_rows(rows: np.ndarray) -> np.ndarray:
    """A 64-bit hash (m,) of the bytes of each row (m, features)."""
    raw = np.ascontiguousarray(rows).view(np.uint8)
    words = np.zeros((len(raw), -(-raw.shape[1] // 8) * 8), np.uint8)
    words[:, : raw.shape[1]] = raw
    numbers = words.view(np.uint64)
    factors = np.random.default_rng(0).integers(0, 2**64, numbers.shape[1], np.uint64) | 1
    # Each word is stirred before it is weighed: floats of whole numbers differ in few, high bits.
    numbers ^= numbers >> np.uint64(32)
    numbers *= np.uint64(0x9E3779B97F4A7C15)
    numbers ^= numbers >> np.uint64(29)
    numbers *= factors
    numbers ^= numbers >> np.uint64(32)
    total: np.ndarray = numbers.sum(axis=1, dtype=np.uint64)
    return total


def _grid(block: np.ndarray, spread: np.ndarray, shift: float) -> np.ndarray:
    with np.errstate(invalid="ignore", over="ignore"):  # infinite and missing values stay so
        steps = np.floor(block.reshape(len(block), -1) / spread * _STEPS + shift)
    return steps + 0.0


def _spread(scan: DuplicateScan) -> np.ndarray:
    """The standard deviation (features,) of each feature's finite values; 1 where it is 0."""
    some = np.linspace(0, len(scan) - 1, min(len(scan), 50_000)).astype(np.int64)
    values = scan.take(some).reshape(len(some), -1).astype(float)
    known = np.isfinite(values)
    values[~known] = 0.0
    n = np.maximum(known.sum(axis=0), 1)
    mean = values.sum(axis=0) / n
    with np.errstate(over="ignore", invalid="ignore"):
        spread = np.sqrt((np.where(known, values - mean, 0.0) ** 2).sum(axis=0) / n)
    return np.where(np.isfinite(spread) & (spread > 0), spread, 1.0)


def _joined(n: int, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The groups (n,) that pairs of rows make: whatever a chain of pairs joins is one."""
    group = np.arange(n)
    while True:
        low = np.minimum(group[left], group[right])
        after = group.copy()
        for ends in (left, right, group[left], group[right]):
            np.minimum.at(after, ends, low)
        after = after[after]
        if np.array_equal(after, group):
            return group
        group = after
