"""Saved models as bases: fetched from the run that made them, or stored for those of others."""

import hashlib
import shutil
from pathlib import Path
from typing import NamedTuple

from experiments.core.atomic_files import replacing
from experiments.core.errors import InputError, RunNotFoundError
from experiments.core.run_folder import read_json, write_json
from experiments.spec.base_files import place_of
from experiments.spec.model_specs import SavedBaseSpec
from experiments.spec.run_spec import RunSpec
from experiments.tracking.artifacts import fetch_artifact
from experiments.tracking.runs import RunStatus, Tag
from experiments.tracking.store import MODELS_EXPERIMENT, Store, make_experiment, store_call

_MOST = 200


class StoredBase(NamedTuple):
    """A user's model file in the store, as SavedBaseSpec names it, and what it was called."""

    run_id: str
    file: str
    name: str


_FOLDER = "base"


def fetch_base(store: Store, spec: RunSpec) -> None:
    """Bring the file of a spec's saved base to this machine, if it has one; raises ArtifactError
    and RunNotFoundError."""
    if not isinstance(spec.model, SavedBaseSpec):
        return
    place = place_of(spec.model, store.settings.bases)
    note, stamp = place.with_name(f"{place.name}.json"), {"ended": _ended(store, spec.model.run)}
    if place.is_file() and read_json(note) == stamp:
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    with replacing(place) as unfinished:
        shutil.copyfile(fetch_artifact(store, spec.model.run, spec.model.file), unfinished)
    write_json(note, stamp)


@store_call
def _ended(store: Store, run_id: str) -> int | None:
    """When a run ended, in ms: a run that went on since has another model."""
    from mlflow.exceptions import MlflowException

    try:
        ended: int | None = store.client.get_run(run_id).info.end_time
    except MlflowException:
        raise RunNotFoundError(f"model.run: there is no run {run_id}.") from None
    return ended


@store_call
def list_bases(store: Store) -> list[StoredBase]:
    """The model files that users keep, newest first."""
    found = store.client.get_experiment_by_name(MODELS_EXPERIMENT)
    if found is None:
        return []
    runs = store.client.search_runs(
        [found.experiment_id], "status = 'FINISHED'", max_results=_MOST,
        order_by=["attributes.start_time DESC"],
    )  # fmt: skip
    return [
        StoredBase(run.info.run_id, f"{_FOLDER}/{run.info.run_name}", run.info.run_name)
        for run in runs
    ]


@store_call
def store_base(store: Store, path: Path) -> StoredBase:
    """Keep a user's model file as a run of its own, so that any machine can take it as a base.

    The same content is kept once. Have the file looked at before. Raises InputError for a file that
    is not there.
    """
    if not path.is_file():
        raise InputError(f"There is no file {path}. Name a model file.")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    client = store.client
    found = client.get_experiment_by_name(MODELS_EXPERIMENT)
    experiment = found.experiment_id if found else make_experiment(store, MODELS_EXPERIMENT)
    same = client.search_runs(
        [experiment], f"tags.`{Tag.BASE_HASH}` = '{digest}' and status = 'FINISHED'", max_results=1
    )
    if same:
        name = same[0].info.run_name
        return StoredBase(same[0].info.run_id, f"{_FOLDER}/{name}", name)
    run = client.create_run(experiment, run_name=path.name, tags={Tag.BASE_HASH.value: digest})
    client.log_artifact(run.info.run_id, str(path), _FOLDER)
    client.set_terminated(run.info.run_id, status=RunStatus.FINISHED.value)
    return StoredBase(run.info.run_id, f"{_FOLDER}/{path.name}", path.name)
