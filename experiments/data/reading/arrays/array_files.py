"""What would be stored of a file of arrays, and its samples; the same for NPZ and HDF5."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from experiments.core.errors import DatasetError
from experiments.data.catalog import TRAINING, Kind
from experiments.data.reading.arrays.array_choosing import ArrayChoice, choose
from experiments.data.reading.arrays.array_keys import (
    choose_keys,
    groups_of,
    time_notes,
    times_of,
)
from experiments.data.reading.arrays.array_lists import with_lists
from experiments.data.reading.arrays.array_parts import ArrayParts, with_parts
from experiments.data.reading.arrays.array_samples import Form, SampleScan, form_of
from experiments.data.reading.arrays.array_source import (
    BLOCK_BYTES,
    ArrayEntry,
    ArraySource,
    texts_of,
)
from experiments.data.reading.arrays.array_targets import Encoder, TargetScan, names_in
from experiments.data.reading.reader import (
    MOST_CATEGORIES,
    Block,
    Feature,
    Plan,
    ReadOptions,
    parts_notes,
)


class _Read(NamedTuple):
    """Samples as they are stored, their targets as in the file, their rows in it from 0, and their
    groups, times and parts as Block has them."""

    x: np.ndarray
    y: np.ndarray
    rows: np.ndarray
    groups: np.ndarray | None
    times: np.ndarray | None
    parts: np.ndarray | None

    def where(self, kept: np.ndarray) -> "_Read":
        """Those that are true in ``kept``, (n,)."""
        keys = (self.groups, self.times, self.parts)
        groups, times, parts = (key if key is None else key[kept] for key in keys)
        return _Read(self.x[kept], self.y[kept], self.rows[kept], groups, times, parts)


def plan_arrays(source: ArraySource, wanted: ReadOptions) -> Plan:
    """The samples that would be stored. Every value is read, block by block.

    Raises DatasetError where the arrays are not clear or cannot be learned from.
    """
    source = with_lists(source)
    alone = choose(source, wanted)
    divided = with_parts(source, alone, wanted)
    source, chosen, _ = divided
    keys = choose_keys(source, wanted, chosen.x)
    form = form_of(source, chosen.x, wanted)
    samples = SampleScan(source, chosen.x, form)
    targets = TargetScan(source, chosen.y)
    kept = 0
    counts = np.zeros(0 if divided.parts is None else 3, np.int64)
    trained: set[str] = set()
    for read in _read(divided, form, samples, wanted):
        targets.add(read.y, read.rows)
        kept += len(read.rows)
        if read.parts is not None:
            counts += np.bincount(read.parts, minlength=3)
            if len(trained) <= MOST_CATEGORIES:
                trained |= names_in(chosen.y, read.y[read.parts == TRAINING])
    parts = tuple(counts.tolist())
    dropped = chosen.x.samples - kept
    if kept < 2:
        raise DatasetError(
            f"{source.name}: without the rows with missing values {kept} of "
            f"{chosen.x.samples:,} rows are left. Keep the rows, or fill the values in."
        )
    found = targets.targets(wanted)
    untrained = [name for name in found.class_names if name not in trained]
    names, about_names = _feature_names(source, chosen, form)
    return Plan(
        kind=form.kind,
        task=found.task,
        shape=form.shape,
        samples=kept,
        dtype=form.dtype.name,
        target=alone.y.path,
        class_names=found.class_names,
        features=tuple(map(Feature, names)),
        parts=parts,
        notes=(
            *chosen.notes, *parts_notes(parts, untrained), *keys.notes, form.note, *found.notes,
            *about_names, *samples.notes(names, dropped), *time_notes(source, keys),
        ),
        group=keys.group.path if keys.group else "",
        time=keys.time.path if keys.time else "",
    )  # fmt: skip


def array_blocks(source: ArraySource, plan: Plan, wanted: ReadOptions) -> Iterator[Block]:
    """The samples in file order, at most 8 MB in a block."""
    source = with_lists(source)
    divided = with_parts(source, choose(source, wanted), wanted)
    source, chosen, _ = divided
    form = form_of(source, chosen.x, wanted)
    encoder = Encoder(source, chosen.y, plan.class_names)
    samples = SampleScan(source, chosen.x, form)
    for read in _read(divided, form, samples, wanted):
        if len(read.rows):
            y = encoder.encode(read.y, read.rows)
            yield Block(read.x, y, read.groups, read.times, read.parts)


def _read(
    divided: ArrayParts, form: Form, samples: SampleScan, wanted: ReadOptions
) -> Iterator[_Read]:
    """All samples that are kept: without those with missing values, if so wanted."""
    source, chosen, parts = divided
    keys = choose_keys(source, wanted, chosen.x)
    next_x, next_y = source.rows(chosen.x.path), source.rows(chosen.y.path)
    next_group = source.rows(keys.group.path) if keys.group else None
    next_time = source.rows(keys.time.path) if keys.time else None
    count = _rows_of_a_block(chosen, form)
    for first in range(0, chosen.x.samples, count):
        length = min(count, chosen.x.samples - first)
        y = next_y(length)
        x, missing = samples.convert(next_x(length), first)
        groups = times = None
        if keys.group and next_group:
            groups = groups_of(source, keys.group, next_group(length), first)
        if keys.time and next_time:
            times = times_of(source, keys.time, next_time(length), first)
        part = None if parts is None else parts[first : first + length]
        read = _Read(x, y, np.arange(first, first + length), groups, times, part)
        if missing is not None and wanted.drop_missing:
            read = read.where(~missing)
        yield read


def _rows_of_a_block(chosen: ArrayChoice, form: Form) -> int:
    x, y = chosen.x, chosen.y
    size = max(
        x.numbers * max(x.dtype.itemsize, form.dtype.itemsize), y.numbers * max(y.dtype.itemsize, 8)
    )
    return max(1, BLOCK_BYTES // size)


def _feature_names(
    source: ArraySource, chosen: ArrayChoice, form: Form
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of the features of rows, and a note where those in the file are not used."""
    if form.kind is Kind.IMAGE:
        return (), ()
    count = form.shape[0]
    plain = tuple(f"x{number}" for number in range(count))
    if chosen.names is None:
        return plain, ()
    why = _why_no_names(chosen.names, count)
    if not why:
        try:
            names = tuple(texts_of(source.rows(chosen.names.path)(count)))
        except ValueError:
            names = ()
        if len(set(names)) == count and all(name.strip() for name in names):
            return names, ()
        why = "has names that are empty, twice there or no UTF-8"
    return plain, (f"{chosen.names.path} is not used: it {why}.",)


def _why_no_names(names: ArrayEntry, count: int) -> str:
    if names.unusable:
        return names.unusable
    if names.dtype.kind not in "SU" or names.array.shape != (count,):
        return f"is {names}, and needed are {count:,} texts"
    return ""
