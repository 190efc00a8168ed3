"""A zip archive from a stranger: refused as a whole unless every member is a plain file of a sane
size; members are read as streams, none is ever written to disk."""

import re
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from experiments.core.errors import DatasetError
from experiments.data.reading.images.image_members import (
    LARGEST_FILE,
    MOST_MEMBERS,
    BadPartError,
    is_hidden,
    told,
)

_MOST_BYTES = 20 * 1000**3  # of all members together, as declared
_MOST_DIRECTORY_BYTES = 256 * 1000**2  # zipfile makes an object of each entry before any check
_RATIO = 100  # of bytes unpacked to packed …
_RATIO_FROM = 10 * 1000**2  # … for members over so many bytes
_LONGEST_NAME = 255  # characters of a file's or folder's name
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_ENCRYPTED = 0x1
_NESTED = tuple(".zip .tar .gz .tgz .bz2 .tbz2 .xz .txz .zst .7z .rar .jar".split())


class _Archive:
    """The checked members of an open archive."""

    def __init__(self, archive: zipfile.ZipFile, name: str) -> None:
        self._archive = archive
        members = archive.infolist()
        _check_all(members, name)
        shown = [member for member in members if not is_hidden(member.filename.rstrip("/"))]
        self.files = [member.filename for member in shown if not member.is_dir()]
        self.folders = [member.filename.rstrip("/") for member in shown if member.is_dir()]

    def read(self, file: str) -> bytes:
        member = self._archive.getinfo(file)
        try:
            with self._archive.open(member) as stream:
                content = stream.read(member.file_size)
                # Only at the end of the stream does zipfile compare the checksum.
                longer = stream.read(1)
        # NotImplementedError, RuntimeError: a local header that contradicts the directory.
        except (
            zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError,
        ) as error:  # fmt: skip
            raise BadPartError(f"damaged in the archive: {told(str(error)[:200])}") from None
        if longer or len(content) != member.file_size:
            raise BadPartError(f"not of the declared size, {member.file_size:,} bytes")
        return content


@contextmanager
def open_archive(path: Path) -> Iterator[_Archive]:
    """The members of a zip archive; raises DatasetError where it, or any member, is unsafe."""
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(-min(file.tell(), 1 << 17), 2)
            _check_directory(file.read(), path.name)
        archive = zipfile.ZipFile(path)
    # NotImplementedError, ValueError, OverflowError: numbers and names of a damaged directory.
    except (
        zipfile.BadZipFile, EOFError, OSError, NotImplementedError, ValueError, OverflowError,
    ) as error:  # fmt: skip
        raise DatasetError(
            f"{path.name} is not a zip archive, or is damaged or cut off: {told(str(error)[:200])}."
            " Get the complete file again, or give the folder itself."
        ) from None
    with archive:
        yield _Archive(archive, path.name)


def _check_directory(tail: bytes, name: str) -> None:
    """Refuse a directory that is too large, from the end records in an archive's last bytes."""
    for end in re.finditer(b"PK\x05\x06", tail):
        at = end.start()
        size = int.from_bytes(tail[at + 12 : at + 16], "little")
        record = tail[max(0, at - 76) : max(0, at - 20)]
        if record.startswith(b"PK\x06\x06"):
            size = int.from_bytes(record[40:48], "little")
        if size > _MOST_DIRECTORY_BYTES:
            raise DatasetError(
                f"{name} has a directory of {size / 1e6:,.0f} MB, more than {MOST_MEMBERS:,} "
                f"members need; allowed: {_MOST_DIRECTORY_BYTES // 1000**2} MB. Give a part of it."
            )


def _check_all(members: list[zipfile.ZipInfo], archive: str) -> None:
    if len(members) > MOST_MEMBERS:
        raise DatasetError(
            f"{archive} has {len(members):,} members, allowed: {MOST_MEMBERS:,}. Give a part of it."
        )
    seen: set[str] = set()
    total = 0
    for member in members:
        where = f"{archive}: the member {told(member.orig_filename[:300])!r}"
        _check_name(member, where)
        name = member.filename.rstrip("/")
        if name in seen:
            raise DatasetError(f"{where} appears twice. Create the archive again.")
        seen.add(name)
        _check_packing(member, where)
        total += member.file_size
        if total > _MOST_BYTES:
            raise DatasetError(
                f"{archive} unpacks to more than {_MOST_BYTES // 1000**3} GB (reached at "
                f"{told(name)!r}); no more is allowed. Give a folder on the server instead."
            )


def _check_name(member: zipfile.ZipInfo, where: str) -> None:
    name = member.orig_filename  # before zipfile cuts it at a zero byte
    parts = name.removesuffix("/").split("/")
    leads_out = name.startswith("/") or "\\" in name or re.match(r"[A-Za-z]:", name)
    if leads_out or {"..", ".", ""} & set(parts):
        raise DatasetError(
            f"{where} has a path that can lead out of the archive. Allowed: plain folder and file "
            "names divided by /. Create the archive again."
        )
    if any(c < " " for c in name) or max(map(len, parts)) > _LONGEST_NAME:
        raise DatasetError(
            f"{where} has control characters in its name, or more than {_LONGEST_NAME} characters. "
            "Rename the file and create the archive again."
        )
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise DatasetError(
            f"{where} is a link or a device. Allowed: files and folders; put the file itself in."
        )
    if name.lower().endswith(_NESTED) and not is_hidden(name):
        raise DatasetError(
            f"{where} is an archive inside the archive. Unpack it first, and zip the folders."
        )


def _check_packing(member: zipfile.ZipInfo, where: str) -> None:
    if member.flag_bits & _ENCRYPTED:
        raise DatasetError(f"{where} is encrypted. Create the archive again without a password.")
    if member.compress_type not in _METHODS:
        raise DatasetError(
            f"{where} is packed with method {member.compress_type}. Allowed: stored, deflated; "
            "create the archive again."
        )
    size, packed = member.file_size, member.compress_size
    if size > LARGEST_FILE:
        raise DatasetError(
            f"{where} has {size / 1e6:,.0f} MB, allowed: {LARGEST_FILE // 1000**2} MB. Leave it "
            "out, or make it smaller."
        )
    if size > _RATIO_FROM and size > _RATIO * packed:
        raise DatasetError(
            f"{where} would unpack {packed:,} bytes to {size:,}, allowed over "
            f"{_RATIO_FROM // 1000**2} MB: {_RATIO} times as many. Leave it out."
        )
