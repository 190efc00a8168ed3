"""The array of samples: rows or images, checked and converted block by block."""

from dataclasses import dataclass

import numpy as np

from experiments.core.errors import DatasetError
from experiments.core.sizes import size_text
from experiments.data.catalog import Kind
from experiments.data.reading.arrays.array_source import LARGEST, ArrayEntry, ArraySource, place
from experiments.data.reading.arrays.array_steps import StepSample
from experiments.data.reading.reader import MOST_COLUMNS, ReadOptions

_CHANNELS = (1, 3, 4)
_LARGEST_SAMPLE = 256_000_000  # bytes: a block has at least one


@dataclass(frozen=True)
class Form:
    """What an array of samples is stored as: ``shape`` is one sample's."""

    kind: Kind
    shape: tuple[int, ...]
    dtype: np.dtype
    note: str


def form_of(source: ArraySource, x: ArrayEntry, wanted: ReadOptions) -> Form:
    """How the samples of an array are stored; raises DatasetError for shapes that are none."""
    shape = x.array.shape
    if x.dtype.kind not in "biuf":
        raise _refused(source, x, "an array of numbers", "Choose another array as the samples.")
    if 0 in shape:
        raise _refused(source, x, "at least one number in each sample", "Save it with its values.")
    form = _rows(source, x) if len(shape) == 2 else _images(source, x)
    _refuse_other_size(source, form, wanted)
    size = x.numbers * max(form.dtype.itemsize, x.dtype.itemsize)
    if size > _LARGEST_SAMPLE:
        raise _refused(
            source,
            x,
            f"samples of at most {size_text(_LARGEST_SAMPLE)}, not {size_text(size)}",
            "Save smaller images.",
        )
    return form


def _rows(source: ArraySource, x: ArrayEntry) -> Form:
    if x.numbers > MOST_COLUMNS:
        raise _refused(source, x, f"at most {MOST_COLUMNS:,} features", "Save fewer of them.")
    note = f"Each sample is a row of {x.numbers:,} numbers."
    return Form(Kind.TABULAR, x.array.shape[1:], np.dtype(np.float32), note)


def _images(source: ArraySource, x: ArrayEntry) -> Form:
    shape = x.array.shape
    dtype = np.dtype(np.uint8 if x.dtype == np.uint8 else np.float32)
    if len(shape) == 3:
        note = f"Each sample is a gray image, {shape[1]} high and {shape[2]} wide."
        return Form(Kind.IMAGE, (*shape[1:], 1), dtype, note)
    if len(shape) == 4 and shape[3] in _CHANNELS:
        channels = "one channel" if shape[3] == 1 else f"{shape[3]} channels"
        note = f"Each sample is an image, {shape[1]} high, {shape[2]} wide, of {channels}."
        return Form(Kind.IMAGE, shape[1:], dtype, note)
    if len(shape) == 4 and shape[1] in _CHANNELS:
        raise _refused(
            source,
            x,
            "images with the channels last",
            f"Save np.transpose({x.path.rpartition('/')[2]}, (0, 2, 3, 1)).",
        )
    raise _refused(
        source,
        x,
        "rows (samples, features), or images (samples, height, width) or (samples, height, "
        "width, channels) with 1, 3 or 4 channels",
        "Save it in one of these shapes"
        + (", for one feature with x.reshape(-1, 1)." if len(shape) == 1 else "."),
    )


def _refuse_other_size(source: ArraySource, form: Form, wanted: ReadOptions) -> None:
    if form.kind is Kind.IMAGE and wanted.size and wanted.size != form.shape[:2]:
        raise DatasetError(
            f"{source.name}: the size {wanted.size} was asked for, and its images are "
            f"{form.shape[:2]} (height, width). Images in arrays keep their size: leave it out, "
            "or bring the images as files."
        )


def _refused(source: ArraySource, x: ArrayEntry, needed: str, to_do: str) -> DatasetError:
    return DatasetError(f"{source.name}: the samples are {x}. Needed: {needed}. {to_do}")


class SampleScan:
    """Converts samples block by block, and keeps what was seen of them."""

    def __init__(self, source: ArraySource, x: ArrayEntry, form: Form) -> None:
        self._source = source
        self._x = x
        self._form = form
        self._ranged = form.kind is Kind.IMAGE and form.dtype != np.uint8
        self.low, self.high = float("inf"), float("-inf")
        self._rows = 0
        self._missing: np.ndarray | None = None
        together = form.kind is Kind.IMAGE
        self._steps = StepSample(x.samples, x.numbers, x.dtype, form.dtype, together)

    def convert(self, raw: np.ndarray, first: int) -> tuple[np.ndarray, np.ndarray | None]:
        """The samples as they are stored, and which rows have missing values, None for none.

        ``first`` is the first row's number from 0. Raises DatasetError with the place of an
        infinite number, one beyond float32, and in images of NaN.
        """
        self._rows += len(raw)
        self._steps.add(raw, np.arange(first, first + len(raw)))
        if raw.dtype.kind == "b":
            raw = raw.view(np.uint8) != 0  # a file's bytes can be others than 0 and 1
        with np.errstate(over="ignore", invalid="ignore"):
            x = raw.astype(self._form.dtype, copy=False).reshape(-1, *self._form.shape)
        missing = None
        if x.dtype != np.uint8 and not np.isfinite(x).all():
            missing = self._find_missing(raw.reshape(x.shape), first)
        if self._ranged:
            self.low, self.high = min(self.low, float(x.min())), max(self.high, float(x.max()))
        return x, missing

    def _find_missing(self, raw: np.ndarray, first: int) -> np.ndarray:
        nan = np.isnan(raw)
        with np.errstate(invalid="ignore"):
            wrong = (nan if self._form.kind is Kind.IMAGE else False) | (np.abs(raw) > LARGEST)
        if wrong.any():
            row, *index = np.argwhere(wrong)[0]
            value = raw[row, *index]
            index = index[: len(self._x.array.shape) - 1]
            allowed = (
                "finite numbers"
                if self._form.kind is Kind.IMAGE
                else "numbers, or NaN where one is missing"
            )
            raise DatasetError(
                f"{place(self._source, self._x.path, first + int(row), *index)} is {value}. "
                f"Allowed: {allowed}, up to {LARGEST:.3g}. Correct it or leave that row out."
            )
        if self._missing is None:
            self._missing = np.zeros(raw.shape[1], np.int64)
        self._missing += nan.sum(axis=0)
        return nan.any(axis=1)

    def notes(self, names: tuple[str, ...], dropped: int) -> tuple[str, ...]:
        """What was found, once all is scanned; raises DatasetError for a feature without values."""
        if self._ranged:
            return (
                f"The pixels are {self._x.array.dtype} from {self.low:g} to {self.high:g}, and are "
                "stored as they are.",
                *self._steps.notes(("The pixels",), "are"),
            )
        coarse = self._steps.notes(names)
        if self._missing is None:
            return coarse
        empty = np.flatnonzero(self._missing == self._rows)
        if len(empty):
            raise DatasetError(
                f"{self._source.name}: column {empty[0]} (from 0, {names[empty[0]]}) of "
                f"{self._x.path} is NaN in every row. Save the array without it."
            )
        count = int(self._missing.sum())
        if dropped:
            return (f"Left out: {dropped:,} rows with missing values (NaN).", *coarse)
        where = ", ".join(names[i] for i in np.flatnonzero(self._missing)[:10])
        return (f"{count:,} values are missing, and kept as NaN, first in: {where}.", *coarse)
