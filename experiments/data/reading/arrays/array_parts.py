"""Arrays that a file has once for each part of a split, x_train and x_test, taken as one."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from experiments.data.catalog import TEST, TRAINING, VALIDATION
from experiments.data.reading.arrays.array_choosing import (
    TRAINING_WORD,
    ArrayChoice,
    asked_for,
    unused_note,
)
from experiments.data.reading.arrays.array_source import ArrayEntry, ArraySource, Rows
from experiments.data.reading.reader import Array, ReadOptions

_WORDS = {VALIDATION: ("val", "valid", "validation", "dev"), TEST: ("test", "testing")}


class ArrayParts(NamedTuple):
    """The source and the arrays to read, and the part of each row in them, int8 (n,); None where
    the file does not divide its samples."""

    source: ArraySource
    chosen: ArrayChoice
    parts: np.ndarray | None = None


def with_parts(source: ArraySource, chosen: ArrayChoice, wanted: ReadOptions) -> ArrayParts:
    """The chosen arrays with those of the other parts behind them, where the file has any that fit.

    Not where the user names both arrays, which are wanted alone then. Where a group or a time is
    asked for, each part needs one.
    """
    if wanted.features and wanted.target:
        return ArrayParts(source, chosen)
    keys = [asked_for(source, "key", path) for path in (wanted.group, wanted.time) if path]
    numbers, found = [TRAINING], [[one] for one in (chosen.x, chosen.y, *keys)]
    arrays = {listed.path.lower(): listed for listed in source.arrays}
    for part, words in _WORDS.items():
        for word in words:
            there = [_sibling(arrays, group[0], word) for group in found]
            if all(there) and len({one.samples for one in there if one}) == 1:
                numbers.append(part)
                for group, one in zip(found, there, strict=True):
                    group += [one] if one else []
                break
    if len(numbers) == 1:
        return ArrayParts(source, chosen)
    xs, ys, *more = found
    joined = _Joined(source, (xs, ys), more)
    used = {one.path for group in found for one in group}
    used |= {chosen.names.path} if chosen.names else set()
    notes = (
        f"The samples are {', '.join(map(str, xs))}.",
        f"The targets are {', '.join(map(str, ys))}.",
        *_about_types(xs),
        *unused_note(source, used),
    )
    both = ArrayChoice(joined.arrays[0], joined.arrays[1], chosen.names, notes)
    parts = np.repeat(np.array(numbers, np.int8), [one.samples for one in xs])
    return ArrayParts(joined, both, parts)


def _sibling(arrays: dict[str, ArrayEntry], one: ArrayEntry, word: str) -> ArrayEntry | None:
    """The array of another part that goes with the one for training: the same name but for that
    word, the same shape of a sample."""
    path, times = TRAINING_WORD.subn(word, one.path)
    paths = [path] if times else [f"{one.path}_{word}", f"{one.path}{word}"]
    found = next((arrays[path.lower()] for path in paths if path.lower() in arrays), None)
    if found is None or found.unusable or not found.samples:
        return None
    text = [listed.dtype.kind in "SU" for listed in (one, found)]
    shapes = [listed.array.shape[1:] for listed in (one, found)]
    alike = shapes[0] == shapes[1] or one.numbers == found.numbers == 1
    return found if alike and text[0] == text[1] else None


def _about_types(arrays: Sequence[ArrayEntry]) -> tuple[str, ...]:
    """A note where parts are of different types: they may be scaled differently, too."""
    if len({listed.dtype for listed in arrays}) == 1:
        return ()
    types = ", ".join(f"{listed.path} {listed.array.dtype}" for listed in arrays)
    return (f"The parts have different types: {types}. Make sure that their values are alike.",)


class _Joined:
    """A source whose first arrays are several of another's behind each other; of ``keys`` under the
    path of the first one, by which they were asked for."""

    def __init__(
        self,
        source: ArraySource,
        groups: Sequence[Sequence[ArrayEntry]],
        keys: Sequence[Sequence[ArrayEntry]],
    ) -> None:
        self.name = source.name
        self._source = source
        self._groups = {", ".join(one.path for one in group): group for group in groups}
        self._groups |= {group[0].path: group for group in keys}
        joined = [_join(path, group) for path, group in self._groups.items()]
        others = [one for one in source.arrays if one.path not in self._groups]
        self.arrays = (*joined, *others)

    def rows(self, path: str) -> Rows:
        """The rows of one array after the other."""
        if path not in self._groups:
            return self._source.rows(path)
        group = self._groups[path]
        dtype = next(listed.dtype for listed in self.arrays if listed.path == path)
        shape = group[0].array.shape[1:]
        waiting = [(self._source.rows(one.path), one.samples) for one in group]

        def read(count: int) -> np.ndarray:
            blocks = []
            while count and waiting:
                rows, left = waiting[0]
                block = rows(min(count, left))
                blocks.append(block.astype(dtype, copy=False).reshape(-1, *shape))
                count -= len(block)
                waiting[0] = (rows, left - len(block))
                if left == len(block):
                    waiting.pop(0)
            return blocks[0] if len(blocks) == 1 else np.concatenate(blocks)

        return read


def _join(path: str, group: Sequence[ArrayEntry]) -> ArrayEntry:
    dtype = np.result_type(*(one.dtype for one in group))
    shape = (sum(one.samples for one in group), *group[0].array.shape[1:])
    return ArrayEntry(Array(path, shape, dtype.name), dtype)
