"""Which samples train and which validate."""

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from experiments.core.errors import DatasetError
from experiments.data.catalog import TEST, VALIDATION
from experiments.data.loading import Dataset
from experiments.data.split.folds import draw_groups, fold_of_rows
from experiments.data.split.split_spec import SplitMethod, SplitSpec


@dataclass(frozen=True, eq=False)
class Split:
    """Row numbers, from 0, in file order: int64, sorted, every row in exactly one part.

    ``column`` is the one that it went by, "" for none; ``fold`` of ``folds``, from 1, validates.
    ``test`` are held out; ``test_given`` is whether the file says which, as with the method given.
    """

    train: np.ndarray
    validation: np.ndarray
    method: SplitMethod
    seed: int
    column: str = ""
    folds: int = 0
    fold: int = 0
    test: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    test_given: bool = False


def split_dataset(dataset: Dataset, spec: SplitSpec, seed: int) -> Split:
    """Divide the samples of a dataset as ``divide`` says; raises DatasetError."""
    info = dataset.info
    match spec.method:
        case "group":
            keys = SplitKey(info.group, dataset.groups)
        case "time":
            keys = SplitKey(info.time, dataset.times)
        case _:
            keys = SplitKey()
    return divide(dataset.y, spec, seed, keys, dataset.parts)


class SplitKey(NamedTuple):
    """A column by which rows are divided, and its values (n,)."""

    column: str = ""
    values: np.ndarray | None = None

    def of(self, rows: np.ndarray) -> "SplitKey":
        """Those of some rows."""
        return SplitKey(self.column, None if self.values is None else self.values[rows])


def divide(
    y: np.ndarray,
    spec: SplitSpec,
    seed: int,
    keys: SplitKey | None = None,
    parts: np.ndarray | None = None,
) -> Split:
    """Divide the rows of ``y``, (n,) or (n, 1), as the spec says.

    First the test part: the rows that are so in ``parts`` (n,), see Dataset, else ``test_split`` of
    all. The rest is divided into training and validation, by ``parts`` with the method given. Folds
    are folds.fold_of_rows'; where the spec has them and no fold, it is the first one. Raises
    DatasetError where a part that was asked for would be empty.
    """
    labels, keys = np.asarray(y).reshape(-1), keys or SplitKey()
    if spec.method in ("group", "time") and keys.values is None:
        raise DatasetError(
            f"split.method: received {spec.method!r}, and the samples have no {spec.method} column."
        )
    rows = np.arange(len(labels))
    test = rows[:0] if parts is None else rows[parts == TEST]
    given = bool(len(test))
    rows = np.setdiff1d(rows, test, assume_unique=True)
    if not len(rows):
        raise DatasetError(
            f"All {len(test):,} samples are of the file's test part. Allowed: more samples."
        )
    if spec.test_split and not given:
        random = np.random.default_rng([seed, 7])
        held = _held(labels, spec.method, ("test", spec.test_split), random, keys)
        rows, test = rows[~held], rows[held]
    labels, keys = labels[rows], keys.of(rows)
    if spec.method == "given":
        held = _given(parts, rows)
    elif spec.folds:
        held = _fold(labels, spec, seed, keys)
    elif spec.validation_split:
        random = np.random.default_rng([seed, 2])
        held = _held(labels, spec.method, ("validation", spec.validation_split), random, keys)
    else:
        held = np.zeros(len(rows), bool)
    return Split(
        train=rows[~held], validation=rows[held], method=spec.method, seed=seed, column=keys.column,
        folds=spec.folds or 0, fold=(spec.fold or 1) if spec.folds else 0,
        test=test, test_given=given,
    )  # fmt: skip


def _held(
    labels: np.ndarray,
    method: SplitMethod,
    part: tuple[str, float],
    random: np.random.Generator,
    keys: SplitKey,
) -> np.ndarray:
    """Whether each row is in a part (its name and share) that is taken from all of them: (n,).

    The number of rows that stay is Keras' ``floor(n * (1 - validation_split))``, and ``last``
    takes exactly the rows that Keras takes (train_validation_split in Keras 3.15). With ``group``
    whole groups are taken, up to that many rows, and with ``time`` the latest rows, those of the
    same time together. ``stratified`` keeps each class's share and puts every class of two or more
    samples on both sides, for which the part can get larger; a class of one sample stays.
    """
    name, share = part
    n = len(labels)
    split_at = math.floor(n * (1.0 - share))
    if not 0 < split_at < n:
        allowed = f"0, or less than {1 - 1 / n:.6g}" if n > 1 else "0"
        raise DatasetError(
            f"split.{name}_split: received {share:g}, which divides {n:,} samples into "
            f"{split_at:,} for training and {n - split_at:,} for {name}. Allowed: {allowed}."
        )
    if keys.values is not None:
        find = _by_group if method == "group" else _by_time
        return find(keys.values, n - split_at, random, keys.column)
    held = np.zeros(n, bool)
    if method == "last":
        held[split_at:] = True
    elif method == "shuffled":
        held[random.permutation(n)[split_at:]] = True
    else:
        held[_stratify(labels, n - split_at, random)] = True
    return held


