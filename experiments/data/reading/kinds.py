"""What a file can be: the one table of kinds, and which of them a file is."""

from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from experiments.core.errors import DatasetError
from experiments.data.reading.reader import Reader


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

_LONGEST = 8
# First bytes, what they are of, and the kind that reads it ("" where none does)
_SIGNS = (
    (b"PAR1", "Parquet", "parquet"),
    (b"\x89HDF\r\n\x1a\n", "HDF5", "hdf5"),
    (b"\x93NUMPY", "one array of NumPy (.npy)", "npy"),
    (b"PK\x03\x04", "a zip archive (as NPZ, Excel and zips of images are)", ""),
    (b"\x1f\x8b", "packed with gzip", ""),
    (b"BZh", "packed with bzip2", ""),
    (b"\xfd7zXZ\0", "packed with xz", ""),
    (b"7z\xbc\xaf'\x1c", "packed with 7-Zip", ""),
    (b"%PDF-", "a PDF", ""),
    (b"\x89PNG\r\n\x1a\n", "one image (PNG)", ""),
    (b"\xff\xd8\xff", "one image (JPEG)", ""),
    (b"GIF8", "one image (GIF)", ""),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel or Word file", ""),
    (b"SQLite f", "an SQLite database", ""),
)
_ZIP = b"PK\x03\x04"


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
        raise DatasetError(f"No such file or folder: {path}.")
    kind = kind or kind_by_name(path)
    if kind is None:
        raise DatasetError(
            f"Received {path.name!r}. Allowed: files that end with {', '.join(SUFFIXES)}, or a "
            "folder of .npy files, or with one folder of images for each class. Rename it, or "
            f"say what it is: --kind {', '.join(KINDS)}."
        )
    _refuse_other(path, kind)
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


def _refuse_other(path: Path, kind: str) -> None:
    """Raise DatasetError where a file is certainly of another kind than it is to be read as."""
    with path.open("rb") as file:
        beginning = file.read(_LONGEST)
    for sign, what, its_kind in _SIGNS:
        if not beginning.startswith(sign) or its_kind == kind:
            continue
        if sign == _ZIP and kind in ("npz", "images"):
            continue
        advice = (
            f"Name it so, or say --kind {its_kind}."
            if its_kind
            else "Unpack it, or save what is in it in one of these kinds."
        )
        raise DatasetError(
            f"{path.name} is to be read as {kind}, and is {what}. Allowed: "
            f"{kinds_in_words()}. {advice}"
        )
