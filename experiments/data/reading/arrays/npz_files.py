"""NumPy's .npz: its arrays are streamed out of the zip archive."""

import re
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from experiments.core.errors import DatasetError
from experiments.core.sizes import size_text
from experiments.data.reading.arrays.array_files import array_blocks, plan_arrays
from experiments.data.reading.arrays.array_source import as_found, is_bomb, refuse_size
from experiments.data.reading.arrays.npy_source import (
    DAMAGES,
    MOST_MEMBERS,
    Member,
    NpySource,
    damaged,
)
from experiments.data.reading.reader import Arrays, Block, FileContents, Plan, ReadOptions

_ENCRYPTED = 0x1


class NpzFiles:
    """Reader of NumPy's archives."""

    def look(self, path: Path, wanted: ReadOptions) -> Arrays:
        """The arrays in the file, by their headers."""
        with open_npz(path) as source:
            return as_found(source)

    def plan(self, path: Path, found: FileContents, wanted: ReadOptions) -> Plan:
        """What would be stored of it."""
        with open_npz(path) as source:
            return plan_arrays(source, wanted)

    def blocks(
        self, path: Path, found: FileContents, plan: Plan, wanted: ReadOptions
    ) -> Iterator[Block]:
        """The samples."""
        with open_npz(path) as source:
            yield from array_blocks(source, plan, wanted)


@contextmanager
def open_npz(path: Path) -> Iterator[NpySource]:
    """The file, its members and all headers checked; raises DatasetError."""
    with ExitStack() as opened:
        try:
            archive = opened.enter_context(zipfile.ZipFile(path))
        # The others: numbers of a damaged directory that no seek can take, and unknown versions
        except (*DAMAGES, ValueError, OverflowError, NotImplementedError) as error:
            raise DatasetError(
                f"{path.name} is not an NPZ file, or is cut off: {str(error)[:200]}. Save it with "
                "np.savez, or copy the whole file again."
            ) from None
        members = archive.infolist()
        _check_members(path.name, members)
        try:
            source = NpySource(path.name, (_as_member(archive, m) for m in members), opened)
        except (ValueError, OverflowError, NotImplementedError, RuntimeError) as error:
            raise damaged(path.name, error) from None
        yield source


def _as_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Member:
    name = Path(archive.filename or "").name
    return Member(
        member.filename.removesuffix(".npy"), f"{name}: {member.filename}", member.file_size,
        partial(archive.open, member),
    )  # fmt: skip


def _check_members(name: str, members: list[zipfile.ZipInfo]) -> None:
    if not 1 <= len(members) <= MOST_MEMBERS:
        raise DatasetError(
            f"{name} has {len(members):,} members. Allowed: 1 to {MOST_MEMBERS:,}. Save the "
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
                f"{where} is not an array. Allowed: members that end with .npy, as np.savez writes "
                "them. Take it out; a zip of images has to end with .zip."
            )
        if member.filename in seen:
            raise DatasetError(f"{where} appears twice. Save each array under a name of its own.")
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


NPZ = NpzFiles()
