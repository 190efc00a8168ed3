"""Every cache of the dashboard, in one place; what is cached is keyed by the settings.

Runs are read again after a second, histories and files of runs that have ended are kept. Nothing
here changes the store, and nothing here is lost when it is cleared.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from dashboard.shared.background import Downloads, EndedHistories, Previews, WorkerWatch
from dashboard.shared.model_source import ModelSource
from dashboard.shared.verdicts import judge
from experiments.core.checkpoint_files import Checkpoint
from experiments.core.errors import ExperimentsError, ModelFileError
from experiments.core.settings import Settings, settings_in_use
from experiments.data.catalog import DatasetInfo
from experiments.data.preview import Preview, look
from experiments.data.split.duplicate_groups import DuplicateReport, find_copies
from experiments.diagnosis import Verdict
from experiments.diagnosis.histories import Histories
from experiments.inspection.file_inspection import list_layers
from experiments.running.dataset_process import look_at
from experiments.saving.exports import export_run
from experiments.spec.run_spec import RunSpec
from experiments.tracking.artifacts import (
    Artifact,
    fetch_artifact,
    list_artifacts,
    list_checkpoints,
)
from experiments.tracking.direct_database import change_stamp
from experiments.tracking.history_reader import HistoryReader, Progress
from experiments.tracking.run_index import RunIndex, read_index
from experiments.tracking.run_specs import get_spec
from experiments.tracking.runs import Experiment, Run, list_experiments, list_runs, resolve_run
from experiments.tracking.store import Store
from experiments.tracking.stored_bases import StoredBase, list_bases
from experiments.tracking.stored_datasets import (
    StoredDataset,
    fetch_description,
    list_datasets,
)

if TYPE_CHECKING:
    from experiments.running.keras_client import KerasProcess

#: How many runs a page has at all; beyond are the oldest.
MOST_RUNS = 100_000
_LIVE = 1  # seconds for which a look at something that may change is good enough


def store() -> Store:
    """The store of the settings, shared by all sessions."""
    return _store(settings_in_use())


def runs(
    *, deleted: bool = False, experiments: Sequence[str] | None = None, most: int = 1000
) -> list[Run]:
    """The newest runs of some experiments, by default of our own, newest first."""
    chosen = None if experiments is None else tuple(experiments)
    return _runs(settings_in_use(), deleted, chosen, most, _moment())


def run_index(*, experiments: Sequence[str] | None = None, deleted: bool = False) -> RunIndex:
    """All runs of some experiments as columns, by default of our own; for 10,000 and more."""
    chosen = None if experiments is None else tuple(experiments)
    return _run_index(settings_in_use(), chosen, deleted, _moment())


def experiments() -> list[Experiment]:
    """The experiments of the store, ours first."""
    return _experiments(settings_in_use())


def datasets() -> list[StoredDataset]:
    """The datasets that users stored, newest first, with their descriptions on this machine."""
    return _datasets(settings_in_use())


def stored_bases() -> list[StoredBase]:
    """The model files that users keep as bases, newest first."""
    return _stored_bases(settings_in_use())


def forget_bases() -> None:
    """Look again at once: one was added."""
    _stored_bases.clear()


def model_layers(run_id: str, file: str) -> list[tuple[str, str]]:
    """Name and type of each layer of a saved model, without Keras; raises ExperimentsError."""
    return _model_layers(settings_in_use(), run_id, file)


def forget_datasets() -> None:
    """Look again at once: one was added or deleted."""
    _datasets.clear()


def look_at_dataset(path: Path, options: Sequence[str]) -> dict[str, Any]:
    """What is in a file, as the command says it; raises DatasetError."""
    return _look_at_dataset(settings_in_use(), str(path), tuple(options), path.stat().st_mtime_ns)


def dataset_preview(info: DatasetInfo) -> Preview:
    """A look at a dataset that is on this machine; do not change it, it is shared."""
    return _dataset_preview(info.name, info)


def dataset_copies(info: DatasetInfo) -> DuplicateReport:
    """The samples that a dataset on this machine has more than once."""
    return _dataset_copies(info.name, info)


def run(text: str) -> Run:
    """The run with this id, beginning of an id, or name; raises RunNotFoundError."""
    return _run(settings_in_use(), text)


def forget_runs() -> None:
    """Look again at once: something was just changed."""
    _runs.clear()
    _run_index.clear()
    _run.clear()


def spec(run_id: str) -> RunSpec:
    """The spec of a run; it never changes."""
    return _spec(settings_in_use(), run_id)


def history(run: Run) -> pd.DataFrame:
    """The history of one run; do not change it, it is shared."""
    return histories([run]).frame(run.id)


def histories(runs: Sequence[Run], progress: Progress | None = None) -> Histories:
    """The histories of these runs, in their order; do not change them, they are shared.

    Those of ended runs are read from the store once; ``progress`` is told how many of how many
    are read while that takes time. Of runs under way only what is new is read.
    """
    return _histories(settings_in_use()).read(runs, progress)


def ended_histories() -> EndedHistories:
    """The histories of runs that have ended, read in the background."""
    return _ended_histories(settings_in_use())


def verdict(run: Run, histories: Histories) -> Verdict | None:
    """The verdict on what there is so far; None before the first epoch."""
    return _verdict(settings_in_use(), run.id, _length(run, histories), run, histories)


def artifacts(run: Run) -> list[Artifact]:
    """The files of a run."""
    if run.status.is_active:
        return list_artifacts(store(), run.id)
    return _artifacts(settings_in_use(), run.id, _state(run))


def checkpoints(run: Run) -> list[Checkpoint]:
    """The checkpoints of a run that has ended."""
    return _checkpoints(settings_in_use(), run.id, _state(run))


def artifact(run: Run, path: str) -> Path:
    """One file of a run on this machine; raises ArtifactError."""
    if run.status.is_active:
        return fetch_artifact(store(), run.id, path)
    asked = settings_in_use(), run.id, _state(run), path
    if not _artifact(*asked).exists():  # copies are kept for a day
        _artifact.clear(*asked)
    return _artifact(*asked)


def exported(run: Run, kind: str) -> bytes:
    """A run as a file of one kind; what needs Keras is made by the Keras process."""
    with TemporaryDirectory() as folder:
        out = Path(folder) / f"export.{kind}"
        if kind in ("keras", "weights"):
            keras().ask("export", run_id=run.id, kind=kind, path=str(out))
        else:
            export_run(store(), run.id, kind, out)
        return out.read_bytes()


def keras() -> "KerasProcess":
    """The process that answers what needs Keras; started when it is first asked for."""
    return _keras(settings_in_use())


def previews() -> Previews:
    """What specs will be, answered in the background."""
    return _previews(settings_in_use())


def downloads() -> Downloads:
    """Weight files that are being downloaded, for all sessions."""
    return _downloads()


def worker() -> WorkerWatch:
    """Keeps a worker alive beside the dashboard."""
    return _worker(settings_in_use())


def uploaded_keras() -> "KerasProcess":
    """The process for models that others made, whose memory and time are limited."""
    return _uploaded_keras(settings_in_use())


def process_of(source: ModelSource) -> "KerasProcess":
    """The process that holds the model of a source."""
    return keras() if source.run else uploaded_keras()


def opened_model(source: ModelSource) -> dict[str, Any]:
    """The model of a run, reloaded and checked; or what could be restored of an upload.

    An upload that could not be loaded is not tried again: it may take its two minutes each time.
    """
    answer = _opened_model(settings_in_use(), source.key, source)
    if "refused" in answer:
        raise ModelFileError(answer["refused"])
    return answer


def forget_models() -> None:
    """Load again what is asked for next."""
    _opened_model.clear()


def ask_model(source: ModelSource, operation: str, **arguments: Any) -> dict[str, Any]:
    """The answer of a model; the same question is asked once."""
    return _ask_model(settings_in_use(), source.key, operation, arguments, source)


def ask_run(run: Run, operation: str, **arguments: Any) -> dict[str, Any]:
    """What the Keras process says of a run that has ended; the same question is asked once."""
    return _ask_run(settings_in_use(), run.id, _state(run), operation, arguments)


def inspection(source: ModelSource, against: ModelSource | None = None) -> dict[str, Any]:
    """What is in the model's file, without loading it; with ``against`` the difference too."""
    other = against.key if against else ""
    return _inspection(settings_in_use(), source.key, other, source, against)


