"""Models in memory, ready to be asked: those of runs, and those that others saved."""

import time
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import keras

from experiments.core.errors import InputError
from experiments.data.loading import Dataset, load_dataset
from experiments.data.split.splits import Split, split_dataset
from experiments.foreign.opening import open_model_file
from experiments.saving.whole_model import MODEL_FILE, load_model
from experiments.spec.run_spec import RunSpec
from experiments.tracking.artifacts import fetch_artifact
from experiments.tracking.run_specs import get_spec
from experiments.tracking.store import Store
from experiments.tracking.stored_datasets import fetch_if_stored

#: Where a model comes from: ``{"run": its id}`` or ``{"file": its path}``.
Source = Mapping[str, str]

_MOST_RUNS = 3


class LoadedRun(NamedTuple):
    """A run's model, read back from its HDF5, with the spec and the data that it belongs to."""

    model: keras.Model
    spec: RunSpec
    dataset: Dataset
    split: Split
    bytes: int
    seconds: float


class LoadedFile(NamedTuple):
    """A model that others saved; ``notes`` name what was not restored."""

    model: keras.Model
    notes: tuple[str, ...]
    bytes: int
    seconds: float


_runs: dict[str, LoadedRun] = {}
_files: dict[str, LoadedFile] = {}


def load(store: Store, source: Source) -> LoadedRun | LoadedFile:
    """The model of a source; raises InputError where it names neither a run nor a file."""
    match dict(source):
        case {"run": run_id}:
            return load_run(store, run_id)
        case {"file": path}:
            return load_file(Path(path))
    raise InputError(f"Received the source {dict(source)!r}. Allowed: a run, or a file.")


def load_run(store: Store, run_id: str) -> LoadedRun:
    """The model of a run; the last three are kept. Raises ArtifactError and DatasetError."""
    if run_id not in _runs:
        started = time.perf_counter()
        spec = get_spec(store, run_id)
        path = fetch_artifact(store, run_id, MODEL_FILE)
        model = load_model(path)
        fetch_if_stored(store, spec.dataset.name)
        dataset, split = _data(spec.model_dump_json())
        seconds = time.perf_counter() - started
        while len(_runs) >= _MOST_RUNS:
            del _runs[next(iter(_runs))]
        _runs[run_id] = LoadedRun(model, spec, dataset, split, path.stat().st_size, seconds)
    return _runs[run_id]


def load_file(path: Path) -> LoadedFile:
    """The model in a file; only the last one is kept. Raises ModelFileError.

    Call it only in a process with limits: what the file holds is somebody else's.
    """
    if str(path) not in _files:
        _files.clear()
        keras.backend.clear_session()
        started = time.perf_counter()
        opened = open_model_file(path)
        seconds = time.perf_counter() - started
        _files[str(path)] = LoadedFile(opened.model, opened.notes, path.stat().st_size, seconds)
    return _files[str(path)]


@lru_cache(maxsize=2)
def _data(spec_json: str) -> tuple[Dataset, Split]:
    spec = RunSpec.model_validate_json(spec_json)
    dataset = load_dataset(spec.dataset, spec.data_seed, lazily=True)
    return dataset, split_dataset(dataset, spec.split, spec.data_seed)
