"""NumPy's .npy files: those of a folder together, or one and those beside it that are named."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from experiments.core.errors import DatasetError
from experiments.data.reading.arrays.array_files import array_blocks, plan_arrays
from experiments.data.reading.arrays.array_source import as_found, refuse_size
from experiments.data.reading.arrays.npy_source import MOST_MEMBERS, Member, NpySource
from experiments.data.reading.reader import Arrays, Block, FileContents, Plan, ReadOptions

SUFFIX = ".npy"


class NpyFiles:
    """Reader of arrays in files of their own, each named by its file without the suffix.

    They can be larger than memory, as those that are opened as memory maps: rows are read in
    blocks. They are not mapped, since a file that shrinks meanwhile would end the process.
    """

    def look(self, path: Path, wanted: ReadOptions) -> Arrays:
        """The arrays in the files, by their headers."""
        with open_npy(path, wanted) as source:
            return as_found(source)

    def plan(self, path: Path, found: FileContents, wanted: ReadOptions) -> Plan:
        """What would be stored of them."""
        with open_npy(path, wanted) as source:
            if path.is_file() and len(source.arrays) == 1 and not source.arrays[0].unusable:
                raise DatasetError(
                    f"{path.name} has one array, {source.arrays[0]}. Needed: a target for each "
                    "sample as well. Put the targets beside it as y.npy, and give the folder of "
                    "both, or on the page both files at once; or name the file: --target y.npy."
                )
            return plan_arrays(source, _by_array(wanted))

    def blocks(
        self, path: Path, found: FileContents, plan: Plan, wanted: ReadOptions
    ) -> Iterator[Block]:
        """The samples."""
        with open_npy(path, wanted) as source:
            yield from array_blocks(source, plan, _by_array(wanted))


def is_npy(name: str) -> bool:
    """Whether a file's name says that it is one array."""
    return name.lower().endswith(SUFFIX)


def npy_in(folder: Path) -> list[Path]:
    """The .npy files in the folder itself, sorted, hidden ones aside; raises DatasetError."""
    try:
        files = list(folder.iterdir())
    except OSError as error:
        raise DatasetError(
            f"{folder} cannot be read: {error.strerror}. Allow this user to read it, or name "
            "another one."
        ) from None
    return sorted(file for file in files if is_npy(file.name) and not file.name.startswith("."))


@contextmanager
def open_npy(path: Path, wanted: ReadOptions) -> Iterator[NpySource]:
    """The .npy files of a folder; or a file, and beside it those that are wanted as target, group
    or time. All headers are checked; raises DatasetError."""
    files = _in_folder(path) if path.is_dir() else _with_named(path, wanted)
    with ExitStack() as opened:
        inside = f"{path.name}/" if path.is_dir() else ""
        members = [_as_member(file, f"{inside}{file.name}") for file in files]
        refuse_size(path.name, sum(member.size for member in members))
        yield NpySource(path.name, members, opened)


def _in_folder(folder: Path) -> list[Path]:
    files = npy_in(folder)
    if not 1 <= len(files) <= MOST_MEMBERS:
        raise DatasetError(
            f"{folder.name} has {len(files):,} files that end with {SUFFIX}. Allowed: 1 to "
            f"{MOST_MEMBERS:,}. Save the samples as x.npy and the targets as y.npy."
        )
    return files


def _with_named(path: Path, wanted: ReadOptions) -> list[Path]:
    names = (wanted.target, wanted.group, wanted.time)
    files = [name if is_npy(name) else f"{name}{SUFFIX}" for name in names if name]
    return list(dict.fromkeys([path, *(path.parent / file for file in files)]))


def _as_member(file: Path, where: str) -> Member:
    if file.is_symlink():
        raise DatasetError(f"{where} is a link. Put the file itself there.")
    if not file.is_file():
        raise DatasetError(f"No such file: {where}.")
    return Member(file.stem, where, file.stat().st_size, lambda: file.open("rb"))


def _by_array(wanted: ReadOptions) -> ReadOptions:
    """The same, with the names of arrays where those of files are given."""
    return replace(
        wanted, target=_array(wanted.target), group=_array(wanted.group), time=_array(wanted.time),
        features=tuple(map(_array, wanted.features)),
    )  # fmt: skip


def _array(name: str) -> str:
    return name[: -len(SUFFIX)] if is_npy(name) else name


NPY = NpyFiles()
