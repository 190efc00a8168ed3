"""Runs: what one is, and finding them. All state is in MLflow."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from experiments.errors import ArtifactError, RunNotFoundError
from experiments.spec_files import load_spec
from experiments.specs import HIGHER_IS_BETTER, RunSpec
from experiments.tracking.store import Store, asks_store

if TYPE_CHECKING:
    from mlflow.entities import Run as MlflowRun

SPEC_FILE = "spec.yaml"
_LARGEST = 1.7976931348623157e308  # MLflow's SQL stores return infinity as the largest float


class RunStatus(StrEnum):
    """MLflow's own names."""

    SCHEDULED = "SCHEDULED"
    RUNNING = "RUNNING"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    KILLED = "KILLED"

    @property
    def is_active(self) -> bool:
        """Whether the run is still to come or under way."""
        return self in (RunStatus.SCHEDULED, RunStatus.RUNNING)


class Tag(StrEnum):
    """The tags that carry what MLflow has no field for."""

    STARTED = "kerascope.started"
    REASON = "kerascope.reason"
    STOP = "kerascope.stop_requested"
    WORKER = "kerascope.worker"
    PROGRESS = "kerascope.progress"
    VERDICT = "kerascope.verdict"
    SEAMS = "kerascope.seams"
    EPOCHS = "kerascope.epochs"
    SPENT = "kerascope.spent_seconds"
    COLOR = "mlflow.runColor"
    PARENT = "mlflow.parentRunId"
    NOTE = "mlflow.note.content"
    USER = "mlflow.user"
    SOURCE = "mlflow.source.name"
    SOURCE_TYPE = "mlflow.source.type"


@dataclass(frozen=True)
class Run:
    """A snapshot of one run.

    ``metrics`` are the last values, and ``best_epoch`` and ``best_<metric>`` beside them once the
    run has ended. ``progress`` holds ``phase``, ``epoch``, ``epochs``, ``batch``, ``batches``.
    """

    id: str
    experiment_id: str
    name: str
    status: RunStatus
    created: datetime
    started: datetime | None
    ended: datetime | None
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    tags: Mapping[str, str] = field(repr=False)
    deleted: bool = False

    @property
    def color(self) -> str:
        """The run's colour, the same everywhere."""
        return self.tags.get(Tag.COLOR, "#3b82f6")

    @property
    def reason(self) -> str:
        """Why it ended, or what stands in its way; empty while all is well."""
        return self.tags.get(Tag.REASON, "")

    @property
    def verdict(self) -> str | None:
        """The verdict's label, set when the run ends."""
        return self.tags.get(Tag.VERDICT)

    @property
    def parent_id(self) -> str | None:
        """The run that this one came from."""
        return self.tags.get(Tag.PARENT)

    @property
    def stop_requested(self) -> bool:
        """Whether somebody asked it to stop."""
        return Tag.STOP in self.tags

    @property
    def progress(self) -> dict[str, Any]:
        """How far the training process is; empty before it starts."""
        return json.loads(self.tags.get(Tag.PROGRESS, "{}"))

    @property
    def epochs(self) -> int:
        """How many epochs it shall have: those of the spec, or of the last resume."""
        return int(self.tags.get(Tag.EPOCHS) or self.params.get("training.epochs") or 0)

    @property
    def seams(self) -> list[int]:
        """The epochs, from 0, before which it was resumed or branched off."""
        found: list[int] = json.loads(self.tags.get(Tag.SEAMS, "[]"))
        return found

    @property
    def seconds(self) -> float | None:
        """How long it has trained so far, or trained in all; None before it starts.

        The time between a stop and a resume does not count.
        """
        if self.started is None:
            return None
        before = float(self.tags.get(Tag.SPENT, 0))
        if self.status is RunStatus.SCHEDULED:
            return before
        return before + ((self.ended or datetime.now(UTC)) - self.started).total_seconds()

    @property
    def main_metric(self) -> str:
        """The first metric of the spec; ``loss`` where there is none."""
        return self.params.get("training.metrics", "").split(",")[0].strip() or "loss"

    @property
    def main_metric_rises(self) -> bool:
        """Whether higher values of the main metric are better."""
        return self.main_metric in HIGHER_IS_BETTER


