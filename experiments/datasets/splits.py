"""Which samples train and which validate."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from experiments.errors import DatasetError
from experiments.specs import SplitSpec


@dataclass(frozen=True, eq=False)
class Split:
    """Row numbers, from 0, in file order: int64, sorted, every row in exactly one part."""

    train: np.ndarray
    validation: np.ndarray
    method: Literal["last", "shuffled", "stratified"]
    seed: int


def divide(y: np.ndarray, spec: SplitSpec, seed: int) -> Split:
    """Divide the rows of ``y``, (n,) or (n, 1), as the spec says.

    The number of training rows is Keras' ``floor(n * (1 - validation_split))``, and ``last``
    takes exactly the rows that Keras takes (train_validation_split in Keras 3.15). ``stratified``
    keeps each class's share and puts every class of two or more samples in both parts, for which
    validation can get larger; a class of one sample trains. Raises DatasetError where a part that
    was asked for would be empty.
    """
    n, fraction = len(y), spec.validation_split
    split_at = math.floor(n * (1.0 - fraction))
    if fraction > 0 and not 0 < split_at < n:
        allowed = f"0, or less than {1 - 1 / n:.6g}" if n > 1 else "0"
        raise DatasetError(
            f"split.validation_split: received {fraction:g}, which divides {n:,} samples into "
            f"{split_at:,} for training and {n - split_at:,} for validation. Allowed: {allowed}."
        )
    random = np.random.default_rng([seed, 2])
    if fraction == 0 or spec.method == "last":
        order = np.arange(n)
    elif spec.method == "shuffled":
        order = random.permutation(n)
    else:
        order, split_at = _stratify(np.asarray(y).reshape(-1), n - split_at, random)
    train, validation = np.sort(order[:split_at]), np.sort(order[split_at:])
    return Split(train.astype(np.int64), validation.astype(np.int64), spec.method, seed)


def in_words(split: Split) -> str:
    """Which samples validate, in a sentence; rows count from 0."""
    validation = len(split.validation)
    n = len(split.train) + validation
    if not validation:
        return f"No validation: all {n:,} samples train."
    if split.method == "last":
        return (
            f"Validation: the last {validation:,} of {n:,} samples in file order "
            f"(rows {split.validation[0]} to {split.validation[-1]}), before any shuffle."
        )
    how = " within each class" if split.method == "stratified" else ""
    return f"Validation: {validation:,} of {n:,} samples, drawn{how} with seed {split.seed}."


def _stratify(
    labels: np.ndarray, validation: int, random: np.random.Generator
) -> tuple[np.ndarray, int]:
    """An order of the rows with the training rows first, and how many those are."""
    _, numbers, counts = np.unique(labels, return_inverse=True, return_counts=True)
    if counts.max() < 2:
        raise DatasetError(
            f"split.method: received 'stratified', which needs a class of two samples; all "
            f"{len(counts):,} classes have one. Allowed: last, shuffled."
        )
    quotas = counts * (validation / len(labels))
    lowest, highest = np.minimum(counts - 1, 1), counts - 1
    takes = np.clip(np.floor(quotas).astype(np.int64), lowest, highest)
    # The rows that rounding down left over go to the classes that lost most by it.
    for index in np.argsort(takes - quotas, kind="stable"):
        if takes.sum() < validation and takes[index] < highest[index]:
            takes[index] += 1
    train, held = [], []
    for number, take in enumerate(takes):
        rows = random.permutation(np.flatnonzero(numbers == number))
        held.append(rows[:take])
        train.append(rows[take:])
    return np.concatenate(train + held), len(labels) - int(takes.sum())