def _state(run: Run) -> str:
    return f"{run.status} {run.ended}"


@st.cache_resource(show_spinner=False)
def _store(settings: Settings) -> Store:
    return Store(settings)


@st.cache_resource(max_entries=4, show_spinner=False)
def _runs(
    settings: Settings,
    deleted: bool,
    experiments: tuple[str, ...] | None,
    most: int,
    moment: object,
) -> list[Run]:
    return list_runs(_store(settings), deleted=deleted, experiments=experiments, most=most)


def _moment() -> object:
    """The same as long as the store has not changed, or for a second where that is not known."""
    return change_stamp(settings_in_use()) or int(time.monotonic() / _LIVE)


@st.cache_resource(max_entries=4, show_spinner=False)
def _run_index(
    settings: Settings, experiments: tuple[str, ...] | None, deleted: bool, moment: object
) -> RunIndex:
    return read_index(_store(settings), experiments=experiments, deleted=deleted)


@st.cache_resource(ttl=30, show_spinner=False)
def _experiments(settings: Settings) -> list[Experiment]:
    return list_experiments(_store(settings))


@st.cache_resource(ttl=30, show_spinner=False)
def _datasets(settings: Settings) -> list[StoredDataset]:
    found = list_datasets(_store(settings))
    for one in found:
        fetch_description(_store(settings), one.name)
    return found


