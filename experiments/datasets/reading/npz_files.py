"""NumPy's files: the arrays of a .npz are streamed out of the zip archive, never unpickled."""

import io
import re
import tokenize
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
from numpy.lib import format as npy

from experiments.datasets.reading.array_files import array_blocks, plan_arrays
from experiments.datasets.reading.array_source import (
    Listed,
    Rows,
    as_found,
    is_bomb,
    product,
    refuse_size,
    why_unusable,
)
from experiments.datasets.reading.found import Array, Arrays, Block, Found, Plan, Wanted
from experiments.errors import DatasetError
from experiments.model_files.limits import GB, size_text

_MOST_MEMBERS = 1000
_MOST_LOADED = GB  # of an array in Fortran order, whose rows are nowhere together
_HEADER_BYTES = 16_384  # NumPy reads headers of up to 10,000
_PIECE = 1 << 20
_ENCRYPTED = 0x1
_DAMAGES = (zipfile.BadZipFile, zlib.error, EOFError, OSError)
# The header is a Python literal, which may be nested too deep
_NO_HEADER = (
    ValueError, TypeError, SyntaxError, tokenize.TokenError, MemoryError, RecursionError,
)  # fmt: skip
_AGAIN = "Copy or save the whole file once more."


class _Header(NamedTuple):
    """What stands before the values of an array, and how many bytes that takes."""

    shape: tuple[int, ...]
    fortran_order: bool
    dtype: np.dtype
    size: int


class NpzFiles:
    """Reader of NumPy's arrays."""

    def look(self, path: Path, wanted: Wanted) -> Arrays:
        """The arrays in the file, by their headers."""
        if _is_npy(path):
            return Arrays((_look_at_npy(path).array,))
        with open_npz(path) as source:
            return as_found(source)

    def plan(self, path: Path, found: Found, wanted: Wanted) -> Plan:
        """What would be stored of it; a .npy is always refused, since it has no target."""
        if _is_npy(path):
            listed = _look_at_npy(path)
            name = f"{path.name} has one array, {listed}"
            if listed.unusable:
                raise DatasetError(f"{path.name}: the array {listed.unusable}.")
            raise DatasetError(
                f"{name}. Needed: a target for each sample as well. Save both in one file: "
                "np.savez('data.npz', x=x, y=y)."
            )
        with open_npz(path) as source:
            return plan_arrays(source, wanted)

    def blocks(self, path: Path, found: Found, plan: Plan, wanted: Wanted) -> Iterator[Block]:
        """The samples."""
        with open_npz(path) as source:
            yield from array_blocks(source, plan, wanted)


class NpzSource:
    """An open .npz."""

    def __init__(self, archive: zipfile.ZipFile, name: str, opened: ExitStack) -> None:
        self.name = name
        self._archive = archive
        self._opened = opened
        self._headers: dict[str, _Header] = {}
        members = archive.infolist()
        _check_members(name, members)
        self.arrays = tuple(self._listed(member) for member in members)

    def rows(self, path: str) -> Rows:
        """The rows of an array, streamed out of its member."""
        header = self._headers[path]
        stream = self._opened.enter_context(self._archive.open(f"{path}.npy"))
        where = f"{self.name}: {path}.npy"
        _read_bytes(stream, header.size, f"{where}, in its header")
        if header.fortran_order:
            size = product(header.shape) * header.dtype.itemsize
            values = _read_bytes(stream, size, where).view(header.dtype)
            return _slices(values.reshape(header.shape, order="F"))
        bytes_of_a_row = product(header.shape[1:]) * header.dtype.itemsize
        first = 0

        def following(count: int) -> np.ndarray:
            nonlocal first
            place = f"{where}, in the rows {first + 1:,} to {first + count:,} (from 1)"
            values = _read_bytes(stream, count * bytes_of_a_row, place)
            first += count
            return values.view(header.dtype).reshape(count, *header.shape[1:])

        return following

    def _listed(self, member: zipfile.ZipInfo) -> Listed:
        path = member.filename.removesuffix(".npy")
        where = f"{self.name}: {member.filename}"
        try:
            with self._archive.open(member) as stream:
                beginning = stream.read(_HEADER_BYTES)
        except _DAMAGES as error:
            raise _damaged(where, error) from None
        header = _read_header(beginning, where)
        _check_length(header, member.file_size, where)
        self._headers[path] = header
        return _as_listed(path, header, where)


@contextmanager
def open_npz(path: Path) -> Iterator[NpzSource]:
    """The file, its members and all headers checked; raises DatasetError."""
    with ExitStack() as opened:
        try:
            archive = opened.enter_context(zipfile.ZipFile(path))
        # The others: numbers of a damaged directory that no seek can take, and unknown versions
        except (*_DAMAGES, ValueError, OverflowError, NotImplementedError) as error:
            raise DatasetError(
                f"{path.name} is no NPZ file, or is cut off: {str(error)[:200]}. Save it with "
                "np.savez, or copy the whole file once more."
            ) from None
        try:
            source = NpzSource(archive, path.name, opened)
        except (ValueError, OverflowError, NotImplementedError, RuntimeError) as error:
            raise _damaged(path.name, error) from None
        yield source


