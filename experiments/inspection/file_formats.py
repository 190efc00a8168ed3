"""Which format a model file has, by its content; its name says nothing."""

import os
import stat
import zipfile
from enum import StrEnum
from pathlib import Path

import h5py

from experiments.core.errors import ModelFileError
from experiments.inspection import archive, checked_hdf5

ALLOWED = (
    "allowed: a whole model (.h5, .keras), weights (.h5, .weights.h5) or an architecture "
    "(.json, .yaml)"
)


class Format(StrEnum):
    """What a model file can be."""

    WHOLE_MODEL = "h5"
    LEGACY_WEIGHTS = "legacy weights h5"
    WEIGHTS = "weights.h5"
    KERAS = "keras"
    JSON = "json"
    YAML = "yaml"


class Container(StrEnum):
    """What can be told from the first bytes."""

    HDF5 = "HDF5"
    ZIP = "zip"
    TEXT = "text"


#: First bytes of files that are taken for model files often enough to be told what they are.
_OTHERS = (
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x80\x02", "a pickle"),
    (b"\x80\x03", "a pickle"),
    (b"\x80\x04", "a pickle"),
    (b"\x80\x05", "a pickle"),
    (b"%PDF", "a PDF"),
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
)


def recognise(path: Path) -> Container:
    """HDF5, zip or text; raises ModelFileError that says what else was received."""
    head = _head(path)
    if head.startswith(checked_hdf5.SIGNATURE):
        return Container.HDF5
    if head.startswith(archive.SIGNATURE):
        _refuse_other_archive(path)
        return Container.ZIP
    for start, what in _OTHERS:
        if head.startswith(start):
            raise ModelFileError(f"{path.name} is {what}; {ALLOWED}.")
    if head[4:8] == b"TFL3":
        raise ModelFileError(f"{path.name} is a TensorFlow Lite model; {ALLOWED}.")
    if b"\0" in head:
        raise ModelFileError(f"{path.name} is a binary file of no known kind; {ALLOWED}.")
    return Container.TEXT


def _head(path: Path) -> bytes:
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            raise ModelFileError(_folder(path))
        if not stat.S_ISREG(found.st_mode):
            raise ModelFileError(f"{path.name} is not a file but a device or a pipe; {ALLOWED}.")
        if not found.st_size:
            raise ModelFileError(f"{path.name} is empty; {ALLOWED}.")
        with path.open("rb") as file:
            return file.read(4096)
    except FileNotFoundError:
        raise ModelFileError(f"There is no file {path}.") from None
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise ModelFileError(f"{path.name} cannot be read: {said}.") from None


def _folder(path: Path) -> str:
    names = set(os.listdir(path))
    if "saved_model.pb" in names:
        what = "a SavedModel folder of TensorFlow; load it there and save it as .keras or .h5"
    elif archive.CONFIG in names:
        what = "an unpacked .keras folder; pack it as .keras"
    else:
        what = "a folder"
    return f"{path.name} is {what}; {ALLOWED}."


def _refuse_other_archive(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as opened:
            names = opened.namelist()
    except (zipfile.BadZipFile, EOFError, NotImplementedError, UnicodeError, OSError):
        raise ModelFileError(
            f"{path.name} is a damaged or cut off archive; get the complete file again."
        ) from None
    if archive.CONFIG in names:
        return
    if any(name.endswith("data.pkl") for name in names):
        raise ModelFileError(f"{path.name} is a PyTorch file; {ALLOWED}.")
    if any(name.endswith("saved_model.pb") for name in names):
        raise ModelFileError(f"{path.name} is a packed SavedModel of TensorFlow; {ALLOWED}.")
    if names and all(name.endswith(".npy") for name in names):
        raise ModelFileError(f"{path.name} is an archive of NumPy arrays; {ALLOWED}.")


def recognise_hdf5(file: h5py.File, name: str) -> Format:
    """Which of Keras' three layouts an HDF5 file has; ModelFileError for any other content."""
    if "model_config" in file.attrs:
        return Format.WHOLE_MODEL
    legacy = file["model_weights"] if "model_weights" in file else file
    if "layer_names" in legacy.attrs or "layer_names0" in legacy.attrs:
        return Format.LEGACY_WEIGHTS
    if _has_variables(file):
        return Format.WEIGHTS
    inside = ", ".join(sorted(file)[:5]) or "nothing"
    raise ModelFileError(f"{name} is HDF5 but not a Keras model: it holds {inside}; {ALLOWED}.")


def _has_variables(file: h5py.File) -> bool:
    found = False

    def visit(name: str, member: object) -> bool | None:
        nonlocal found
        last = name.rsplit("/", 1)[-1]
        found = last in ("vars", "layers", "_layer_checkpoint_dependencies")
        return (found and isinstance(member, h5py.Group)) or None

    file.visititems(visit)
    return found
