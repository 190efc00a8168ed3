"""Stored datasets in MLflow: each is a run of an experiment of its own, named by its content, with
its samples and its description as artifacts. So any worker on any machine finds it."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from experiments.core.atomic_files import replacing
from experiments.core.errors import DatasetError, unknown
from experiments.data.catalog import CATALOG, DatasetInfo
from experiments.data.reading.storing import slug
from experiments.data.stored import (
    DESCRIPTION_FILE,
    SAMPLES_FILE,
    content_hash,
    find_info,
    folder_of,
    is_stored,
    read_description,
    write_description,
)
from experiments.tracking.artifacts import fetch_artifact
from experiments.tracking.direct_database import open_database
from experiments.tracking.direct_runs import find_experiment
from experiments.tracking.runs import SOURCE, RunStatus, Tag, list_runs
from experiments.tracking.store import DATASETS_EXPERIMENT, Store, make_experiment, store_call

_MOST = 1000


class StoredDataset(NamedTuple):
    """A dataset in the store: ``name`` is the whole one that a spec has, ``file`` what it was
    read from."""

    name: str
    title: str
    file: str
    added: datetime
    run_id: str


@store_call
def add_dataset(store: Store, info: DatasetInfo, file: str) -> StoredDataset:
    """Put a dataset that this machine has into MLflow; what is there already stays.

    The same content under another title is renamed. Raises StoreError.
    """
    there = [one for one in list_datasets(store) if content_hash(one.name) == info.content_hash]
    if there:
        store.client.update_run(there[0].run_id, name=info.name)
        store.client.set_tag(there[0].run_id, Tag.DATASET_TITLE.value, info.title)
        return _find(store, info.name)
    folder = folder_of(info.content_hash, store.settings.datasets)
    tags = {
        Tag.DATASET_HASH.value: info.content_hash, Tag.DATASET_TITLE.value: info.title,
        Tag.DATASET_FILE.value: file, Tag.SOURCE.value: SOURCE, Tag.SOURCE_TYPE.value: "LOCAL",
    }  # fmt: skip
    made = store.client.create_run(_experiment(store), run_name=info.name, tags=tags)
    run_id = made.info.run_id
    for name, value in _facts(info).items():
        store.client.log_param(run_id, name, value)
    # the description last: what has one is whole
    for part in (SAMPLES_FILE, DESCRIPTION_FILE):
        store.client.log_artifact(run_id, str(folder / part))
    store.client.set_terminated(run_id)
    return _find(store, info.name)


def list_datasets(store: Store) -> list[StoredDataset]:
    """The datasets in the store, newest first; raises StoreError."""
    experiment = _find_experiment(store)
    runs = list_runs(store, experiments=[experiment], most=_MOST) if experiment else []
    return [
        StoredDataset(
            run.name,
            run.tags.get(Tag.DATASET_TITLE, run.name),
            run.tags.get(Tag.DATASET_FILE, ""),
            run.created,
            run.id,
        )
        for run in runs
        if run.status is RunStatus.FINISHED
    ]


def resolve_dataset(store: Store, name: str) -> str:
    """The whole name of a dataset: given whole, or without its hash, which means the newest.

    Raises DatasetError for a name that the store does not have.
    """
    known = list_datasets(store)
    for one in known:
        if name in (one.name, one.name.rpartition("@")[0]):
            return one.name
    if is_stored(name):
        for one in known:
            if content_hash(one.name) == content_hash(name):
                return name
    raise DatasetError(unknown("stored dataset", name, [one.name for one in known] or ["none"]))


def known_name(store: Store, name: str) -> str:
    """A name as a spec can have it: one of the catalog stays, of a stored dataset the whole name
    is found, and its description brought to this machine. Raises DatasetError."""
    if name in CATALOG:
        return name
    try:
        whole = resolve_dataset(store, name)
    except DatasetError:
        find_info(name, store.settings.datasets)  # tells of the catalog as well
        raise
    fetch_description(store, whole)
    return whole


def fetch_description(store: Store, name: str) -> DatasetInfo:
    """What is known of a stored dataset, brought to this machine; raises DatasetError."""
    path = _folder(store, name) / DESCRIPTION_FILE
    if not path.is_file():
        _fetch(store, name, DESCRIPTION_FILE)
    return read_description(path, name)


def fetch_dataset(store: Store, name: str) -> DatasetInfo:
    """Bring a stored dataset to this machine, samples and all; raises DatasetError."""
    if not (_folder(store, name) / SAMPLES_FILE).is_file():
        _fetch(store, name, SAMPLES_FILE)
    return fetch_description(store, name)


def fetch_if_stored(store: Store, name: str) -> None:
    """Bring the samples of a stored dataset to this machine; raises DatasetError."""
    if is_stored(name):
        fetch_dataset(store, name)


@store_call
def rename_dataset(store: Store, name: str, title: str) -> str:
    """Call a dataset otherwise; returns its whole new name. Specs that have the old one still find
    it, by the hash. Raises DatasetError for a title without a letter or an unknown dataset."""
    one = _find(store, resolve_dataset(store, name))
    title = title.strip()
    whole = f"{slug(title)}@{content_hash(one.name)}"
    info = replace(fetch_description(store, one.name), name=whole, title=title)
    path = folder_of(info.content_hash, store.settings.datasets) / DESCRIPTION_FILE
    write_description(info, path)
    store.client.log_artifact(one.run_id, str(path))
    store.client.update_run(one.run_id, name=whole)
    store.client.set_tag(one.run_id, Tag.DATASET_TITLE.value, title)
    return whole


def versions_of(name: str, known: Sequence[StoredDataset]) -> list[StoredDataset]:
    """The datasets that are called the same, newest first."""
    called_so = name.rpartition("@")[0]
    same = [one for one in known if one.name.rpartition("@")[0] == called_so]
    return sorted(same, key=lambda one: one.added, reverse=True)


@store_call
def delete_dataset(store: Store, name: str) -> None:
    """Delete a dataset from the store and this machine; runs that used it stay."""
    one = _find(store, resolve_dataset(store, name))
    store.client.delete_run(one.run_id)
    shutil.rmtree(_folder(store, one.name), ignore_errors=True)


@store_call
def link_dataset(store: Store, run_id: str, info: DatasetInfo) -> None:
    """Note in MLflow that a run uses a stored dataset (what mlflow.log_input does)."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    source = json.dumps({"experiment": DATASETS_EXPERIMENT, "name": info.name})
    entry = Dataset(
        name=info.name.rpartition("@")[0], digest=info.content_hash, source_type="kerascope",
        source=source, profile=json.dumps({"num_rows": info.samples, "shape": list(info.shape)}),
    )  # fmt: skip
    tag = InputTag("mlflow.data.context", "training")
    store.client.log_inputs(run_id, [DatasetInput(dataset=entry, tags=[tag])])


