"""Saved models as bases: fetched from the run that made them, or stored for those of others."""

import hashlib
import os
import shutil
from pathlib import Path

from experiments.base_files import place_of
from experiments.errors import InputError
from experiments.model_specs import SavedBaseSpec
from experiments.specs import RunSpec
from experiments.tracking.artifacts import fetch_artifact
from experiments.tracking.runs import RunStatus
from experiments.tracking.store import Store, asks_store

EXPERIMENT = "kerascope models"
_HASH = "kerascope.content_hash"
_FOLDER = "base"


def bring_base(store: Store, spec: RunSpec) -> None:
    """Bring the file of a spec's saved base to this machine, if it has one; raises ArtifactError
    and RunNotFoundError."""
    if not isinstance(spec.model, SavedBaseSpec):
        return
    source, place = fetch_artifact(store, spec.model.run, spec.model.file), place_of(spec.model)
    if place.is_file() and place.stat().st_mtime_ns == source.stat().st_mtime_ns:
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    unfinished = place.with_name(f".{os.getpid()}.{place.name}")
    shutil.copy2(source, unfinished)
    unfinished.replace(place)


@asks_store
def store_base(store: Store, path: Path) -> tuple[str, str]:
    """Keep a user's model file as a run of its own, so that any machine can take it as a base.

    Returns the run's id and the artifact, as SavedBaseSpec names them. The same content is kept
    once. Have the file looked at before. Raises InputError for a file that is not there.
    """
    if not path.is_file():
        raise InputError(f"There is no file {path}. Name a model file.")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    client = store.client
    found = client.get_experiment_by_name(EXPERIMENT)
    experiment = found.experiment_id if found else client.create_experiment(EXPERIMENT)
    artifact = f"{_FOLDER}/{path.name}"
    same = client.search_runs(
        [experiment], f"tags.`{_HASH}` = '{digest}' and status = 'FINISHED'", max_results=1
    )
    if same:
        kept = client.list_artifacts(same[0].info.run_id, _FOLDER)
        if kept:
            return same[0].info.run_id, kept[0].path
    run = client.create_run(experiment, run_name=path.name, tags={_HASH: digest})
    client.log_artifact(run.info.run_id, str(path), _FOLDER)
    client.set_terminated(run.info.run_id, status=RunStatus.FINISHED.value)
    return run.info.run_id, artifact
