"""Runs that start from the weights of another model, and where those come from."""

from pathlib import Path
from typing import NamedTuple

from experiments.core.checkpoint_files import MODEL_FILE
from experiments.core.errors import InputError, RunNotFoundError
from experiments.spec.run_spec import RunSpec, StartSpec
from experiments.tracking.artifacts import fetch_artifact
from experiments.tracking.runs import Run, resolve_run
from experiments.tracking.store import Store

_SUFFIXES = (".h5", ".hdf5", ".keras", ".json", ".yaml", ".yml")


class Weights(NamedTuple):
    """A model file on this machine; ``run_id`` is the run that it is of, or ``""`` for a file of
    the user, and ``title`` what to call it."""

    path: Path
    title: str
    run_id: str = ""


def find_weights(store: Store, text: str) -> Weights:
    """The weights that a user names: a file, or a run by id or name (its saved model).

    Raises InputError, RunNotFoundError, or ArtifactError for a run without a model.
    """
    if is_file(text):
        return Weights(Path(text), f"weights of {Path(text).name}")
    run = find_run(store, text)
    path = fetch_artifact(store, run.id, MODEL_FILE)
    return Weights(path, f"weights of {run.name}", run.id)


def is_file(text: str) -> bool:
    """Whether a text names a file and not a run; InputError for a file that is not there."""
    path = Path(text)
    if path.suffix.lower() in _SUFFIXES and not path.is_file():
        raise InputError(f"There is no file {text}. Name a model file, or a run by its id or name.")
    return path.is_file()


def find_run(store: Store, text: str) -> Run:
    """The run that a text names which is no file; raises RunNotFoundError."""
    try:
        return resolve_run(store, text)
    except RunNotFoundError as error:
        raise RunNotFoundError(f"There is no file {text}. {error}") from None


class WeightTransfer(NamedTuple):
    """A run that starts from weights by layer name, as ``submit`` and ``run_inline`` take it."""

    spec: RunSpec
    parent_id: str | None
    start_file: Path | None


def weight_transfer(
    spec: RunSpec, weights: Weights, target_id: str | None = None
) -> WeightTransfer:
    """The run of a spec, started from weights.

    Its parent is the run that the weights are of, else ``target_id``, the run whose network it is.
    """
    if weights.run_id:
        start = StartSpec(run=weights.run_id, file=MODEL_FILE, how="weights")
        return WeightTransfer(spec.model_copy(update={"start": start}), weights.run_id, None)
    start = StartSpec(file=f"start/{weights.path.name}", how="weights")
    transferred = spec.model_copy(update={"start": start})
    return WeightTransfer(transferred, target_id, weights.path.absolute())
