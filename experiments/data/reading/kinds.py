"""What a file can be: the one table of kinds, and which of them a file is."""

from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from experiments.core.errors import DatasetError
from experiments.data.reading.reader import Reader
from experiments.data.reading.signatures import refuse_other


class FileKind(NamedTuple):
    """A kind of files as ``--kind`` names it, and in words; ``uploaded`` says what a browser can
    send of it where that is less. ``reader`` is a name in a module of this package."""

    name: str
    words: str
    suffixes: tuple[str, ...]
    reader: tuple[str, str]
    uploaded: str = ""

    def load_reader(self) -> Reader:
        """Its reader, which is imported only when it is needed."""
        module, name = self.reader
        found: Reader = getattr(import_module(f"experiments.data.reading.{module}"), name)
        return found


KINDS = {
    kind.name: kind
    for kind in (
        FileKind("csv", "CSV, TSV", (".csv", ".tsv", ".txt"), ("text.csv_files", "CSV")),
        FileKind("parquet", "Parquet", (".parquet", ".pq"), ("parquet.parquet_files", "PARQUET")),
        FileKind("npz", "NPZ", (".npz",), ("arrays.npz_files", "NPZ")),
        FileKind("hdf5", "HDF5", (".h5", ".hdf5"), ("arrays.hdf5_files", "HDF5")),
        FileKind(
            "images", "a zip or folder of images in class folders", (".zip",),
            ("images.image_files", "IMAGES"), uploaded="a zip of images in class folders",
        ),
        FileKind(
            "npy", "a folder of .npy files", (".npy",), ("arrays.npy_files", "NPY"),
            uploaded="`x.npy` and `y.npy` at once",
        ),
    )
}  # fmt: skip
_BY_SUFFIX = {suffix: kind.name for kind in KINDS.values() for suffix in kind.suffixes}
#: How the names of files end that can be read.
SUFFIXES = tuple(_BY_SUFFIX)


def kinds_in_words(*, uploaded: bool = False) -> str:
    """What can be read, or ``uploaded`` with a browser, as part of a sentence."""
    *words, last = [(uploaded and kind.uploaded) or kind.words for kind in KINDS.values()]
    return f"{', '.join(words)}, or {last}"


def kind_by_name(path: Path) -> str | None:
    """What a file is by how its name ends, a key of KINDS; None where that says nothing."""
    return _BY_SUFFIX.get(path.suffix.lower())


def reader_of(path: Path, kind: str | None = None) -> Reader:
    """The reader of a file or folder; raises DatasetError where there is none."""
    if path.is_symlink():
        raise DatasetError(f"{path} is a link. Name the file or folder itself.")
    if path.is_dir():
        return _reader_of_folder(path, kind)
    if not path.is_file():
        raise DatasetError(f"{path} is no file and no folder. Name one that is there.")
    kind = kind or kind_by_name(path)
    if kind is None:
        raise DatasetError(
            f"Received {path.name!r}. Allowed: files that end with {', '.join(SUFFIXES)}, or a "
            "folder of .npy files, or with one folder of images for each class. Rename it, or "
            f"say what it is: --kind {', '.join(KINDS)}."
        )
    refuse_other(path, kind, allowed=kinds_in_words())
    return KINDS[kind].load_reader()


def _reader_of_folder(folder: Path, kind: str | None) -> Reader:
    from experiments.data.reading.arrays.npy_files import npy_in

    kind = kind or ("npy" if npy_in(folder) else "images")
    if kind not in ("npy", "images"):
        raise DatasetError(
            f"{folder.name} is a folder, and was to be read as {kind}. Allowed for a folder: npy "
            "and images. Name the file in it, or leave the kind out."
        )
    return KINDS[kind].load_reader()