@asks_store
def get_run(store: Store, run_id: str) -> Run:
    """One run; raises RunNotFoundError."""
    return _to_run(store.client.get_run(run_id))


@asks_store
def list_runs(store: Store, *, deleted: bool = False, most: int = 1000) -> list[Run]:
    """Our runs, newest first; those in the bin if ``deleted``."""
    from mlflow.entities import ViewType

    view = ViewType.DELETED_ONLY if deleted else ViewType.ACTIVE_ONLY
    return [_to_run(run) for run in _search(store, "", view, most)]


@asks_store
def find_runs(store: Store, status: RunStatus) -> list[Run]:
    """Our runs with one status, in the order in which they should be taken: priority, then age."""
    from mlflow.entities import ViewType

    found = _search(store, f"attributes.status = '{status.value}'", ViewType.ACTIVE_ONLY, 1000)
    runs = [_to_run(run) for run in found]
    return sorted(runs, key=lambda run: (-int(run.params.get("priority", 0)), run.created))


@asks_store
def resolve_run(store: Store, text: str) -> Run:
    """The run with this id, this beginning of an id, or this name (the newest).

    Raises RunNotFoundError that says where to find the names.
    """
    try:
        return get_run(store, text)
    except RunNotFoundError:
        runs = list_runs(store)
    matches = [run for run in runs if run.name == text]
    if not matches and len(text) >= 4:
        matches = [run for run in runs if run.id.startswith(text)]
    if not matches:
        raise RunNotFoundError(
            f"No run {text!r} in the store {store.settings.tracking_uri}. Name a run by its id, "
            "the first characters of its id, or its name; `python -m experiments status` lists "
            "them."
        )
    return matches[0]


@asks_store
def get_spec(store: Store, run_id: str) -> RunSpec:
    """The spec of a run, from its spec.yaml; raises ArtifactError."""
    try:
        text = read_text(store, run_id, SPEC_FILE)
    except ArtifactError as error:
        raise ArtifactError(f"{error} Without it the run cannot be trained or cloned.") from None
    return load_spec(text)


def read_text(store: Store, run_id: str, path: str) -> str:
    """The text of an artifact; raises ArtifactError."""
    from experiments.tracking.artifacts import fetch_artifact

    return fetch_artifact(store, run_id, path).read_text(encoding="utf-8")


def _search(store: Store, query: str, view: int, most: int) -> list["MlflowRun"]:
    found: list[MlflowRun] = []
    token = None
    while len(found) < most:
        page = store.client.search_runs(
            [store.experiment_id], query, view, min(most - len(found), 1000), page_token=token
        )
        found += page
        token = page.token
        if not token:
            break
    return found


def _to_run(run: "MlflowRun") -> Run:
    tags = dict(run.data.tags)
    status = RunStatus(run.info.status)
    ended = run.info.end_time if not status.is_active else None  # MLflow keeps it over a resume
    return Run(
        id=run.info.run_id,
        experiment_id=run.info.experiment_id,
        name=run.info.run_name or run.info.run_id[:8],
        status=status,
        created=_to_time(run.info.start_time),
        started=_to_time(int(tags[Tag.STARTED])) if Tag.STARTED in tags else None,
        ended=_to_time(ended) if ended else None,
        params=dict(run.data.params),
        metrics={name: to_value(value) for name, value in run.data.metrics.items()},
        tags=tags,
        deleted=run.info.lifecycle_stage == "deleted",
    )


def to_value(value: float) -> float:
    """A metric's value as it was logged: infinity is infinity again."""
    return math.copysign(math.inf, value) if abs(value) >= _LARGEST else value


def _to_time(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