def _check_members(name: str, members: list[zipfile.ZipInfo]) -> None:
    if not 1 <= len(members) <= _MOST_MEMBERS:
        raise DatasetError(
            f"{name} has {len(members):,} members. Allowed: 1 to {_MOST_MEMBERS:,}. Save the "
            "samples as one array x and the targets as one array y."
        )
    seen = set()
    for member in members:
        # zipfile cuts a name at a zero byte
        where = f"{name}: the member {member.orig_filename[:200]!r}"
        if _leads_out(member.orig_filename):
            raise DatasetError(f"{where} has a path that leads out of the archive. Rename it.")
        if not member.filename.endswith(".npy"):
            raise DatasetError(
                f"{where} is no array. Allowed: members that end with .npy, as np.savez writes "
                "them. Take it out; a zip of pictures has to end with .zip."
            )
        if member.filename in seen:
            raise DatasetError(f"{where} is there twice. Save each array under a name of its own.")
        seen.add(member.filename)
        if member.flag_bits & _ENCRYPTED:
            raise DatasetError(f"{where} is encrypted. Save it without a password.")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise DatasetError(
                f"{where} is packed with method {member.compress_type}. Allowed: stored and "
                "deflated. Save it with np.savez or np.savez_compressed."
            )
        if is_bomb(member.file_size, member.compress_size):
            raise DatasetError(
                f"{where} unpacks {size_text(member.compress_size)} to "
                f"{size_text(member.file_size)}. Above 1 GB, 200 to one are allowed. Save it with "
                "np.savez."
            )
    refuse_size(name, sum(member.file_size for member in members))


def _leads_out(name: str) -> bool:
    parts = name.split("/")
    odd = "\\" in name or "\0" in name or re.match(r"[A-Za-z]:", name)
    return bool(odd) or any(part in ("", ".", "..") for part in parts)


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
            f"{where} has no header of NumPy: {str(error)[:200]}. Save it with np.savez."
        ) from None
    if len(shape) > 32 or not all(0 <= length < 2**62 for length in shape):
        raise DatasetError(f"{where} declares the shape {str(shape)[:200]}. Save it with np.savez.")
    if dtype.hasobject:
        raise DatasetError(
            f"{where} holds Python objects, which are pickled and could run any code; none are "
            "read. Save numbers, or texts of a fixed length: np.array(values, dtype='float32'), "
            "np.array(labels, dtype='U')."
        )
    return _Header(shape, fortran_order, dtype, stream.tell())


def _check_length(header: _Header, length: int, where: str) -> None:
    needed = header.size + product(header.shape) * header.dtype.itemsize
    if needed != length:
        raise DatasetError(
            f"{where} has {length:,} bytes, and its header declares {needed:,} (shape "
            f"{header.shape}, {header.dtype}). {_AGAIN}"
        )


def _as_listed(path: str, header: _Header, where: str) -> Listed:
    unusable = why_unusable(header.dtype)
    size = product(header.shape) * header.dtype.itemsize
    if header.fortran_order and size > _MOST_LOADED:
        unusable = (
            f"has {size_text(size)} in Fortran order, which has to be loaded whole. Allowed: "
            f"{size_text(_MOST_LOADED)}. Save np.ascontiguousarray of it"
        )
    dtype = str(header.dtype) if not header.dtype.names else "fields"
    return Listed(Array(path, header.shape, dtype), header.dtype, unusable)


def _is_npy(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(npy.MAGIC_PREFIX)) == npy.MAGIC_PREFIX


def _look_at_npy(path: Path) -> Listed:
    with path.open("rb") as file:
        header = _read_header(file.read(_HEADER_BYTES), path.name)
    _check_length(header, path.stat().st_size, path.name)
    refuse_size(path.name, path.stat().st_size)
    return _as_listed(path.stem, header, path.name)


def _read_bytes(stream: IO[bytes], size: int, where: str) -> np.ndarray:
    """The next bytes of a member (uint8); raises DatasetError where there are none."""
    values = np.empty(size, np.uint8)
    at = 0
    try:
        while at < size:
            piece = stream.read(min(_PIECE, size - at))
            if not piece:
                raise EOFError(f"it ends after {at:,} of {size:,} bytes")
            values[at : at + len(piece)] = np.frombuffer(piece, np.uint8)
            at += len(piece)
    except _DAMAGES as error:
        raise _damaged(where, error) from None
    return values


def _slices(values: np.ndarray) -> Rows:
    first = 0

    def following(count: int) -> np.ndarray:
        nonlocal first
        first += count
        return np.ascontiguousarray(values[first - count : first])

    return following


def _damaged(where: str, error: Exception) -> DatasetError:
    said = str(error)[:200] or type(error).__name__
    return DatasetError(f"{where}: the file is damaged: {said}. {_AGAIN}")


NPZ = NpzFiles()
