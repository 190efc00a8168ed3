"""The arrays by which samples can be split: a group and a time for each."""

from typing import NamedTuple

import numpy as np

from experiments.core.errors import DatasetError
from experiments.data.reading.arrays.array_choosing import asked_for
from experiments.data.reading.arrays.array_source import (
    BLOCK_BYTES,
    ArrayEntry,
    ArraySource,
    place,
    texts_of,
)
from experiments.data.reading.arrays.array_steps import StepSample, loses
from experiments.data.reading.keys import same_number
from experiments.data.reading.reader import ReadOptions


class KeyArrays(NamedTuple):
    """The arrays that were asked for, None where none was."""

    group: ArrayEntry | None
    time: ArrayEntry | None

    @property
    def notes(self) -> tuple[str, ...]:
        """What they are, in words."""
        group = (f"Samples with the same {self.group.path} are one group.",) if self.group else ()
        return (*group, f"The time of a sample is in {self.time.path}.") if self.time else group


def choose_keys(source: ArraySource, wanted: ReadOptions, x: ArrayEntry) -> KeyArrays:
    """The arrays of one value a sample; raises DatasetError for those that are none."""
    found = [
        _find(source, what, path, x, kinds)
        for what, path, kinds in (("group", wanted.group, "biufSU"), ("time", wanted.time, "iuf"))
    ]
    return KeyArrays(*found)


def _find(
    source: ArraySource, what: str, path: str, x: ArrayEntry, kinds: str
) -> ArrayEntry | None:
    if not path:
        return None
    found = asked_for(source, what, path)
    if found.unusable or found.dtype.kind not in kinds or found.array.shape != (x.samples,):
        allowed = "numbers or texts" if "U" in kinds else "numbers"
        raise DatasetError(
            f"{source.name}: the {what} is {found}. Needed: {allowed}, one for each of the "
            f"{x.samples:,} samples. Choose another array, or none."
        )
    return found


def groups_of(source: ArraySource, key: ArrayEntry, values: np.ndarray, first: int) -> np.ndarray:
    """The groups (n,) int64 of some samples, the first of which has the number ``first``."""
    if key.dtype.kind in "SU":
        try:
            texts = np.array([same_number(text) for text in texts_of(values)], np.int64)
        except ValueError as error:
            raise DatasetError(
                f"{source.name}: {key.path} has a text that cannot be decoded: {error}. Save it "
                "as UTF-8."
            ) from None
        return texts
    if key.dtype.kind in "biu":
        return values.astype(np.int64)
    return (_known(source, key, values, first) + 0).view(np.int64)


def times_of(source: ArraySource, key: ArrayEntry, values: np.ndarray, first: int) -> np.ndarray:
    """The times (n,) float64 of some samples."""
    return _known(source, key, values, first)


def time_notes(source: ArraySource, keys: KeyArrays) -> tuple[str, ...]:
    """A note where different times become equal, as nanoseconds in 64 bits do. Reads them again."""
    time, stored = keys.time, np.dtype(np.float64)
    if time is None or not loses(time.dtype, stored):
        return ()
    steps = StepSample(time.samples, 1, time.dtype, stored)
    following = source.rows(time.path)
    count = BLOCK_BYTES // time.dtype.itemsize
    for first in range(0, time.samples, count):
        rows = np.arange(first, min(first + count, time.samples))
        steps.add(following(len(rows)), rows)
    return steps.notes((time.path,))


def _known(source: ArraySource, key: ArrayEntry, values: np.ndarray, first: int) -> np.ndarray:
    numbers = values.astype(np.float64)
    if np.isnan(numbers).any():
        row = first + int(np.flatnonzero(np.isnan(numbers))[0])
        raise DatasetError(
            f"{place(source, key.path, row)} is NaN. Every sample needs a value there: correct it, "
            "or leave that row out."
        )
    return numbers
