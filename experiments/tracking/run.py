"""A run: what MLflow knows of one, as a frozen snapshot."""

import json
import math
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple

#: The source of runs that are made here, by which they are told from those of other tools.
SOURCE = "kerascope"
LARGEST = 1.7976931348623157e308  # MLflow's SQL stores keep infinity as the largest float


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


#: One color a run, kept on every page and in the MLflow UI (its tag mlflow.runColor). Chosen to
#: be told apart on light and dark ground.
COLORS = (
    "#3b82f6", "#f97316", "#10b981", "#e11d48", "#8b5cf6", "#ca8a04",
    "#06b6d4", "#ec4899", "#65a30d", "#6366f1", "#b45309", "#0d9488",
)  # fmt: skip
_COLOR = re.compile(r"#[0-9a-fA-F]{6}")


class Tag(StrEnum):
    """The tags that carry what MLflow has no field for."""

    STARTED = "kerascope.started"
    REASON = "kerascope.reason"
    STOP = "kerascope.stop_requested"
    WORKER = "kerascope.worker"
    PROGRESS = "kerascope.progress"
    VERDICT = "kerascope.verdict"
    VERDICT_REASON = "kerascope.verdict_reason"
    VERDICT_ADVICE = "kerascope.verdict_advice"
    VERDICT_RULES = "kerascope.verdict_rules"
    ONSET_EPOCH = "kerascope.onset_epoch"
    SPLIT_FAULTS = "kerascope.split_faults"
    NOTE_HASH = "kerascope.note_hash"
    REMEDY = "kerascope.remedy"
    FOLDS = "kerascope.folds"
    PHASES = "kerascope.phases"
    SCRATCH = "kerascope.scratch_of"
    RESUME_POINTS = "kerascope.seams"
    EPOCHS = "kerascope.epochs"
    SPENT = "kerascope.spent_seconds"
    DATASET_HASH = "kerascope.dataset"
    DATASET_TITLE = "kerascope.dataset_title"
    DATASET_FILE = "kerascope.dataset_file"
    BASE_HASH = "kerascope.content_hash"
    LOG_HASH = "kerascope.log"
    LOG_KIND = "kerascope.log_kind"
    LOG_AXIS = "kerascope.log_axis"
    LOG_NOTES = "kerascope.log_notes"
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
    def is_ours(self) -> bool:
        """Whether it was made here. Others' runs are only read."""
        return self.tags.get(Tag.SOURCE) == SOURCE

    @property
    def color(self) -> str:
        """The run's color, the same everywhere; of others' runs one that follows from their id."""
        given = self.tags.get(Tag.COLOR, "")
        return (
            given if _COLOR.fullmatch(given) else COLORS[zlib.crc32(self.id.encode()) % len(COLORS)]
        )

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
    def resume_points(self) -> list[int]:
        """The epochs, from 0, before which it was resumed or branched off."""
        found: list[int] = json.loads(self.tags.get(Tag.RESUME_POINTS, "[]"))
        return found

    @property
    def phases(self) -> list[tuple[int, str]]:
        """The epochs, from 0, with which blocks of its base began to train, in words which."""
        return [(epoch, words) for epoch, words in json.loads(self.tags.get(Tag.PHASES, "[]"))]

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


class RunRow(NamedTuple):
    """What MLflow's table of runs itself says; times are in ms since 1970."""

    id: str
    name: str | None
    status: str
    start_time: int | None
    end_time: int | None
    lifecycle_stage: str
    experiment_id: str


def make_run(
    row: RunRow,
    *,
    params: Mapping[str, str],
    metrics: Mapping[str, float],
    tags: Mapping[str, str],
) -> Run:
    """A run from what MLflow stores."""
    status = RunStatus(row.status)
    ended = None if status.is_active else row.end_time  # MLflow keeps it over a resume
    started = int(tags.get(Tag.STARTED, 0))
    if not started and tags.get(Tag.SOURCE) != SOURCE:
        # of others' runs that is when they began; a log without times has but one
        started = (row.start_time or 0) if row.start_time != row.end_time else 0
    return Run(
        id=row.id,
        experiment_id=row.experiment_id,
        name=row.name or row.id[:8],
        status=status,
        created=_to_time(row.start_time or 0),
        started=_to_time(started) if started else None,
        ended=_to_time(ended) if ended else None,
        params=params,
        metrics=metrics,
        tags=tags,
        deleted=row.lifecycle_stage == "deleted",
    )


def to_value(value: float, is_nan: bool = False) -> float:
    """A metric's value as it was logged, from that which MLflow stores."""
    if is_nan:
        return math.nan
    return math.copysign(math.inf, value) if abs(value) >= LARGEST else value


def _to_time(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
