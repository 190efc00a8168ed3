"""Samples that go together: the folds of a cross-validation, and whole groups."""

import heapq

import numpy as np


def fold_of_rows(
    method: str, folds: int, labels: np.ndarray, groups: np.ndarray | None, seed: int
) -> np.ndarray:
    """The fold, from 0, that each row is in: (n,). ``labels`` are (n,), ``groups`` (n,).

    ``last`` cuts the file into pieces, the last of which is the last fold; ``shuffled`` and
    ``stratified`` deal the rows out, ``stratified`` class by class; ``group`` deals out whole
    groups, the largest first, each to the fold that has the fewest rows by then.
    """
    n, random = len(labels), np.random.default_rng([seed, 2])
    if method == "last":
        return np.arange(n) * folds // n
    if method == "group" and groups is not None:
        return _deal_groups(groups, folds, random)
    if method == "stratified":
        order = np.concatenate(
            [random.permutation(np.flatnonzero(labels == label)) for label in np.unique(labels)]
        )
    else:
        order = random.permutation(n)
    found = np.empty(n, np.int64)
    found[order] = np.arange(n) % folds
    return found


def draw_groups(groups: np.ndarray, validation: int, random: np.random.Generator) -> np.ndarray:
    """Whole groups at random that have ``validation`` rows together, or a little less; at least
    one. Returns whether each row is in one of them: (n,)."""
    _, numbers, counts = np.unique(groups, return_inverse=True, return_counts=True)
    taken = np.zeros(len(counts), bool)
    left = validation
    for group in random.permutation(len(counts)):
        if counts[group] <= left:
            taken[group] = True
            left -= counts[group]
    if not taken.any():
        taken[np.argmin(counts)] = True
    chosen: np.ndarray = taken[numbers]
    return chosen


def _deal_groups(groups: np.ndarray, folds: int, random: np.random.Generator) -> np.ndarray:
    _, numbers, counts = np.unique(groups, return_inverse=True, return_counts=True)
    order = random.permutation(len(counts))
    order = order[np.argsort(-counts[order], kind="stable")]
    rows = [(0, fold) for fold in range(folds)]
    fold_of_group = np.empty(len(counts), np.int64)
    for group in order:
        size, fold = rows[0]
        fold_of_group[group] = fold
        heapq.heapreplace(rows, (size + int(counts[group]), fold))
    found: np.ndarray = fold_of_group[numbers]
    return found
