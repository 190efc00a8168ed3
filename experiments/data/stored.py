"""Datasets that users brought: their descriptions and where this machine keeps them.

MLflow has them all (tracking.datasets). Here is a copy, in a folder named by content, which can be
deleted at any time: it is fetched again.

``datasets`` is that folder. What has a store hands it down, ``store.settings.datasets``. Where a
name is all there is, the folder is that of the settings in use: a name is met while a spec is
validated, by pydantic, which hands nothing down, and long after by whoever asks the spec for its
``info``. A validation context would serve the first and not the second; a spec that carried the
folder would not be the same on another machine.
"""

import json
import re
from dataclasses import asdict, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from experiments.core.atomic_files import is_unfinished, replacing
from experiments.core.errors import DatasetError, unknown
from experiments.core.format_versions import check_format
from experiments.core.settings import settings_in_use
from experiments.data.catalog import CATALOG, DatasetInfo, Kind, Source, Task

DESCRIPTION_FILE = "dataset.json"
SAMPLES_FILE = "samples.h5"
#: Arrays in it beside ``x`` and ``y``, of datasets with groups, times or parts of their own.
GROUPS, TIMES, PARTS = "groups", "times", "parts"

_FORMAT = 1
_NAME = re.compile(r"[\w.-]{1,100}@[0-9a-f]{16}")


def find_info(name: str, datasets: Path | None = None) -> DatasetInfo:
    """The description of a dataset of the catalog, or of a stored one that this machine has.

    Raises DatasetError for any other name.
    """
    if name in CATALOG:
        return CATALOG[name]
    if is_stored(name):
        path = folder_of(content_hash(name), datasets) / DESCRIPTION_FILE
        if path.is_file():
            return read_description(path, name)
        raise DatasetError(
            f"The dataset {name} is not in the store, or was deleted. Add its file again: the "
            "same content gets the same name."
        )
    raise DatasetError(unknown("dataset", name, [*CATALOG, *stored_names(datasets)]))


def is_known(name: str) -> bool:
    """Whether find_info would find it."""
    return name in CATALOG or (
        is_stored(name) and (folder_of(content_hash(name)) / DESCRIPTION_FILE).is_file()
    )


def is_stored(name: str) -> bool:
    """Whether it is the whole name of a stored dataset: what users call it, @ and its hash."""
    return _NAME.fullmatch(name) is not None


def content_hash(name: str) -> str:
    """The hash in the whole name of a stored dataset."""
    return name.rpartition("@")[2]


def stored_names(datasets: Path | None = None) -> list[str]:
    """The whole names of the stored datasets that this machine has."""
    return sorted(
        read_description(path).name
        for path in folder_of("", datasets).glob(f"*/{DESCRIPTION_FILE}")
        if not is_unfinished(path.parent)
    )


def folder_of(content_hash: str, datasets: Path | None = None) -> Path:
    """Where this machine keeps the files of a stored dataset."""
    return (datasets or settings_in_use().datasets) / content_hash


def write_description(info: DatasetInfo, path: Path) -> None:
    """Write what find_info shall find."""
    data = {"format": _FORMAT} | asdict(info)
    with replacing(path) as unfinished:
        unfinished.write_text(json.dumps(data, ensure_ascii=False, indent=1), encoding="utf-8")


def read_description(path: Path, name: str | None = None) -> DatasetInfo:
    """The description in a file; under another name where the dataset was renamed."""
    info = _read(path, path.stat().st_mtime_ns)
    return replace(info, name=name) if name else info


@lru_cache(maxsize=200)
def _read(path: Path, changed: int) -> DatasetInfo:
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    check_format(f"The description of {data.get('name', path)}", data, _FORMAT, DatasetError)
    known = {field.name for field in fields(DatasetInfo)}
    values = {key: _tupled(value) for key, value in data.items() if key in known}
    values |= {"task": Task(data["task"]), "kind": Kind(data["kind"])}
    values["source"] = Source(data["source"])
    return DatasetInfo(**values)


def _tupled(value: Any) -> Any:
    return tuple(map(_tupled, value)) if isinstance(value, list) else value
