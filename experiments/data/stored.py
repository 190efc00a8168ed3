"""Datasets that users brought: their descriptions and where this machine keeps them.

MLflow has them all (tracking.datasets). Here is a copy, in a folder named by content, which can be
deleted at any time: it is then fetched again.
"""

import json
import re
from dataclasses import asdict, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from experiments.core.errors import DatasetError, unknown
from experiments.core.settings import read_settings
from experiments.data.catalog import CATALOG, DatasetInfo, Kind, Source, Task

DESCRIPTION_FILE = "dataset.json"
SAMPLES_FILE = "samples.h5"
#: Arrays in it beside ``x`` and ``y``, of datasets with groups, times or parts of their own.
GROUPS, TIMES, PARTS = "groups", "times", "parts"

_NAME = re.compile(r"[\w.-]{1,100}@[0-9a-f]{16}")


def find_info(name: str) -> DatasetInfo:
    """The description of a dataset of the catalog, or of a stored one that this machine has.

    Raises DatasetError for any other name.
    """
    if name in CATALOG:
        return CATALOG[name]
    if is_stored(name):
        path = folder_of(content_hash(name)) / DESCRIPTION_FILE
        if path.is_file():
            return read_description(path, name)
        raise DatasetError(
            f"The dataset {name} is not in the store, or was deleted. Add its file again: the "
            "same content gets the same name."
        )
    raise DatasetError(unknown("dataset", name, [*CATALOG, *stored_names()]))


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


def stored_names() -> list[str]:
    """The whole names of the stored datasets that this machine has."""
    return sorted(
        json.loads(path.read_text(encoding="utf-8"))["name"]
        for path in _home().glob(f"*/{DESCRIPTION_FILE}")
    )


def folder_of(content_hash: str) -> Path:
    """Where this machine keeps the files of a stored dataset."""
    return _home() / content_hash


def write_description(info: DatasetInfo, path: Path) -> None:
    """Write what find_info shall find."""
    path.write_text(json.dumps(asdict(info), ensure_ascii=False, indent=1), encoding="utf-8")


def read_description(path: Path, name: str | None = None) -> DatasetInfo:
    """The description in a file; under another name where the dataset was renamed."""
    info = _read(path, path.stat().st_mtime_ns)
    return replace(info, name=name) if name else info


@lru_cache(maxsize=200)
def _read(path: Path, changed: int) -> DatasetInfo:
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    known = {field.name for field in fields(DatasetInfo)}
    values = {key: _tupled(value) for key, value in data.items() if key in known}
    values |= {"task": Task(data["task"]), "kind": Kind(data["kind"])}
    values["source"] = Source(data["source"])
    return DatasetInfo(**values)


def _tupled(value: Any) -> Any:
    return tuple(map(_tupled, value)) if isinstance(value, list) else value


def _home() -> Path:
    return read_settings().home / "datasets"