@st.cache_resource(ttl=30, show_spinner=False)
def _stored_bases(settings: Settings) -> list[StoredBase]:
    return list_bases(_store(settings))


@st.cache_data(max_entries=50, ttl=600, show_spinner=False)
def _model_layers(settings: Settings, run_id: str, file: str) -> list[tuple[str, str]]:
    return list_layers(fetch_artifact(_store(settings), run_id, file))


@st.cache_data(max_entries=20, show_spinner=False)
def _look_at_dataset(
    settings: Settings, path: str, options: tuple[str, ...], changed: int
) -> dict[str, Any]:
    return look_at(settings, Path(path), list(options))


@st.cache_resource(max_entries=5, show_spinner=False)
def _dataset_preview(name: str, _info: DatasetInfo) -> Preview:
    return look(_info)


@st.cache_resource(max_entries=5, show_spinner=False)
def _dataset_copies(name: str, _info: DatasetInfo) -> DuplicateReport:
    return find_copies(_info)


@st.cache_resource(ttl=_LIVE, show_spinner=False)
def _run(settings: Settings, text: str) -> Run:
    return resolve_run(_store(settings), text)


@st.cache_resource(max_entries=500, show_spinner=False)
def _spec(settings: Settings, run_id: str) -> RunSpec:
    return get_spec(_store(settings), run_id)


@st.cache_resource(show_spinner=False)
def _histories(settings: Settings) -> HistoryReader:
    return HistoryReader(_store(settings))


@st.cache_resource(show_spinner=False)
def _ended_histories(settings: Settings) -> EndedHistories:
    return EndedHistories(_histories(settings))


@st.cache_resource(max_entries=20_000, show_spinner=False)
def _verdict(
    settings: Settings, run_id: str, length: object, _run: Run, _histories: Histories
) -> Verdict | None:
    return judge(_run, _histories.frame(run_id))


def _length(run: Run, histories: Histories) -> tuple[object, ...]:
    return (_state(run), *(len(histories.points(run.id, m).steps) for m in ("loss", "val_loss")))


@st.cache_data(max_entries=200, show_spinner=False)
def _artifacts(settings: Settings, run_id: str, state: str) -> list[Artifact]:
    return list_artifacts(_store(settings), run_id)


@st.cache_data(max_entries=200, show_spinner=False)
def _checkpoints(settings: Settings, run_id: str, state: str) -> list[Checkpoint]:
    return list_checkpoints(_store(settings), run_id)


@st.cache_data(max_entries=500, show_spinner=False)
def _artifact(settings: Settings, run_id: str, state: str, path: str) -> Path:
    return fetch_artifact(_store(settings), run_id, path)


@st.cache_resource(show_spinner=False)
def _keras(settings: Settings) -> "KerasProcess":
    from experiments.running.keras_client import KerasProcess

    process = KerasProcess(settings)
    process.start()
    return process


@st.cache_resource(show_spinner=False)
def _previews(settings: Settings) -> Previews:
    return Previews(_keras(settings))


@st.cache_resource(show_spinner=False)
def _downloads() -> Downloads:
    return Downloads()


@st.cache_resource(show_spinner=False)
def _worker(settings: Settings) -> WorkerWatch:
    return WorkerWatch(_store(settings))


@st.cache_resource(show_spinner=False)
def _uploaded_keras(settings: Settings) -> "KerasProcess":
    from experiments.running.keras_client import KerasProcess, Limits

    process = KerasProcess(settings, Limits())
    process.start()
    return process


@st.cache_data(max_entries=50, show_spinner=False)
def _opened_model(settings: Settings, key: str, _source: ModelSource) -> dict[str, Any]:
    if _source.run:
        return _keras(settings).ask("open_model", run_id=_source.run.id)
    try:
        return _uploaded_keras(settings).ask("open_file", path=str(_source.path))
    except ExperimentsError as error:
        return {"refused": str(error)}


@st.cache_data(max_entries=200, show_spinner=False)
def _ask_model(
    settings: Settings,
    key: str,
    operation: str,
    arguments: dict[str, Any],
    _source: ModelSource,
) -> dict[str, Any]:
    process = _keras(settings) if _source.run else _uploaded_keras(settings)
    return process.ask(operation, source=_source.asked, **arguments)


@st.cache_data(max_entries=100, show_spinner=False)
def _ask_run(
    settings: Settings, run_id: str, state: str, operation: str, arguments: dict[str, Any]
) -> dict[str, Any]:
    return _keras(settings).ask(operation, run_id=run_id, **arguments)


@st.cache_data(max_entries=100, show_spinner=False)
def _inspection(
    settings: Settings,
    key: str,
    other: str,
    _source: ModelSource,
    _against: ModelSource | None,
) -> dict[str, Any]:
    from experiments.inspection.inspect_process import inspect_file

    against = _model_file(_against) if _against else None
    return inspect_file(settings, _model_file(_source), against)


def _model_file(source: ModelSource) -> Path:
    return artifact(source.run, "model/model.h5") if source.run else source.path
