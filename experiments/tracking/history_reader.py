"""Histories: what each epoch of a run measured, read for many runs at once and kept."""

import json
import threading
import zlib
from collections.abc import Callable, Mapping, Sequence

import pandas as pd

from experiments.core.recent import Recent
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

#: Of histories in memory. 10,000 runs with 20 metrics of 100 epochs take 0.6 GB, those read from
#: disk as pages that are given back when memory is short; beyond, the disk is read anew, which
#: costs 0.03 s for 1,000 runs.
MOST_BYTES = 1_000_000_000
_BYTES_A_METRIC = 440  # of Python's objects around three arrays
#: A run and which end of it.
_Key = tuple[str, str]

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
    """Reads histories and keeps them: those of ended runs on disk, each read from the store
    once, and those used last in memory; of runs under way only what is new is read. Safe to share
    between threads.

    A run that is resumed and ends again is read again, as is one of others to which something was
    logged after its end.
    """

    def __init__(self, store: Store, most_bytes: int = MOST_BYTES) -> None:
        self._store = store
        self._disk = HistoryCache(store.settings.histories)
        self._recent = Recent[_Key, RunHistory](most_bytes, _bytes_of)
        self._live = LiveHistories(store)
        self._reading = threading.Lock()

    def read(self, runs: Sequence[Run], progress: Progress | None = None) -> Histories:
        """The histories of these runs, in their order.

        ``progress`` is told while runs are read from the store. Raises StoreError.
        """
        ended = {run.id: (run.id, _state(run)) for run in runs if not run.status.is_active}
        found = self._known(runs, ended)
        missing = [run for run in runs if run.id in ended and run.id not in found]
        at_once = _RUNS_A_READ if is_direct(self._store.settings) else _RUNS_A_SERVED_READ
        for number, some in enumerate(chunks(missing, at_once)):
            if progress:
                progress(number * at_once, len(missing))
            found |= self._read_ended(some, ended)
        under_way = [run for run in runs if run.status.is_active]
        return _joined(found | self._live.look(under_way), runs)

    def known(self, runs: Sequence[Run]) -> Histories:
        """Those of ended runs that are in memory or on disk; the store is not asked."""
        ended = {run.id: (run.id, _state(run)) for run in runs if not run.status.is_active}
        return _joined(self._known(runs, ended), runs)

    def _known(self, runs: Sequence[Run], ended: Mapping[str, _Key]) -> dict[str, RunHistory]:
        """Those in memory or on disk, by run id."""
        found = self._in_memory(ended)
        unknown = [run for run in runs if run.id in ended and run.id not in found]
        if not unknown:
            return found
        with self._reading:
            kept = self._disk.load({run.id: ended[run.id][1] for run in unknown})
        new = {run.id: to_history(run, kept[run.id]) for run in unknown if run.id in kept}
        self._keep(new, ended)
        return found | new

    def _read_ended(self, runs: Sequence[Run], ended: Mapping[str, _Key]) -> dict[str, RunHistory]:
        """Those of some runs, from the store unless another thread has just read them."""
        with self._reading:
            found = self._in_memory({run.id: ended[run.id] for run in runs})
            runs = [run for run in runs if run.id not in found]
            logged = _logged(self._store, runs)
            self._disk.save({run.id: ended[run.id][1] for run in runs}, logged)
            new = {run.id: to_history(run, logged[run.id]) for run in runs}
            self._keep(new, ended)
        return found | new

    def _in_memory(self, ended: Mapping[str, _Key]) -> dict[str, RunHistory]:
        found = self._recent.get(ended.values())
        return {run_id: found[key] for run_id, key in ended.items() if key in found}

    def _keep(self, new: Mapping[str, RunHistory], ended: Mapping[str, _Key]) -> None:
        self._recent.keep({ended[run_id]: new[run_id] for run_id in new}, ended.values())
        for run_id in new:
            self._live.forget(run_id)


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


def _bytes_of(history: RunHistory) -> int:
    points = sum(array.nbytes for points in history.series.values() for array in points)
    steps = sum(array.nbytes for array in history.logged_steps.values())
    return points + steps + _BYTES_A_METRIC * len(history.series)


def _state(run: Run) -> str:
    """Which end of a run it is; others may log to a run after its end."""
    ended = run.ended.timestamp() if run.ended else 0
    if run.is_ours:
        return f"{ended:.3f}"
    return f"{ended:.3f} {zlib.crc32(json.dumps(sorted(run.metrics.items())).encode()):x}"
