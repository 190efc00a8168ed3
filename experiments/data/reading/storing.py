"""From a file that a user brings to a stored dataset: looked at, checked, written as HDF5."""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np

from experiments.core.atomic_files import unfinished_folder
from experiments.core.errors import DatasetError
from experiments.core.settings import settings_in_use
from experiments.data.catalog import DatasetInfo, Source, Task
from experiments.data.reading.kinds import reader_of
from experiments.data.reading.reader import (
    Block,
    FileContents,
    Images,
    Plan,
    Reader,
    ReadOptions,
    Table,
)
from experiments.data.stored import (
    DESCRIPTION_FILE,
    GROUPS,
    PARTS,
    SAMPLES_FILE,
    TIMES,
    write_description,
)

_CHUNK = 1 << 20  # bytes of a chunk of HDF5
_LONGEST_NAME = 100


class StoredContent(NamedTuple):
    """Samples in a file: the hash of their content, and the highest number among them."""

    digest: str
    highest: float


def look_into(
    path: Path, wanted: ReadOptions, kind: str | None = None
) -> tuple[FileContents, Plan]:
    """What is in a file, and what would be stored of it; raises DatasetError. Stores nothing.

    ``kind`` is what the file is, a key of KINDS, if not what its name says.
    """
    reader = reader_of(path, kind)
    found = reader.look(path, wanted)
    return found, plan_of(reader, path, found, wanted)


def plan_of(reader: Reader, path: Path, found: FileContents, wanted: ReadOptions) -> Plan:
    """What would be stored of what was found, with notes on what was asked for in vain."""
    plan = reader.plan(path, found, wanted)
    return replace(plan, notes=(*plan.notes, *_without_effect(found, wanted)))


def _without_effect(found: FileContents, wanted: ReadOptions) -> tuple[str, ...]:
    """Notes on what was asked for and is for images only, or for tables."""
    is_table, is_images = isinstance(found, Table), isinstance(found, Images)
    of_images = {
        "--skip-bad": wanted.skip_bad and not is_images, "--size": wanted.size and is_table,
    }  # fmt: skip
    of_tables = {
        "--categories": wanted.categories and not is_table,
        "--numbers": wanted.numbers and not is_table,
    }
    return tuple(
        f"For {what} only, and without effect here: {' and '.join(names)}."
        for what, asked in (("images", of_images), ("tables", of_tables))
        if (names := [name for name, value in asked.items() if value])
    )


def store_file(
    path: Path,
    name: str,
    wanted: ReadOptions,
    kind: str | None = None,
    looked: tuple[FileContents, Plan] | None = None,
    datasets: Path | None = None,
) -> DatasetInfo:
    """Store the samples of a file in ``datasets``, by default the folder of the settings in use;
    raises DatasetError.

    The same content gives the same hash, and is written once. ``looked`` is what ``look_into`` has
    just found, where it was asked.
    """
    reader = reader_of(path, kind)
    found, plan = looked or look_into(path, wanted, kind)
    blocks = reader.blocks(path, found, plan, wanted)
    home = datasets or settings_in_use().datasets
    home.mkdir(parents=True, exist_ok=True)
    with unfinished_folder(home) as unfinished:
        written = write_samples(unfinished / SAMPLES_FILE, plan, blocks)
        digest = written.digest
        info = describe(plan, f"{slug(name)}@{digest}", name, written.highest)
        write_description(info, unfinished / DESCRIPTION_FILE)
        folder = home / digest
        if folder.exists():
            write_description(info, folder / DESCRIPTION_FILE)
        else:
            unfinished.rename(folder)
        return info


def write_samples(path: Path, plan: Plan, blocks: Iterator[Block]) -> StoredContent:
    """Write ``x``, ``y``, ``groups``, ``times`` and ``parts`` as loading.Dataset has them, block by
    block.

    The hash is of all of them and of what they mean: task, classes, features and categories.
    """
    digest = hashlib.sha256()
    dtype = np.dtype(plan.dtype)
    shape = (plan.samples, *plan.shape)
    digest.update(f"{dtype.str}{shape}".encode())
    rows = max(1, min(plan.samples, _CHUNK // max(1, int(np.prod(plan.shape)) * dtype.itemsize)))
    targets, highest = [], 0.0
    keys: dict[str, list[np.ndarray]] = {GROUPS: [], TIMES: [], PARTS: []}
    with h5py.File(path, "w") as file:
        x = file.create_dataset("x", shape, dtype, chunks=(rows, *plan.shape))
        at = 0
        for block in blocks:
            values = np.ascontiguousarray(block.x, dtype)
            digest.update(values.data)
            x[at : at + len(values)] = values
            highest = max(highest, float(np.max(values, initial=0.0)))
            targets.append(np.asarray(block.y).reshape(-1))
            for name, some in zip(keys, (block.groups, block.times, block.parts), strict=True):
                if some is not None:
                    keys[name].append(some)
            at += len(values)
        if at != plan.samples:
            raise DatasetError(
                f"The file changed while it was read: {plan.samples:,} samples were found and then "
                f"{at:,}. Add it again when nothing writes to it."
            )
        y = np.concatenate(targets)
        y = (
            y.astype(np.int32)
            if plan.task is Task.MULTICLASS
            else y.astype(np.float32).reshape(-1, 1)
        )
        digest.update(f"{y.dtype.str}{y.shape}".encode())
        digest.update(y.data)
        file["y"] = y
        for name, parts in keys.items():
            if parts:
                file[name] = key = np.concatenate(parts)
                digest.update(name.encode() + key.data)
    digest.update(_meaning(plan))
    return StoredContent(digest.hexdigest()[:16], highest)


def _meaning(plan: Plan) -> bytes:
    """What the numbers stand for: the same ones for other categories are other data."""
    features = [[feature.name, *feature.categories] for feature in plan.features]
    return json.dumps([plan.task.value, plan.class_names, features]).encode()


def describe(plan: Plan, name: str, title: str, highest: float) -> DatasetInfo:
    """The description of what is stored; ``highest`` is the brightest pixel of images."""
    formats = tuple(feature.date_format for feature in plan.features)
    return DatasetInfo(
        name=name,
        title=title,
        task=plan.task,
        kind=plan.kind,
        shape=plan.shape,
        samples=plan.samples,
        source=Source.STORED,
        class_names=plan.class_names,
        target=plan.target,
        white=255.0 if plan.dtype == "uint8" else max(highest, 1.0),
        feature_names=tuple(feature.name for feature in plan.features),
        categories=tuple(feature.categories for feature in plan.features),
        date_formats=formats if any(formats) else (),
        content_hash=name.rpartition("@")[2],
        group=plan.group,
        time=plan.time,
        parts=plan.parts,
    )


def slug(name: str) -> str:
    """A name as it can stand in a spec: letters, digits, _ . and -."""
    plain = re.sub(r"[^\w.-]+", "_", name).strip("_")[:_LONGEST_NAME]
    if not any(map(str.isalnum, plain)):
        raise DatasetError(
            f"Received {name!r} as the name of a dataset. Give it a letter or a digit (--name)."
        )
    return plain
