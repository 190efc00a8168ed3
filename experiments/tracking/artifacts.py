"""Files of a run: listing them and bringing one to this machine."""

import tempfile
from pathlib import Path
from typing import NamedTuple

from experiments.core.checkpoint_files import FOLDER, INDEX_FILE, Checkpoint, parse_index
from experiments.core.errors import ArtifactError
from experiments.core.old_files import remove_old
from experiments.tracking.mlflow_compat import delete_artifact
from experiments.tracking.store import Store, store_call

LOG_FILE = "log.txt"


class Artifact(NamedTuple):
    """A file of a run: its path within the run and its size in bytes."""

    path: str
    bytes: int


@store_call
def list_artifacts(store: Store, run_id: str) -> list[Artifact]:
    """All files of a run, folders walked, in order of path."""
    found: list[Artifact] = []
    folders: list[str | None] = [None]
    while folders:
        for item in store.client.list_artifacts(run_id, folders.pop()):
            if item.is_dir:
                folders.append(item.path)
            else:
                found.append(Artifact(item.path, item.file_size or 0))
    return sorted(found)


@store_call
def fetch_artifact(store: Store, run_id: str, path: str) -> Path:
    """A copy of one artifact on this machine, kept for a day after the last was made of that run.

    It is another file each time: what reads or links an earlier one keeps that. Raises
    ArtifactError that lists what the run has.
    """
    from mlflow.exceptions import MlflowException

    store.client.get_run(run_id)  # so that an unknown run is told apart from a missing file
    folder = _download_folder(store, run_id)
    try:
        with tempfile.TemporaryDirectory(dir=folder) as fresh:
            copy = Path(store.client.download_artifacts(run_id, path, fresh))
            place = folder / copy.relative_to(fresh)
            place.parent.mkdir(parents=True, exist_ok=True)
            return copy.replace(place)
    except (MlflowException, OSError):
        have = ", ".join(item.path for item in list_artifacts(store, run_id)) or "nothing"
        raise ArtifactError(
            f"Run {run_id} has no readable artifact {path!r}. It has: {have}."
        ) from None


def list_checkpoints(store: Store, run_id: str) -> list[Checkpoint]:
    """The checkpoints of a run that has ended, in order of their epochs; none if nothing was
    saved."""
    try:
        index = fetch_artifact(store, run_id, INDEX_FILE)
    except ArtifactError:
        return []
    return parse_index(index.read_text(encoding="utf-8"))


@store_call
def drop_stale_checkpoints(store: Store, run_id: str) -> None:
    """Delete checkpoint files that the run's index no longer names: a resumed run wrote others."""
    named = {checkpoint.file for checkpoint in list_checkpoints(store, run_id)} | {INDEX_FILE}
    home = store.client.get_run(run_id).info.artifact_uri
    for artifact in list_artifacts(store, run_id):
        if artifact.path.startswith(f"{FOLDER}/") and artifact.path not in named:
            delete_artifact(home, artifact.path)


def _download_folder(store: Store, run_id: str) -> Path:
    home = store.settings.downloads
    remove_old(home)
    folder = home / run_id
    folder.mkdir(parents=True, exist_ok=True)
    folder.touch()
    return folder
