"""What a file is by its first bytes, whatever it is called."""

from pathlib import Path

from experiments.core.errors import DatasetError

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


def refuse_other(path: Path, kind: str, allowed: str) -> None:
    """Raise DatasetError where a file is certainly of another kind than it is to be read as;
    ``allowed`` are the kinds in words."""
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
            f"{path.name} is to be read as {kind}, and is {what}. Allowed: {allowed}. {advice}"
        )
