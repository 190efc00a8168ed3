"""HDF5 files, checked before anything of them is read."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import h5py

from experiments.core.errors import ModelFileError
from experiments.core.sizes import size_text
from experiments.inspection.file_limits import (
    MAX_CONFIG_BYTES,
    MAX_DECLARED_BYTES,
    MAX_OBJECTS,
    refuse_expansion,
)

SIGNATURE = b"\x89HDF\r\n\x1a\n"

#: deflate, shuffle, fletcher32, szip, nbit, scaleoffset, lzf: compiled into h5py. Any other number
#: makes HDF5 look for a plugin to load.
_FILTERS = {1, 2, 3, 4, 5, 6, 32000}


@contextmanager
def open_hdf5(source: Path | IO[bytes], name: str) -> Iterator[h5py.File]:
    """The file, open for reading and scanned; ``name`` is what messages call it.

    Raises ModelFileError for what HDF5 cannot read and for what ``scan`` refuses, also where the
    damage shows only while the caller reads.
    """
    try:
        with h5py.File(source, "r") as file:
            try:
                scan(file, name)
            except (ValueError, TypeError) as error:
                # Types and texts that h5py cannot read.
                raise _damaged(name, error) from None
            yield file
    except (OSError, RuntimeError, KeyError, UnicodeError) as error:
        raise _damaged(name, error) from None


def _damaged(name: str, error: Exception) -> ModelFileError:
    said = " ".join(str(error).split()).strip("'\"").encode("utf-8", "replace").decode()
    what = "is cut off" if "truncated" in said else "is damaged"
    return ModelFileError(f"{name} {what}: HDF5 says {said[:200]!r}; get the complete file again.")


def scan(file: h5py.File, name: str) -> None:
    """Refuse, with ModelFileError, whatever leads out of ``file`` or would fill the memory."""
    seen = {h5py.h5o.get_info(file.id).addr}
    declared = stored = 0
    waiting: list[h5py.Group] = [file]
    _check_attributes(file, name)
    while waiting:
        group = waiting.pop()
        for key in group:
            where = f"{name}: {group.name.rstrip('/')}/{key}"
            member = _follow(group, key, where)
            address = h5py.h5o.get_info(member.id).addr
            if address in seen:
                raise ModelFileError(
                    f"{where} is linked more than once, or back to a group that holds it."
                )
            seen.add(address)
            if len(seen) > MAX_OBJECTS:
                raise ModelFileError(
                    f"{name} holds more than {MAX_OBJECTS:,} groups and datasets; "
                    "no more are allowed."
                )
            _check_attributes(member, where)
            if isinstance(member, h5py.Group):
                waiting.append(member)
            else:
                size, kept = _check_dataset(member, where)
                declared, stored = declared + size, stored + kept
                if declared > MAX_DECLARED_BYTES:
                    raise ModelFileError(
                        f"{name} declares more than {size_text(MAX_DECLARED_BYTES)} of arrays "
                        f"(reached at {member.name}: {size_text(size)}); no more are allowed."
                    )
    refuse_expansion(name, declared, stored)


def _follow(group: h5py.Group, key: str, where: str) -> h5py.Group | h5py.Dataset:
    link = group.get(key, getlink=True)
    if isinstance(link, h5py.ExternalLink):
        raise ModelFileError(
            f"{where} is an external link to {link.filename!r}; a model file may not lead out of "
            "itself."
        )
    if isinstance(link, h5py.SoftLink):
        raise ModelFileError(
            f"{where} is a soft link to {link.path!r}; Keras writes none and follows none."
        )
    member = group[key]
    if not isinstance(member, h5py.Group | h5py.Dataset):
        raise ModelFileError(f"{where} is neither a group nor a dataset; Keras writes only these.")
    return member


def _check_dataset(dataset: h5py.Dataset, where: str) -> tuple[int, int]:
    """Bytes declared and bytes stored."""
    if dataset.is_virtual:
        raise ModelFileError(f"{where} is a virtual dataset, which reads other files.")
    if dataset.external:
        raise ModelFileError(
            f"{where} has its storage in another file, {dataset.external[0][0]!r}; "
            "a model file may not lead out of itself."
        )
    if dataset.shape is None or dataset.dtype.kind not in "biufcV" or dataset.dtype.names:
        raise ModelFileError(f"{where} holds {dataset.dtype}, allowed: arrays of numbers.")
    creation = dataset.id.get_create_plist()
    for number in range(creation.get_nfilters()):
        code = creation.get_filter(number)[0]
        if code not in _FILTERS:
            raise ModelFileError(f"{where} is packed with filter {code}, which needs a plugin.")
    size = _bytes(dataset.shape, dataset.dtype.itemsize)
    if dataset.chunks:
        size = max(size, _bytes(dataset.chunks, dataset.dtype.itemsize))
    return size, dataset.id.get_storage_size()


def _bytes(shape: tuple[int, ...], itemsize: int) -> int:
    size = itemsize
    for length in shape:
        size *= length
    return size


def _check_attributes(member: h5py.Group | h5py.Dataset, where: str) -> None:
    for key in member.attrs:
        attribute = member.attrs.get_id(key)
        size = _bytes(attribute.shape or (), attribute.dtype.itemsize)
        if size > MAX_CONFIG_BYTES:
            raise ModelFileError(
                f"{where}: the attribute {key!r} has {size_text(size)}, "
                f"allowed: {size_text(MAX_CONFIG_BYTES)}."
            )


def read_text(member: h5py.Group, key: str) -> str | None:
    """A text attribute, whether bytes (Keras 2) or str (h5py 3), or None where it is missing."""
    value = member.attrs.get(key)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return None if value is None else str(value)


def read_names(group: h5py.Group, key: str, where: str) -> list[str]:
    """A list of names; Keras cuts those above 64 KB into ``layer_names0``, ``layer_names1``, ….

    Raises ModelFileError where the attribute is no list of texts.
    """
    keys = [key] if key in group.attrs else []
    while not keys or keys[-1] != key:
        following = f"{key}{len(keys)}"
        if following not in group.attrs:
            break
        keys.append(following)
    names: list[str] = []
    for part in keys:
        values = group.attrs[part]
        if getattr(values, "ndim", None) != 1 or values.dtype.kind not in "SOUf":
            raise ModelFileError(f"{where}: the attribute {part!r} is not a list of names.")
        # An empty list is written as an empty array of floats.
        names += [
            value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
            for value in values.tolist()
        ]
    return names


def find_dataset(group: h5py.Group, name: str, where: str) -> h5py.Dataset:
    """The dataset ``name`` below ``group``; ModelFileError where there is none."""
    found = group.get(name) if name and not name.startswith("/") else None
    if not isinstance(found, h5py.Dataset):
        raise ModelFileError(f"{where} lists a weight {name!r}, which is not there.")
    return found


def find_group(parent: h5py.Group, name: str, where: str) -> h5py.Group:
    """The group ``name`` below ``parent``; ModelFileError where there is none."""
    found = parent.get(name) if name and not name.startswith("/") else None
    if not isinstance(found, h5py.Group):
        raise ModelFileError(f"{where} lists {name!r}, which is not there.")
    return found