def _find(store: Store, name: str) -> StoredDataset:
    wanted = content_hash(name)
    for one in list_datasets(store):
        if content_hash(one.name) == wanted:
            return one
    raise DatasetError(
        f"The dataset {name} is not in the store, or was deleted. Add its file again: the same "
        "content gets the same name."
    )


def _folder(store: Store, name: str) -> Path:
    return folder_of(content_hash(name), store.settings.datasets)


def _fetch(store: Store, name: str, part: str) -> None:
    fetched = fetch_artifact(store, _find(store, name).run_id, part)
    folder = _folder(store, name)
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / part) as unfinished:
        shutil.copyfile(fetched, unfinished)


def _experiment(store: Store) -> str:
    """The experiment that holds datasets, made at first use."""
    return _find_experiment(store) or make_experiment(store, DATASETS_EXPERIMENT)


def _find_experiment(store: Store) -> str | None:
    with open_database(store) as database:
        if database:
            return find_experiment(database, DATASETS_EXPERIMENT)
    return _served_experiment(store)


@store_call
def _served_experiment(store: Store) -> str | None:
    found = store.client.get_experiment_by_name(DATASETS_EXPERIMENT)
    return str(found.experiment_id) if found else None


def _facts(info: DatasetInfo) -> dict[str, Any]:
    return {
        "kind": info.kind.value, "task": info.task.value, "samples": info.samples,
        "shape": " × ".join(map(str, info.shape)), "target": info.target,
    }  # fmt: skip
