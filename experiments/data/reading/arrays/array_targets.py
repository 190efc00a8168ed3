"""The array of targets: classes or numbers, found out and encoded block by block."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from experiments.core.errors import DatasetError
from experiments.data.catalog import Task
from experiments.data.reading.arrays.array_source import (
    LARGEST,
    ArrayEntry,
    ArraySource,
    place,
    texts_of,
)
from experiments.data.reading.arrays.array_steps import StepSample
from experiments.data.reading.class_numbers import are_classes
from experiments.data.reading.reader import MOST_CATEGORIES, ReadOptions


@dataclass(frozen=True)
class Targets:
    """What is learned: ``class_names`` are none for a regression."""

    task: Task
    class_names: tuple[str, ...]
    notes: tuple[str, ...]


class TargetScan:
    """Reads the targets once; ``targets`` then says what they are.

    Raises DatasetError for a shape that is none of (n,), (n, 1) and (n, classes).
    """

    def __init__(self, source: ArraySource, y: ArrayEntry) -> None:
        self._source = source
        self._y = y
        self._distinct: set[Any] = set()
        self._rows = 0
        self._whole = True
        shape = y.array.shape
        one_hot = is_one_hot(y)
        texts = y.dtype.kind in "SU"
        if len(shape) > 2 or (one_hot and (texts or not 2 <= shape[1] <= MOST_CATEGORIES)):
            raise self._refused(
                f"is {y}",
                f"one target for each sample, or one-hot rows of up to {MOST_CATEGORIES:,} classes",
            )
        self._steps = StepSample(y.samples, y.numbers, y.dtype, np.dtype(np.float32))

    def add(self, raw: np.ndarray, rows: np.ndarray) -> None:
        """The next targets; ``rows`` are their numbers in the file, from 0.

        Raises DatasetError with the row of one that is missing, infinite or not one-hot.
        """
        self._rows += len(raw)
        if is_one_hot(self._y):
            self._add_one_hot(raw, rows)
            return
        self._steps.add(raw, rows)
        values = flat(raw)
        if values.dtype.kind in "SU":
            self._add_texts(values, rows)
            return
        if values.dtype.kind == "f":
            wrong = np.flatnonzero(~(np.abs(values) <= LARGEST))
            if len(wrong):
                raise self._refused_row(
                    rows[wrong[0]], f"is {values[wrong[0]]}", f"numbers up to {LARGEST:.3g}"
                )
            self._whole = self._whole and bool((values == np.floor(values)).all())
        if len(self._distinct) <= MOST_CATEGORIES:
            self._distinct.update(np.unique(values).tolist())

    def _add_one_hot(self, raw: np.ndarray, rows: np.ndarray) -> None:
        ones = raw == 1
        wrong = np.flatnonzero((~ones & (raw != 0)).any(axis=1) | (ones.sum(axis=1) != 1))
        if len(wrong):
            shown = np.array2string(raw[wrong[0]], threshold=8, separator=", ")
            raise self._refused_row(
                rows[wrong[0]],
                f"is {shown}",
                "one-hot rows, with a single 1 among zeros, or one number for each sample",
            )
        self._distinct.update(np.flatnonzero(ones.any(axis=0)).tolist())

    def _add_texts(self, values: np.ndarray, rows: np.ndarray) -> None:
        try:
            distinct, at = np.unique(values, return_index=True)
            texts = texts_of(distinct)
        except ValueError:
            row = next(i for i in range(len(values)) if not _is_text(values[i : i + 1]))
            raise self._refused_row(rows[row], "is not valid UTF-8 text", "texts") from None
        for number, text in enumerate(texts):
            if not text.strip() or "\0" in text:
                raise self._refused_row(rows[at[number]], f"is {text!r}", "texts that name a class")
        self._distinct.update(texts)
        if len(self._distinct) > MOST_CATEGORIES:
            raise self._refused(
                f"has over {MOST_CATEGORIES:,} different texts", f"up to {MOST_CATEGORIES:,}"
            )

    def targets(self, wanted: ReadOptions) -> Targets:
        """What was found; raises DatasetError where it cannot be learned, or not as wanted."""
        found = sorted(self._distinct)
        if len(found) < 2:
            only = found[0] if found else "none"
            raise self._refused(
                f"has one value in all {self._rows:,} rows ({only!r})", "two or more different ones"
            )
        numbers = not is_one_hot(self._y) and not isinstance(found[0], str)
        many = len(found) > MOST_CATEGORIES
        classes = self._whole and not many
        task = wanted.task or self._task(found, numbers, classes)
        if task is Task.REGRESSION and not numbers:
            what = "one-hot" if is_one_hot(self._y) else "texts"
            raise self._refused(f"is {what}", "numbers, for a regression")
        if task is not Task.REGRESSION and not classes:
            what = f"over {MOST_CATEGORIES:,} different values" if many else "fractions"
            raise self._refused(f"has {what}", f"up to {MOST_CATEGORIES:,} whole numbers or texts")
        if task is Task.BINARY and len(found) != 2:
            raise self._refused(f"has {len(found):,} classes", "two, for the task binary")
        reason = "as asked for" if wanted.task else "by its values"
        if task is Task.REGRESSION:
            note = f"The task is regression ({reason}): the target is a number."
            return Targets(task, (), (note, *self._steps.notes((self._y.path,))))
        names = tuple(_name(value) for value in found)
        note = f"The task is {task} ({reason}): the target has {len(names):,} classes."
        if numbers and task is Task.MULTICLASS and not wanted.task:
            note += " Choose regression if the size of these numbers matters."
        return Targets(task, names, (note,))

    def _task(self, found: list[Any], numbers: bool, classes: bool) -> Task:
        if numbers and not (classes and are_classes(found, self._rows)):
            return Task.REGRESSION
        return Task.BINARY if len(found) == 2 else Task.MULTICLASS

    def _refused(self, found: str, allowed: str) -> DatasetError:
        return DatasetError(
            f"{self._source.name}: the target {self._y.path!r} {found}. Needed: {allowed}. Choose "
            "another array as the target, or correct the file."
        )

    def _refused_row(self, row: int, found: str, allowed: str) -> DatasetError:
        return DatasetError(
            f"{place(self._source, self._y.path, int(row))} {found}. Allowed as targets: "
            f"{allowed}. Correct it or leave that row out."
        )


def names_in(y: ArrayEntry, raw: np.ndarray) -> set[str]:
    """What the classes of some targets, as in the file, are called."""
    if is_one_hot(y):
        return {str(number) for number in np.unique(raw.argmax(axis=1)).tolist()}
    values = np.unique(flat(raw))
    return set(texts_of(values)) if values.dtype.kind in "SU" else set(map(_name, values.tolist()))


class Encoder:
    """Targets as a block has them: numbers of classes (int64), or for a regression float64."""

    def __init__(self, source: ArraySource, y: ArrayEntry, class_names: tuple[str, ...]) -> None:
        self._source = source
        self._y = y
        self._known = _known(y, class_names) if class_names else None

    def encode(self, raw: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """(n,); raises DatasetError for a class that was not there when the file was looked at."""
        values = raw.argmax(axis=1) if is_one_hot(self._y) else flat(raw)
        if self._known is None:
            return values.astype(np.float64)
        numbers = np.minimum(np.searchsorted(self._known, values), len(self._known) - 1)
        wrong = np.flatnonzero(self._known[numbers] != values)
        if len(wrong):
            raise DatasetError(
                f"{place(self._source, self._y.path, int(rows[wrong[0]]))} had another value when "
                "the file was read first. Add the file again when nothing writes to it."
            )
        return numbers.astype(np.int64)


def is_one_hot(y: ArrayEntry) -> bool:
    """Whether a row has a number for each class."""
    return len(y.array.shape) == 2 and y.array.shape[1] != 1


def flat(raw: np.ndarray) -> np.ndarray:
    """One value for each row, in this machine's byte order; floats as float64."""
    values = raw.reshape(-1)
    if values.dtype.kind == "b":
        return values.view(np.uint8) != 0  # a file's bytes can be others than 0 and 1
    if values.dtype.kind == "f":
        with np.errstate(over="ignore"):
            return values.astype(np.float64)
    return values.astype(values.dtype.newbyteorder("="), copy=False)


def _known(y: ArrayEntry, class_names: tuple[str, ...]) -> np.ndarray:
    """The values of the classes in their order, which is the order of their values too."""
    kind = y.dtype.kind
    if is_one_hot(y):
        return np.array([int(name) for name in class_names])
    if kind == "S":
        return np.array([name.encode() for name in class_names])  # UTF-8 sorts as its characters
    if kind == "U":
        return np.array(class_names)
    if kind == "b":
        return np.array([name == "True" for name in class_names])
    if kind == "f":
        return np.array([float(name) for name in class_names])
    return np.array([int(name) for name in class_names], y.dtype.newbyteorder("="))


def _name(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) else str(value)


def _is_text(value: np.ndarray) -> bool:
    try:
        texts_of(value)
    except ValueError:
        return False
    return True
