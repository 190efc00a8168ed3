"""Arrays that are each written as NumPy's .npy: the members of an archive, the files of a folder.

They are read in rows, never whole (but for Fortran order), and never unpickled.
"""

import io
import tokenize
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, ExitStack
from typing import IO, NamedTuple

import numpy as np
from numpy.lib import format as npy

from experiments.core.errors import DatasetError
from experiments.core.sizes import GB, size_text
from experiments.data.reading.arrays.array_source import ArrayEntry, Rows, product, why_unusable
from experiments.data.reading.reader import Array

#: Arrays of one archive or folder.
MOST_MEMBERS = 1000
#: What reading raises where a file is damaged.
DAMAGES = (zipfile.BadZipFile, zlib.error, EOFError, OSError)

_MOST_LOADED = GB  # of an array in Fortran order, whose rows are nowhere together
_HEADER_BYTES = 16_384  # NumPy reads headers of up to 10,000
_PIECE = 1 << 20
# The header is a Python literal, which may be nested too deep
_NO_HEADER = (
    ValueError, TypeError, SyntaxError, tokenize.TokenError, MemoryError, RecursionError,
)  # fmt: skip
_AGAIN = "Copy or save the whole file again."


class Member(NamedTuple):
    """One .npy: the name of its array, what messages call it, its size in bytes, how to open it."""

    path: str
    where: str
    size: int
    open: Callable[[], AbstractContextManager[IO[bytes]]]


class _Header(NamedTuple):
    """What stands before the values of an array, and how many bytes that takes."""

    shape: tuple[int, ...]
    fortran_order: bool
    dtype: np.dtype
    size: int


class NpySource:
    """See array_source.ArraySource. Streams are closed with ``opened``; all headers are checked
    here, and DatasetError is raised for one that is none."""

    def __init__(self, name: str, members: Iterable[Member], opened: ExitStack) -> None:
        self.name = name
        self._opened = opened
        self._members = {member.path: member for member in members}
        self._headers: dict[str, _Header] = {}
        self.arrays = tuple(map(self._listed, self._members.values()))

    def rows(self, path: str) -> Rows:
        """The rows of an array, streamed out of its file."""
        header, member = self._headers[path], self._members[path]
        try:
            stream = self._opened.enter_context(member.open())
        except DAMAGES as error:
            raise damaged(member.where, error) from None
        _read_bytes(stream, header.size, f"{member.where}, in its header")
        if header.fortran_order:
            size = product(header.shape) * header.dtype.itemsize
            values = _read_bytes(stream, size, member.where).view(header.dtype)
            return _slices(values.reshape(header.shape, order="F"))
        bytes_of_a_row = product(header.shape[1:]) * header.dtype.itemsize
        first = 0

        def following(count: int) -> np.ndarray:
            nonlocal first
            place = f"{member.where}, in the rows {first + 1:,} to {first + count:,} (from 1)"
            values = _read_bytes(stream, count * bytes_of_a_row, place)
            first += count
            return values.view(header.dtype).reshape(count, *header.shape[1:])

        return following

    def _listed(self, member: Member) -> ArrayEntry:
        try:
            with member.open() as stream:
                beginning = stream.read(_HEADER_BYTES)
        except DAMAGES as error:
            raise damaged(member.where, error) from None
        header = _read_header(beginning, member.where)
        _check_length(header, member)
        self._headers[member.path] = header
        return _as_listed(member.path, header)


def damaged(where: str, error: Exception) -> DatasetError:
    """What to say of a file that breaks off while it is read."""
    said = str(error)[:200] or type(error).__name__
    return DatasetError(f"{where}: the file is damaged: {said}. {_AGAIN}")


def _read_header(beginning: bytes, where: str) -> _Header:
    stream = io.BytesIO(beginning)  # bounded: version 2 can declare a header of 4 GB
    try:
        version = npy.read_magic(stream)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # written by Python 2
            if version == (1, 0):
                shape, fortran_order, dtype = npy.read_array_header_1_0(stream)
            elif version == (2, 0):
                shape, fortran_order, dtype = npy.read_array_header_2_0(stream)
            else:
                raise ValueError(f"version {version[0]}.{version[1]}, allowed: 1.0 and 2.0")
    except _NO_HEADER as error:
        raise DatasetError(
            f"{where} has no header of NumPy: {str(error)[:200]}. Save it with np.save or np.savez."
        ) from None
    if len(shape) > 32 or not all(0 <= length < 2**62 for length in shape):
        raise DatasetError(
            f"{where} declares the shape {str(shape)[:200]}. Save it with np.save or np.savez."
        )
    if dtype.hasobject:
        raise DatasetError(
            f"{where} holds Python objects, which are pickled and could run any code; none are "
            "read. Save numbers, or texts of a fixed length: np.array(values, dtype='float32'), "
            "np.array(labels, dtype='U')."
        )
    return _Header(shape, fortran_order, dtype, stream.tell())


def _check_length(header: _Header, member: Member) -> None:
    needed = header.size + product(header.shape) * header.dtype.itemsize
    if needed != member.size:
        raise DatasetError(
            f"{member.where} has {member.size:,} bytes, and its header declares {needed:,} (shape "
            f"{header.shape}, {header.dtype}). {_AGAIN}"
        )


def _as_listed(path: str, header: _Header) -> ArrayEntry:
    unusable = why_unusable(header.dtype)
    size = product(header.shape) * header.dtype.itemsize
    if header.fortran_order and size > _MOST_LOADED:
        unusable = (
            f"has {size_text(size)} in Fortran order, which has to be loaded whole. Allowed: "
            f"{size_text(_MOST_LOADED)}. Save np.ascontiguousarray of it"
        )
    dtype = str(header.dtype) if not header.dtype.names else "fields"
    return ArrayEntry(Array(path, header.shape, dtype), header.dtype, unusable)


def _read_bytes(stream: IO[bytes], size: int, where: str) -> np.ndarray:
    """The next bytes of a stream (uint8); raises DatasetError where there are none."""
    values = np.empty(size, np.uint8)
    at = 0
    try:
        while at < size:
            piece = stream.read(min(_PIECE, size - at))
            if not piece:
                raise EOFError(f"it ends after {at:,} of {size:,} bytes")
            values[at : at + len(piece)] = np.frombuffer(piece, np.uint8)
            at += len(piece)
    except DAMAGES as error:
        raise damaged(where, error) from None
    return values


def _slices(values: np.ndarray) -> Rows:
    first = 0

    def following(count: int) -> np.ndarray:
        nonlocal first
        first += count
        return np.ascontiguousarray(values[first - count : first])

    return following
