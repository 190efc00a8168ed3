"""Runs and histories made by hand, for what the compare page computes."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from experiments.diagnosis.histories import Histories, Points
from experiments.tracking.runs import Run, RunStatus

BEGAN = datetime(2026, 11, 23, 12, tzinfo=UTC)
BEGAN_MS = int(BEGAN.timestamp() * 1000)


def make_run(
    name: str,
    params: Mapping[str, str] | None = None,
    metrics: Mapping[str, float] | None = None,
    tags: Mapping[str, str] | None = None,
    status: RunStatus = RunStatus.FINISHED,
    run_id: str = "",
) -> Run:
    return Run(
        id=run_id or f"id-of-{name}",
        experiment_id="1",
        name=name,
        status=status,
        created=BEGAN,
        started=BEGAN,
        ended=BEGAN + timedelta(seconds=90),
        params=params or {},
        metrics=metrics or {},
        tags=tags or {},
    )


def points(values: Sequence[float], steps: Sequence[int] | None = None) -> Points:
    """One value each 2 s, at epochs 0, 1 .. unless told otherwise."""
    epochs = np.arange(len(values)) if steps is None else np.array(steps)
    times = BEGAN_MS + 2000 * (epochs + 1)
    return Points(epochs.astype(np.int64), np.array(values, dtype=float), times.astype(np.int64))


def make_histories(series: Mapping[str, Mapping[str, Sequence[float]]]) -> Histories:
    """From lists: run id -> metric -> values."""
    return Histories(
        {
            run_id: {metric: points(values) for metric, values in metrics.items()}
            for run_id, metrics in series.items()
        }
    )
