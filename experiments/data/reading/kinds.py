"""Which reader a file is for: by its name, unless the user says what it is."""

from collections.abc import Callable
from pathlib import Path

from experiments.core.errors import DatasetError
from experiments.data.reading.reader import Reader
from experiments.data.reading.signatures import refuse_other


def _csv() -> Reader:
    from experiments.data.reading.text.csv_files import CSV

    return CSV


def _parquet() -> Reader:
    from experiments.data.reading.parquet.parquet_files import PARQUET

    return PARQUET


def _npy() -> Reader:
    from experiments.data.reading.arrays.npy_files import NPY

    return NPY


def _npz() -> Reader:
    from experiments.data.reading.arrays.npz_files import NPZ

    return NPZ


def _hdf5() -> Reader:
    from experiments.data.reading.arrays.hdf5_files import HDF5

    return HDF5


def _images() -> Reader:
    from experiments.data.reading.images.image_files import IMAGES

    return IMAGES


#: What a file can be -> its reader, imported when it is needed.
KINDS: dict[str, Callable[[], Reader]] = {
    "csv": _csv, "parquet": _parquet, "npy": _npy, "npz": _npz, "hdf5": _hdf5, "images": _images,
}  # fmt: skip
_BY_SUFFIX = {
    ".csv": "csv", ".tsv": "csv", ".txt": "csv", ".parquet": "parquet", ".pq": "parquet",
    ".npz": "npz", ".npy": "npy", ".h5": "hdf5", ".hdf5": "hdf5", ".zip": "images",
}  # fmt: skip
#: How the names of files end that can be read.
SUFFIXES = tuple(_BY_SUFFIX)


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
    refuse_other(path, kind)
    return KINDS[kind]()


def _reader_of_folder(folder: Path, kind: str | None) -> Reader:
    from experiments.data.reading.arrays.npy_files import npy_in

    kind = kind or ("npy" if npy_in(folder) else "images")
    if kind not in ("npy", "images"):
        raise DatasetError(
            f"{folder.name} is a folder, and was to be read as {kind}. Allowed for a folder: npy "
            "and images. Name the file in it, or leave the kind out."
        )
    return KINDS[kind]()
