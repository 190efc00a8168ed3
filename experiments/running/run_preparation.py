"""A run's folder before its training process starts, with what it goes on from."""

import shutil
from contextlib import suppress
from pathlib import Path

from experiments.core.checkpoint_files import LAST, find, link, spread
from experiments.core.errors import ArtifactError
from experiments.core.run_folder import RunFolder, write_json
from experiments.spec.run_spec import RunSpec, StartSpec
from experiments.tracking.artifacts import LOG_FILE, fetch_artifact, list_checkpoints
from experiments.tracking.runs import get_run
from experiments.tracking.store import Store
from experiments.tracking.stored_bases import fetch_base
from experiments.tracking.stored_datasets import fetch_if_stored


def prepare(store: Store, folder: RunFolder, spec: RunSpec) -> None:
    """Fill a run's new folder. A run that was trained before goes on from its last checkpoint.

    Otherwise it begins where its spec says. A stored dataset and a saved base are brought here.
    Raises ArtifactError or DatasetError for what is not there.
    """
    run_id = folder.run_id
    fetch_if_stored(store, spec.dataset.name)
    fetch_base(store, spec)
    checkpoints = list_checkpoints(store, run_id)
    if checkpoints:
        for checkpoint in checkpoints:
            spread(checkpoint, fetch_artifact(store, run_id, checkpoint.file), folder.artifacts)
        with suppress(ArtifactError):  # it is written on; a run that died early has none
            shutil.copyfile(fetch_artifact(store, run_id, LOG_FILE), folder.log)
        last = find(checkpoints)
        _take(folder, fetch_artifact(store, run_id, last.file), "resume", f"{LAST}.h5", "")
    elif spec.start:
        path = _fetch(store, run_id, spec.start)
        whose = get_run(store, spec.start.run).name if spec.start.run else path.name
        how = "weights" if spec.start.how == "weights" else "branch"
        _take(folder, path, how, path.name, whose)


def _fetch(store: Store, run_id: str, start: StartSpec) -> Path:
    owner = start.run or run_id
    if start.file:
        return fetch_artifact(store, owner, start.file)
    return fetch_artifact(store, owner, find(list_checkpoints(store, owner), start.epoch).file)


def _take(folder: RunFolder, source: Path, how: str, name: str, whose: str) -> None:
    link(source, folder.start / name)
    write_json(folder.start_note, {"how": how, "file": name, "whose": whose})
