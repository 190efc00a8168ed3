"""Histories of runs under way: each look reads only what is new, however long the run is."""

import threading
from collections.abc import Sequence

import numpy as np

from experiments.diagnosis.histories import NO_POINTS, Points
from experiments.tracking.direct_database import open_database
from experiments.tracking.direct_histories import read_newer
from experiments.tracking.epochs import RunHistory, to_history
from experiments.tracking.points import LastPoint, Logged
from experiments.tracking.runs import Run
from experiments.tracking.served_histories import read_served_newer
from experiments.tracking.store import Store


class LiveHistories:
    """What is known of runs under way. Safe to share between threads.

    What is logged late for an earlier step is seen when the run has ended and is read as a whole.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._metrics: dict[str, dict[str, _Growing]] = {}
        self._lock = threading.Lock()

    def look(self, runs: Sequence[Run]) -> dict[str, RunHistory]:
        """The histories by now, by run id; raises StoreError."""
        if not runs:
            return {}
        with self._lock:
            for run in runs:
                self._metrics.setdefault(run.id, {})
            seen = {
                run.id: {name: grown.seen for name, grown in self._metrics[run.id].items()}
                for run in runs
            }
            for run_id, metrics in self._newer(seen).items():
                for name, points in metrics.items():
                    self._metrics[run_id].setdefault(name, _Growing()).append(points)
            logged = {run.id: self._logged(run.id) for run in runs}
        return {run.id: to_history(run, logged[run.id]) for run in runs}

    def forget(self, run_id: str) -> None:
        """Drop what is known of a run that is no longer under way."""
        with self._lock:
            self._metrics.pop(run_id, None)

    def _newer(self, seen: dict[str, dict[str, LastPoint]]) -> Logged:
        with open_database(self._store) as database:
            if database:
                return read_newer(database, seen)
        return read_served_newer(self._store, seen)

    def _logged(self, run_id: str) -> dict[str, Points]:
        return {name: grown.points for name, grown in self._metrics[run_id].items()}


class _Growing:
    """Points that are added to without copying those before. Arrays that were handed out keep
    what they had: only what lies behind them is written."""

    def __init__(self) -> None:
        self._room = NO_POINTS
        self._count = 0

    @property
    def points(self) -> Points:
        """All of them by now."""
        return self._room.at(slice(self._count))

    @property
    def seen(self) -> LastPoint:
        """The last one."""
        return LastPoint(
            int(self._room.steps[self._count - 1]), int(self._room.times[self._count - 1])
        )

    def append(self, newer: Points) -> None:
        """Add points that come after those that are here."""
        end = self._count + len(newer.steps)
        if end > len(self._room.steps):
            room = max(2 * end, 64)
            old = self.points
            self._room = Points(*(np.empty(room, part.dtype) for part in NO_POINTS))  # type: ignore[arg-type]
            for part, values in zip(self._room, old, strict=True):
                part[: self._count] = values
        for part, values in zip(self._room, newer, strict=True):
            part[self._count : end] = values
        self._count = end
