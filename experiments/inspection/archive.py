"""The zip archive that a .keras file is, checked before anything of it is unpacked."""

import io
import re
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import h5py

from experiments.core.errors import ModelFileError
from experiments.core.sizes import size_text
from experiments.inspection.checked_hdf5 import open_hdf5
from experiments.inspection.file_limits import (
    MAX_CONFIG_BYTES,
    MAX_DECLARED_BYTES,
    MAX_MEMBERS,
    refuse_expansion,
)

SIGNATURE = b"PK\x03\x04"
WEIGHTS = "model.weights.h5"
CONFIG = "config.json"
METADATA = "metadata.json"

_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_ENCRYPTED = 0x1


@contextmanager
def open_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """The archive, open for reading, its members checked by name and size.

    Raises ModelFileError for what is no zip archive and for members that Keras does not write or
    that are larger than the limits.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check_members(archive, path.name)
            yield archive
    # OverflowError and ValueError: numbers of a damaged directory that no seek can take.
    except (zipfile.BadZipFile, EOFError, NotImplementedError, ValueError, OverflowError) as error:
        raise ModelFileError(
            f"{path.name} is a damaged or cut off archive: {str(error)[:200]}; get the complete "
            "file again."
        ) from None


def _check_members(archive: zipfile.ZipFile, name: str) -> None:
    members = archive.infolist()
    if len(members) > MAX_MEMBERS:
        raise ModelFileError(f"{name} has {len(members):,} members, allowed: {MAX_MEMBERS:,}.")
    seen: set[str] = set()
    total = 0
    for member in members:
        where = f"{name}: the member {member.orig_filename[:200]!r}"
        _check_name(member, where)
        if member.filename in seen:
            raise ModelFileError(f"{where} appears twice.")
        seen.add(member.filename)
        if member.flag_bits & _ENCRYPTED:
            raise ModelFileError(f"{where} is encrypted.")
        if member.compress_type not in _METHODS:
            raise ModelFileError(
                f"{where} is packed with method {member.compress_type}, allowed: stored, deflated."
            )
        if member.filename in (CONFIG, METADATA) and member.file_size > MAX_CONFIG_BYTES:
            raise ModelFileError(
                f"{where} has {size_text(member.file_size)}, "
                f"allowed: {size_text(MAX_CONFIG_BYTES)}."
            )
        refuse_expansion(where, member.file_size, member.compress_size)
        total += member.file_size
        if total > MAX_DECLARED_BYTES:
            raise ModelFileError(
                f"{name} unpacks to more than {size_text(MAX_DECLARED_BYTES)} "
                f"(reached at {member.filename!r}); no more is allowed."
            )
    missing = {CONFIG, WEIGHTS} - seen
    if missing:
        raise ModelFileError(
            f"{name} is an archive without {' and '.join(sorted(missing))}, so it is not a .keras "
            f"model; it has {', '.join(sorted(seen)[:5]) or 'no members'}."
        )


def _check_name(member: zipfile.ZipInfo, where: str) -> None:
    # zipfile cuts a name at a zero byte and turns backslashes around on Windows.
    name = member.orig_filename
    parts = name.rstrip("/").split("/")
    if name.startswith("/") or "\\" in name or "\0" in name or re.match(r"[A-Za-z]:", name):
        raise ModelFileError(f"{where} has a path that leads out of the archive.")
    if ".." in parts or "." in parts or "" in parts:
        raise ModelFileError(f"{where} has a path that leads out of the archive.")
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise ModelFileError(f"{where} is a link or a device, allowed: files.")
    if name.endswith(".npz"):
        raise ModelFileError(f"{where} is a NumPy archive, allowed for weights: {WEIGHTS}.")
    if parts[0] != "assets" and name not in (CONFIG, METADATA, WEIGHTS):
        raise ModelFileError(
            f"{where} is not one that Keras writes; allowed: {METADATA}, {CONFIG}, {WEIGHTS}, "
            "assets."
        )


def read_member(archive: zipfile.ZipFile, name: str) -> bytes:
    """A small member (config.json, metadata.json), whole; empty where it is missing."""
    if name not in archive.namelist():
        return b""
    with archive.open(name) as file:
        content = file.read(MAX_CONFIG_BYTES + 1)
    if len(content) > MAX_CONFIG_BYTES:
        raise ModelFileError(f"{name} has more than {size_text(MAX_CONFIG_BYTES)}.")
    return content


@contextmanager
def open_weights(archive: zipfile.ZipFile, path: Path) -> Iterator[h5py.File]:
    """The archive's model.weights.h5, scanned.

    Stored members, which Keras writes, are read in place; others are unpacked to a temporary file:
    HDF5 jumps about, and zipfile goes back only by starting anew.
    """
    member = archive.getinfo(WEIGHTS)
    name = f"{path.name}: {WEIGHTS}"
    if member.compress_type == zipfile.ZIP_STORED:
        with path.open("rb") as file, open_hdf5(_inside(file, member), name) as weights:
            yield weights
        return
    with tempfile.TemporaryFile() as unpacked, archive.open(member) as packed:
        left = member.file_size
        while left and (block := packed.read(min(left, 1 << 20))):
            unpacked.write(block)
            left -= len(block)
        with open_hdf5(unpacked, name) as weights:
            yield weights


def _inside(file: IO[bytes], member: zipfile.ZipInfo) -> IO[bytes]:
    file.seek(member.header_offset + 26)
    lengths = file.read(4)
    start = member.header_offset + 30
    start += int.from_bytes(lengths[:2], "little") + int.from_bytes(lengths[2:], "little")
    return io.BufferedReader(_Part(file, start, member.file_size))


class _Part(io.RawIOBase):
    """A part of an open file, as a file of its own."""

    def __init__(self, file: IO[bytes], start: int, size: int) -> None:
        self.file, self.start, self.size, self.position = file, start, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self.position, io.SEEK_END: self.size}[whence]
        self.position = max(0, base + offset)
        return self.position

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        length = max(0, min(len(view), self.size - self.position))
        self.file.seek(self.start + self.position)
        content = self.file.read(length)
        view[: len(content)] = content
        self.position += len(content)
        return len(content)
