"""Histories: what each epoch of a run measured, read for many runs at once and kept."""

import json
import threading
import zlib
from collections.abc import Callable, Sequence

import pandas as pd

from experiments.diagnosis.histories import Histories
from experiments.tracking.direct_database import chunks, is_direct, open_database
from experiments.tracking.direct_histories import read_points
from experiments.tracking.epochs import RunHistory, to_history
from experiments.tracking.history_cache import HistoryCache
from experiments.tracking.live_histories import LiveHistories
from experiments.tracking.points import Logged
from experiments.tracking.runs import Run
from experiments.tracking.served_histories import read_served_points
from experiments.tracking.store import Store

HISTORY_FILE = "history.json"
#: After so many runs, what was read is kept and the progress is told.
_RUNS_A_READ, _RUNS_A_SERVED_READ = 500, 100

#: Told how many of how many runs are read.
Progress = Callable[[int, int], None]


def get_history(store: Store, run: Run) -> pd.DataFrame:
    """The history of a run: indexed by epoch from 0, one column a metric, float64.

    Empty before the first epoch ends. Raises StoreError.
    """
    return read_histories(store, [run]).frame(run.id)


def read_histories(store: Store, runs: Sequence[Run]) -> Histories:
    """The histories of many runs from the store, nothing kept; raises StoreError."""
    logged = _logged(store, runs)
    return _joined({run.id: to_history(run, logged[run.id]) for run in runs}, runs)


def to_frame(history: dict[str, list[float | None]]) -> pd.DataFrame:
    """A plain Keras history dict as a DataFrame; None becomes NaN."""
    frame = pd.DataFrame({name: pd.Series(values, dtype=float) for name, values in history.items()})
    frame.index.name = "epoch"
    return frame


class HistoryReader:
    """Reads histories and keeps them: those of ended runs in memory and on disk, each read from
    the store once; of runs under way only what is new is read. Safe to share between threads.

    A run that is resumed and ends again is read again, as is one of others to which something was
    logged after its end.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._disk = HistoryCache(store.settings.histories)
        self._ended: dict[str, tuple[str, RunHistory]] = {}
        self._live = LiveHistories(store)
        self._reading = threading.Lock()

    def read(self, runs: Sequence[Run], progress: Progress | None = None) -> Histories:
        """The histories of these runs, in their order.

        ``progress`` is told while runs are read from the store. Raises StoreError.
        """
        ended = [run for run in runs if not run.status.is_active]
        missing = self._missing(ended)
        at_once = _RUNS_A_READ if is_direct(self._store.settings) else _RUNS_A_SERVED_READ
        for number, some in enumerate(chunks(missing, at_once)):
            if progress:
                progress(number * at_once, len(missing))
            self._read_ended(some)
        found = {run.id: self._ended[run.id][1] for run in ended}
        under_way = [run for run in runs if run.status.is_active]
        return _joined(found | self._live.look(under_way), runs)

    def known(self, runs: Sequence[Run]) -> Histories:
        """Those of ended runs that are in memory or on disk; the store is not asked."""
        ended = [run for run in runs if not run.status.is_active]
        missing = {run.id for run in self._missing(ended)}
        have = {run.id: self._ended[run.id][1] for run in ended if run.id not in missing}
        return _joined(have, ended)

    def _missing(self, runs: Sequence[Run]) -> list[Run]:
        """The runs that have to be read from the store."""
        states = {run.id: _state(run) for run in runs}
        unknown = [run for run in runs if not self._has(run.id, states[run.id])]
        if not unknown:
            return []
        with self._reading:
            kept = self._disk.load({run.id: states[run.id] for run in unknown})
        for run in unknown:
            if run.id in kept:
                self._ended[run.id] = states[run.id], to_history(run, kept[run.id])
        return [run for run in unknown if run.id not in kept]

    def _read_ended(self, runs: Sequence[Run]) -> None:
        with self._reading:
            states = {run.id: _state(run) for run in runs}
            runs = [run for run in runs if not self._has(run.id, states[run.id])]
            logged = _logged(self._store, runs)
            self._disk.save({run.id: states[run.id] for run in runs}, logged)
        for run in runs:
            self._ended[run.id] = states[run.id], to_history(run, logged[run.id])
            self._live.forget(run.id)

    def _has(self, run_id: str, state: str) -> bool:
        return run_id in self._ended and self._ended[run_id][0] == state


def _logged(store: Store, runs: Sequence[Run]) -> Logged:
    with open_database(store) as database:
        if database:
            return read_points(database, [run.id for run in runs])
    return read_served_points(store, runs)


def _joined(histories: dict[str, RunHistory], runs: Sequence[Run]) -> Histories:
    found = [(run.id, histories[run.id]) for run in runs if run.id in histories]
    return Histories(
        {run_id: history.series for run_id, history in found},
        {run_id: history.logged_steps for run_id, history in found if history.logged_steps},
    )


def _state(run: Run) -> str:
    """Which end of a run it is; others may log to a run after its end."""
    ended = run.ended.timestamp() if run.ended else 0
    if run.is_ours:
        return f"{ended:.3f}"
    return f"{ended:.3f} {zlib.crc32(json.dumps(sorted(run.metrics.items())).encode()):x}"
