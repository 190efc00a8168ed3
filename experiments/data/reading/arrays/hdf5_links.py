"""Soft links of HDF5, followed by hand: HDF5 itself would follow external ones on the way."""

from dataclasses import replace
from typing import Any

import h5py
import numpy as np

from experiments.data.reading.arrays.array_source import ArrayEntry
from experiments.data.reading.reader import Array

_MOST_STEPS = 100  # names on the way, those of links that lead on included


def address(member: h5py.Group | h5py.Dataset | h5py.Datatype) -> int:
    """Where it is in its file: the same for all of its names."""
    return int(h5py.h5o.get_info(member.id).addr)


def linked(
    path: str, link: Any, file: h5py.File, group: h5py.Group, seen: dict[int, ArrayEntry | None]
) -> ArrayEntry:
    """The dataset of the same file to which a link leads; else why there is none."""
    if isinstance(link, h5py.ExternalLink):
        why = f"is an external link to {link.filename[:200]!r}, and links are not followed"
    else:
        try:
            found = seen.get(address(_follow(file, group, link)))
            if found:
                array = replace(found.array, path=path)
                return ArrayEntry(array, found.dtype, found.unusable, found.path)
            said = "which is a group"
        except _NoWayError as error:
            said = str(error)
        why = f"is a soft link to {link.path[:200]!r}, {said}"
    return ArrayEntry(
        Array(path, (), "link"), np.dtype(object), f"{why}. Choose the dataset itself"
    )


class _NoWayError(Exception):
    """Why a link leads to nothing that can be used, as the end of a sentence."""


def _follow(file: h5py.File, group: h5py.Group, link: h5py.SoftLink) -> h5py.Group | h5py.Dataset:
    """What a soft link in that group leads to, inside the same file; raises _NoWayError."""
    at: h5py.Group | h5py.Dataset = group
    waiting: list[str] = []
    steps = 0
    # getlink: the link itself is asked for, so no other file is opened
    found: h5py.HardLink | h5py.SoftLink | h5py.ExternalLink | None = link
    while True:
        if isinstance(found, h5py.SoftLink):
            at = file if found.path.startswith("/") else at
            waiting += reversed([part for part in found.path.split("/") if part not in ("", ".")])
        if not waiting:
            return at
        steps += 1
        if steps > _MOST_STEPS:
            raise _NoWayError(f"which leads in a circle, or over more than {_MOST_STEPS} names")
        name = waiting.pop()
        inside = isinstance(at, h5py.Group) and name.isprintable()
        found = at.get(name, getlink=True) if inside else None
        if found is None:
            raise _NoWayError("where nothing is")
        if isinstance(found, h5py.ExternalLink):
            raise _NoWayError("which leads through an external link")
        if isinstance(found, h5py.HardLink):
            at = at[name]