def _given(parts: np.ndarray | None, rows: np.ndarray) -> np.ndarray:
    held: np.ndarray = np.zeros(len(rows), bool) if parts is None else parts[rows] == VALIDATION
    if held.all() or not held.any():
        which = "training" if held.any() else "validation"
        raise DatasetError(
            f"split.method: received 'given', and none of the {len(rows):,} samples are for "
            f"{which} in the file. Allowed: another method, or more samples."
        )
    return held


def in_words(split: Split) -> str:
    """Which samples validate and which are for the test, in a sentence each; rows count from 0."""
    test = len(split.test)
    if not test:
        return _validation_in_words(split)
    if split.test_given:
        return f"{_validation_in_words(split)} Test: the {test:,} samples of the file's test part."
    total = test + len(split.train) + len(split.validation)
    drawn = f"drawn with seed {split.seed}"
    how = {
        "last": f"the last {test:,} of {total:,} samples in file order",
        "shuffled": f"{test:,} of {total:,} samples, {drawn}",
        "stratified": f"{test:,} of {total:,} samples, within each class, {drawn}",
        "group": f"{test:,} of {total:,} samples, whole groups of {split.column}, {drawn}",
        "time": f"the latest {test:,} of {total:,} samples by {split.column}",
    }
    return f"{_validation_in_words(split)} Test: {how[split.method]}, held out first."


def _validation_in_words(split: Split) -> str:
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
    if split.method == "given":
        return f"Validation: the {validation:,} samples of the file's validation part."
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


def _fold(labels: np.ndarray, spec: SplitSpec, seed: int, keys: SplitKey) -> np.ndarray:
    folds = spec.folds or 0
    things, many = ("samples", len(labels))
    if keys.values is not None:
        things, many = ("groups", len(np.unique(keys.values)))
    if folds > many:
        allowed = f"null, or 2 to {many}" if many > 1 else "null"
        raise DatasetError(
            f"split.folds: received {folds} for {many:,} {things}. Allowed: {allowed}."
        )
    return fold_of_rows(spec.method, folds, labels, keys.values, seed) == (spec.fold or 1) - 1


def _by_group(
    groups: np.ndarray, wanted: int, random: np.random.Generator, column: str
) -> np.ndarray:
    held = draw_groups(groups, wanted, random)
    if held.all():
        raise DatasetError(
            f"split.method: received 'group', and all {len(groups):,} samples that are left to "
            f"divide are one group of {column}. Allowed: another method, a part less, or more "
            "samples."
        )
    return held


def _by_time(
    times: np.ndarray, wanted: int, _random: np.random.Generator, column: str
) -> np.ndarray:
    border = np.sort(times)[len(times) - wanted]
    held: np.ndarray = times >= border
    if held.all():
        held = times > border
    if not held.any():
        raise DatasetError(
            f"split.method: received 'time', and all {len(times):,} samples that are left to "
            f"divide have the same {column}. Allowed: another method, a part less, or more samples."
        )
    return held


def _stratify(labels: np.ndarray, wanted: int, random: np.random.Generator) -> np.ndarray:
    """The rows that are taken, so many of them or a few more."""
    _, numbers, counts = np.unique(labels, return_inverse=True, return_counts=True)
    if counts.max() < 2:
        raise DatasetError(
            f"split.method: received 'stratified', which needs a class of two samples; all "
            f"{len(counts):,} classes of the {len(labels):,} samples that are left to divide have "
            "one. Allowed: last, shuffled."
        )
    quotas = counts * (wanted / len(labels))
    lowest, highest = np.minimum(counts - 1, 1), counts - 1
    takes = np.clip(np.floor(quotas).astype(np.int64), lowest, highest)
    # The rows that rounding down left over go to the classes that lost most by it.
    for index in np.argsort(takes - quotas, kind="stable"):
        if takes.sum() < wanted and takes[index] < highest[index]:
            takes[index] += 1
    held = []
    for number, take in enumerate(takes):
        rows = random.permutation(np.flatnonzero(numbers == number))
        held.append(rows[:take])
    return np.concatenate(held)
