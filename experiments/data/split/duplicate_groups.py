"""Samples that a dataset has more than once, in groups that can be looked at."""

from typing import NamedTuple

import numpy as np

from experiments.data.catalog import DatasetInfo
from experiments.data.dataset_spec import DatasetSpec
from experiments.data.loading import load_dataset
from experiments.data.split.audit import target_codes
from experiments.data.split.duplicates import exact_groups, look_at, near_groups

_MOST_GROUPS = 20
_OF_A_GROUP = 8


class DuplicateGroup(NamedTuple):
    """``rows`` are the numbers of the first of ``size`` samples, ``x`` (k, …) and ``y`` (k,) these
    samples; ``is_mixed`` is whether the group has different targets."""

    rows: tuple[int, ...]
    x: np.ndarray
    y: np.ndarray
    size: int
    is_exact: bool
    is_mixed: bool


class DuplicateReport(NamedTuple):
    """Of ``samples`` the first ``looked`` drawn ones were compared: ``exact`` repeat another one in
    every value, ``near`` nearly; ``mixed`` of ``groups`` groups have different targets. ``shown``
    are the first groups, those with different targets first, then the largest."""

    samples: int
    looked: int
    exact: int
    near: int
    groups: int
    mixed: int
    shown: tuple[DuplicateGroup, ...]


def find_copies(info: DatasetInfo) -> DuplicateReport:
    """Compare the samples of a dataset that is on this machine; raises DatasetError."""
    dataset = load_dataset(DatasetSpec(name=info.name), seed=1, lazily=True)
    scan = look_at(dataset.x, None)
    exact = exact_groups(scan)
    near = near_groups(scan, info.kind, exact)
    _, group, counts = np.unique(near, return_inverse=True, return_counts=True)
    codes = target_codes(dataset, dataset.y)[scan.rows]
    mixed, exact_only = (_has_one(group, values) for values in (codes, exact))
    found = np.flatnonzero(counts > 1)
    order = found[np.lexsort((-counts[found], mixed[found]))]  # False, several targets, first
    shown = []
    for number in order[:_MOST_GROUPS]:
        places = np.flatnonzero(group == number)[:_OF_A_GROUP]
        rows = scan.rows[places]
        shown.append(
            DuplicateGroup(
                tuple(map(int, rows)), scan.take(places), dataset.y[rows].reshape(-1),
                int(counts[number]), bool(exact_only[number]), not mixed[number],
            )
        )  # fmt: skip
    alike = len(exact) - len(np.unique(exact))
    return DuplicateReport(
        samples=len(dataset.y), looked=len(scan), exact=alike,
        near=int((counts - 1).sum()) - alike, groups=len(found),
        mixed=int((~mixed[found]).sum()), shown=tuple(shown),
    )  # fmt: skip


def _has_one(group: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Whether all members of each group, numbered from 0, have the same value."""
    _, numbers = np.unique(values, return_inverse=True)
    pairs = np.unique(np.stack([group, numbers.reshape(-1)]), axis=1)
    one: np.ndarray = np.bincount(pairs[0], minlength=int(group.max()) + 1) == 1
    return one
