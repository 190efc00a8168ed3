"""HDF5 files: their datasets, read in slices along the chunks that they are stored in."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from experiments.core.errors import DatasetError
from experiments.core.sizes import size_text
from experiments.data.reading.arrays.array_files import array_blocks, plan_arrays
from experiments.data.reading.arrays.array_source import (
    BLOCK_BYTES,
    LONGEST_TEXT,
    ArrayEntry,
    Rows,
    as_found,
    is_bomb,
    place,
    product,
    refuse_size,
    why_unusable,
)
from experiments.data.reading.arrays.hdf5_links import address, linked
from experiments.data.reading.reader import Array, Arrays, Block, FileContents, Plan, ReadOptions

_MOST_OBJECTS = 5000
_LARGEST_CHUNKS = 256_000_000  # bytes of the chunks that hold one row, unpacked
# deflate, shuffle, fletcher32, szip, nbit, scaleoffset, lzf come with h5py; asked for any other,
# HDF5 looks for a plugin to load
_FILTERS = (1, 2, 3, 4, 5, 6, 32000)
_PLUGINS = {307: "bzip2", 32001: "blosc", 32004: "lz4", 32008: "bitshuffle", 32015: "zstd"}
_TEXTS = np.dtype("S64")  # what texts of variable length are taken to be; blocks go by it
_DAMAGES = (OSError, RuntimeError, KeyError, ValueError, TypeError, MemoryError)


class Hdf5Files:
    """Reader of HDF5."""

    def look(self, path: Path, wanted: ReadOptions) -> Arrays:
        """The datasets in the file; no link leads out of it and no value is read."""
        with open_hdf5(path) as source:
            return as_found(source)

    def plan(self, path: Path, found: FileContents, wanted: ReadOptions) -> Plan:
        """What would be stored of it."""
        with open_hdf5(path) as source:
            return plan_arrays(source, wanted)

    def blocks(
        self, path: Path, found: FileContents, plan: Plan, wanted: ReadOptions
    ) -> Iterator[Block]:
        """The samples."""
        with open_hdf5(path) as source:
            yield from array_blocks(source, plan, wanted)


class Hdf5Source:
    """An open HDF5 file."""

    def __init__(self, file: h5py.File, name: str) -> None:
        self.name = name
        self._file = file
        self.arrays = tuple(_walk(file, name))
        if not self.arrays:
            raise DatasetError(
                f"{name} has no dataset. Save the samples as the dataset x and the targets as y."
            )
        usable = [one for one in self.arrays if not one.unusable and not one.link_to]
        self._paths = {one.path: one.itself for one in self.arrays}
        refuse_size(name, sum(product(one.array.shape) * one.dtype.itemsize for one in usable))

    def rows(self, path: str) -> Rows:
        """The rows of a dataset. Packed chunks are unpacked once, all that hold the same rows."""
        dataset = self._file[self._paths[path]]
        kept = _rows_to_keep(dataset)
        first = 0
        buffer, start = np.empty((0, *dataset.shape[1:]), dataset.dtype), 0

        def read(begin: int, end: int) -> np.ndarray:
            try:
                values: np.ndarray = dataset[begin:end]
            except _DAMAGES as error:
                where = f"{self.name}: {path}, in the rows {begin + 1:,} to {end:,} (from 1)"
                raise _damaged(where, error) from None
            return self._texts(values, path, begin) if values.dtype.kind == "O" else values

        def following(count: int) -> np.ndarray:
            nonlocal first, buffer, start
            begin, first = first, first + count
            if not kept:
                return read(begin, first)
            parts = []
            while begin < first:
                if begin >= start + len(buffer):
                    start = begin // kept * kept
                    del buffer  # before the next: two would be in memory
                    buffer = read(start, min(start + kept, len(dataset)))
                # Copied: a view would keep the buffer when the next one is read
                parts.append(buffer[begin - start : first - start].copy())
                begin += len(parts[-1])
            return parts[0] if len(parts) == 1 else np.concatenate(parts)

        return following

    def _texts(self, values: np.ndarray, path: str, first: int) -> np.ndarray:
        """Texts of variable length, which h5py reads as bytes, as texts of one length."""
        texts = values.reshape(-1).tolist()
        for number, text in enumerate(texts):
            if len(text) > LONGEST_TEXT:
                row = first + number // max(1, product(values.shape[1:]))
                raise DatasetError(
                    f"{place(self, path, row)} has a text of {len(text):,} bytes. Allowed: up to "
                    f"{LONGEST_TEXT:,}. Shorten it, or choose another dataset."
                )
        return np.array(texts, "S").reshape(values.shape)


@contextmanager
def open_hdf5(path: Path) -> Iterator[Hdf5Source]:
    """The file, its tree walked; raises DatasetError for what HDF5 cannot read."""
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise _damaged(path.name, error) from None
    with file:
        try:
            source = Hdf5Source(file, path.name)
        except _DAMAGES as error:
            raise _damaged(path.name, error) from None
        yield source


def _walk(file: h5py.File, name: str) -> Iterator[ArrayEntry]:
    """Every dataset, groups in the order of their names; then every link that is no hard one."""
    seen: dict[int, ArrayEntry | None] = {address(file): None}
    links: list[tuple[str, h5py.Group, Any]] = []
    waiting: list[tuple[str, h5py.Group]] = [("", file)]
    objects = 0
    while waiting:
        prefix, group = waiting.pop()
        _refuse_model(name, prefix, group)
        objects += len(group)
        if objects > _MOST_OBJECTS:
            raise DatasetError(
                f"{name} has more than {_MOST_OBJECTS:,} groups, datasets and links. Save the "
                "samples as one dataset x and the targets as one dataset y."
            )
        inside = []
        for key in group:
            path = f"{prefix}{key}"
            if isinstance(key, bytes) or not key.isprintable():  # bytes: h5py's, for no UTF-8
                raise DatasetError(f"{name}: the name {path!a} is not text. Rename it.")
            link = group.get(key, getlink=True)
            if link is None:
                raise KeyError(f"{path} is listed but missing")
            if not isinstance(link, h5py.HardLink):
                links.append((path, group, link))
                continue
            member = group[key]
            if address(member) in seen:
                continue  # another name of the same, or a way back to a group that holds it
            listed = _listed(path, member) if isinstance(member, h5py.Dataset) else None
            seen[address(member)] = listed
            if isinstance(member, h5py.Group):
                inside.append((f"{path}/", member))
            elif listed:
                yield listed
        waiting += reversed(inside)
    for path, group, link in links:
        yield linked(path, link, file, group, seen)


def _listed(path: str, dataset: h5py.Dataset) -> ArrayEntry:
    shape = dataset.shape
    try:
        dtype = dataset.dtype
    except TypeError as error:
        why = f"has a type that NumPy does not know: {error}. Save it as numbers"
        return ArrayEntry(Array(path, shape or (), "unknown"), np.dtype(object), why)
    shown = "fields" if dtype.names else "texts" if h5py.check_string_dtype(dtype) else str(dtype)
    if shape is None:
        return ArrayEntry(Array(path, (), shown), dtype, "is empty. Choose a dataset with values")
    if h5py.check_string_dtype(dtype) and dtype.kind == "O":
        return ArrayEntry(Array(path, shape, shown), _TEXTS, _why_storage(dataset))
    why = _why_type(dtype) or _why_storage(dataset)
    shown = str(dtype) if dtype.kind == "S" else shown
    return ArrayEntry(Array(path, shape, shown), dtype, why)


def _why_type(dtype: np.dtype) -> str:
    if dtype.kind != "O":
        return why_unusable(dtype)
    what = "references" if h5py.check_ref_dtype(dtype) else "values of variable length"
    return f"has {what}. Allowed: numbers, or texts of a fixed length. Save it as one array"


def _why_storage(dataset: h5py.Dataset) -> str:
    """Why its values cannot be read within bounds, or not from this file alone."""
    if dataset.is_virtual:
        return "is virtual: its values are in other files. Save the values themselves"
    if dataset.external:
        other = dataset.external[0][0]
        return f"has its values in another file, {other[:200]!r}. Save the values themselves"
    why = _why_filters(dataset)
    if why:
        return why
    declared = product(dataset.shape) * dataset.dtype.itemsize
    stored = dataset.id.get_storage_size()
    if declared and (not stored or is_bomb(declared, stored)):
        return (
            f"declares {size_text(declared)} and stores {size_text(stored)}: most of it was never "
            "written. Save it with the length that it has"
        )
    if dataset.chunks:
        chunk = product(dataset.chunks) * dataset.dtype.itemsize
        row = product(dataset.shape[1:]) * dataset.dtype.itemsize
        together = max(chunk, min(dataset.chunks[0], dataset.shape[0]) * row)
        if _is_packed(dataset) and together > _LARGEST_CHUNKS:
            return (
                f"has chunks of {dataset.chunks[0]:,} rows, which have to be unpacked together: "
                f"{size_text(together)}. Allowed: {size_text(_LARGEST_CHUNKS)}. Save it with "
                f"chunks={(max(1, BLOCK_BYTES // max(1, row)), *dataset.shape[1:])}"
            )
    return ""


def _why_filters(dataset: h5py.Dataset) -> str:
    settings = dataset.id.get_create_plist()
    found = [settings.get_filter(number) for number in range(settings.get_nfilters())]
    codes = [code for code, *_ in found]
    for code, *_, text in found:
        if code not in _FILTERS or not h5py.h5z.filter_avail(code):
            called = _PLUGINS.get(code) or text.decode("utf-8", "replace")[:100] or "unknown"
            return (
                f"is compressed with the filter {called} ({code}), which needs a plugin. Allowed: "
                "gzip, lzf, or none. Save it with compression='gzip'"
            )
    if len(set(codes)) < len(codes):
        return "is compressed more than once. Save it with compression='gzip'"
    return ""


def _is_packed(dataset: h5py.Dataset) -> bool:
    return bool(dataset.id.get_create_plist().get_nfilters())


def _rows_to_keep(dataset: h5py.Dataset) -> int:
    """How many rows are read together so that each chunk is unpacked once; 0 where none is packed.

    HDF5 keeps 1 MB of unpacked chunks, and unpacks larger ones anew for every slice.
    """
    if not dataset.chunks or not _is_packed(dataset):
        return 0
    rows = dataset.chunks[0]
    size = rows * product(dataset.shape[1:]) * dataset.dtype.itemsize
    return int(rows * max(1, BLOCK_BYTES // max(1, size)))


def _refuse_model(name: str, prefix: str, group: h5py.Group) -> None:
    marked = any(mark in group.attrs for mark in ("model_config", "layer_names", "layer_names0"))
    # Keras 3 writes layers/dense/vars/0
    if marked or prefix.endswith("/vars/"):
        raise DatasetError(
            f"{name} is not a dataset but a model: open it on the Models page. A dataset has an "
            "array of samples and one of targets."
        )


def _damaged(where: str, error: Exception) -> DatasetError:
    said = " ".join(str(error).split())[:200] or type(error).__name__
    return DatasetError(
        f"{where}: the file is not HDF5, or is cut off or damaged: {said!r}. Copy or save the "
        "whole file again."
    )


HDF5 = Hdf5Files()
