"""Which samples train and which validate."""

import math
from dataclasses import dataclass

import numpy as np

from experiments.datasets.folds import draw_groups, fold_of_rows
from experiments.datasets.loading import Dataset
from experiments.errors import DatasetError
from experiments.specs import SplitMethod, SplitSpec


@dataclass(frozen=True, eq=False)
class Split:
    """Row numbers, from 0, in file order: int64, sorted, every row in exactly one part.

    ``column`` is the one that it went by, "" for none; ``fold`` of ``folds``, from 1, validates.
    """

    train: np.ndarray
    validation: np.ndarray
    method: SplitMethod
    seed: int
    column: str = ""
    folds: int = 0
    fold: int = 0


def split_dataset(dataset: Dataset, spec: SplitSpec, seed: int) -> Split:
    """Divide the samples of a data set as ``divide`` says; raises DatasetError."""
    match spec.method:
        case "group":
            return divide(dataset.y, spec, seed, dataset.groups, dataset.info.group)
        case "time":
            return divide(dataset.y, spec, seed, dataset.times, dataset.info.time)
        case _:
            return divide(dataset.y, spec, seed)


def divide(
    y: np.ndarray, spec: SplitSpec, seed: int, keys: np.ndarray | None = None, column: str = ""
) -> Split:
    """Divide the rows of ``y``, (n,) or (n, 1), as the spec says.

    The number of training rows is Keras' ``floor(n * (1 - validation_split))``, and ``last``
    takes exactly the rows that Keras takes (train_validation_split in Keras 3.15). ``keys`` (n,)
    are what ``column`` has: with ``group`` whole groups validate, up to that many rows, and with
    ``time`` the latest rows, all of the same time in the same part. Folds are folds.fold_of_rows';
    where the spec has them and no fold, it is the first one. ``stratified``
    keeps each class's share and puts every class of two or more samples in both parts, for which
    validation can get larger; a class of one sample trains. Raises DatasetError where a part that
    was asked for would be empty.
    """
    if spec.method in ("group", "time") and keys is None:
        raise DatasetError(
            f"split.method: received {spec.method!r}, and the samples have no {spec.method} column."
        )
    if spec.folds:
        return _fold(np.asarray(y).reshape(-1), spec, seed, keys, column)
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
    elif keys is not None:
        found = _by_group if spec.method == "group" else _by_time
        order, split_at = found(keys, n - split_at, random, column)
    else:
        order, split_at = _stratify(np.asarray(y).reshape(-1), n - split_at, random)
    train, validation = np.sort(order[:split_at]), np.sort(order[split_at:])
    return Split(train.astype(np.int64), validation.astype(np.int64), spec.method, seed, column)


def in_words(split: Split) -> str:
    """Which samples validate, in a sentence; rows count from 0."""
    validation = len(split.validation)
    n = len(split.train) + validation
    if not validation:
        return f"No validation: all {n:,} samples train."
    if split.folds:
        dealt = {
            "last": f"rows {split.validation[0]} to {split.validation[-1]} in file order",
            "shuffled": f"dealt with seed {split.seed}",
            "stratified": f"dealt within each class with seed {split.seed}",
            "group": f"whole groups of {split.column}, dealt with seed {split.seed}",
        }
        return (
            f"Validation: fold {split.fold} of {split.folds}, {validation:,} of {n:,} samples, "
            f"{dealt[split.method]}."
        )
    if split.method == "time":
        return f"Validation: the latest {validation:,} of {n:,} samples by {split.column}."
    if split.method == "group":
        return (
            f"Validation: {validation:,} of {n:,} samples, whole groups of {split.column}, drawn "
            f"with seed {split.seed}."
        )
    if split.method == "last":
        return (
            f"Validation: the last {validation:,} of {n:,} samples in file order "
            f"(rows {split.validation[0]} to {split.validation[-1]}), before any shuffle."
        )
    how = " within each class" if split.method == "stratified" else ""
    return f"Validation: {validation:,} of {n:,} samples, drawn{how} with seed {split.seed}."


def _fold(
    labels: np.ndarray, spec: SplitSpec, seed: int, keys: np.ndarray | None, column: str
) -> Split:
    folds, fold = spec.folds or 0, spec.fold or 1
    things, many = ("samples", len(labels)) if keys is None else ("groups", len(np.unique(keys)))
    if folds > many:
        raise DatasetError(
            f"split.folds: received {folds} for {many:,} {things}. Allowed: null, or 2 to {many}."
        )
    held = fold_of_rows(spec.method, folds, labels, keys, seed) == fold - 1
    return Split(
        np.flatnonzero(~held), np.flatnonzero(held), spec.method, seed, column, folds, fold
    )


def _by_group(
    groups: np.ndarray, validation: int, random: np.random.Generator, column: str
) -> tuple[np.ndarray, int]:
    held = draw_groups(groups, validation, random)
    if held.all():
        raise DatasetError(
            f"split.method: received 'group', and all samples are one group of {column}. Allowed: "
            "another method, or more samples."
        )
    return np.argsort(held, kind="stable"), int((~held).sum())


def _by_time(
    times: np.ndarray, validation: int, _random: np.random.Generator, column: str
) -> tuple[np.ndarray, int]:
    order = np.argsort(times, kind="stable")
    border = times[order[len(times) - validation]]
    held = times >= border
    if held.all():
        held = times > border
    if not held.any():
        raise DatasetError(
            f"split.method: received 'time', and all samples have the same {column}. Allowed: "
            "another method, or more samples."
        )
    return np.argsort(held, kind="stable"), int((~held).sum())


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
