"""Points of runs that have ended, kept on disk as Arrow files that are mapped into memory.

The folder can be deleted at any time, and several processes may use it: a file is written under
another name, then renamed, and never changed. Many small files are joined to one now and then.
"""

import contextlib
import logging
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from filelock import FileLock, Timeout

from experiments.core.atomic_files import replacing
from experiments.diagnosis.histories import NO_POINTS, Points
from experiments.tracking.points import Logged

if TYPE_CHECKING:
    import pyarrow as pa

SUFFIX = ".v1.arrow"  # the number changes with what is in the files
_MANY_FILES = 16
_SMALL = 16_000_000  # bytes; larger files are left as they are
_MOST_BYTES = 2_000_000_000  # on disk; the oldest files go first

_NO_METRIC = ""  # stands for a run that has no history, so that it is not asked for again


class _Place(NamedTuple):
    """Where a run is: in which file, under which state, in which rows."""

    file: Path
    state: str
    start: int
    end: int


class _Segment(NamedTuple):
    """One file, mapped: a row is a metric of a run, its points are between two offsets."""

    metrics: list[str]
    offsets: np.ndarray
    points: Points


class HistoryCache:
    """What the store answered about ended runs, by run id and a text that says which end it was.

    Not safe for several threads at once.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._segments: dict[Path, _Segment] = {}
        self._places: dict[str, _Place] = {}

    def load(self, states: Mapping[str, str]) -> Logged:
        """The points of those runs that are here in the state that is asked for."""
        if any(not self._has(*item) for item in states.items()):
            self._look_for_files()
        return {run_id: self._points(run_id) for run_id, state in states.items()
                if self._has(run_id, state)}  # fmt: skip

    def save(self, states: Mapping[str, str], logged: Logged) -> None:
        """Keep the points of these runs. A disk that is full or read-only costs only the cache."""
        if not states:
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._write(_to_table(states, logged))
            self._tidy()
        except OSError as error:
            logging.getLogger(__name__).warning("Histories are not kept on disk: %s", error)

    def _has(self, run_id: str, state: str) -> bool:
        place = self._places.get(run_id)
        return place is not None and place.state == state

    def _points(self, run_id: str) -> dict[str, Points]:
        place = self._places[run_id]
        segment = self._segments[place.file]
        bounds = segment.offsets[place.start : place.end + 1].tolist()
        return {
            metric: segment.points.at(slice(start, end))
            for metric, start, end in zip(
                segment.metrics[place.start : place.end], bounds[:-1], bounds[1:], strict=True
            )
            if metric != _NO_METRIC
        }

    def _look_for_files(self) -> None:
        for file in self._files():
            if file in self._segments:
                continue
            try:
                self._open(file)
            except FileNotFoundError:  # another process has just joined it to others
                continue
            except (OSError, ValueError, LookupError, TypeError) as error:  # as Arrow raises them
                logging.getLogger(__name__).warning("%s is broken, read again: %s", file, error)
                with contextlib.suppress(OSError):
                    file.unlink()

    def _open(self, file: Path) -> None:
        table = _map(file)
        table.validate()
        runs, states, metrics = (
            table.column(name).to_pylist() for name in ("run", "state", "metric")
        )
        lists = [table.column(name).chunk(0) for name in Points._fields]
        offsets = lists[0].offsets.to_numpy()
        points = Points(*(part.values.to_numpy() for part in lists))
        if len({len(part) for part in points}) > 1 or offsets[-1] > len(points.steps):
            raise ValueError("its columns differ in length")
        self._segments[file] = _Segment(metrics, offsets, points)
        starts = [row for row in range(len(runs)) if row == 0 or runs[row] != runs[row - 1]]
        for start, end in zip(starts, [*starts[1:], len(runs)], strict=True):
            self._places[runs[start]] = _Place(file, states[start], start, end)

    def _files(self) -> list[Path]:
        """Oldest first, so that a later state of a run counts."""
        found = []
        for file in self.folder.glob(f"*{SUFFIX}"):
            with contextlib.suppress(FileNotFoundError):
                found.append((file.stat().st_mtime_ns, file))
        return [file for _, file in sorted(found)]

    def _write(self, table: "pa.Table") -> Path:
        import pyarrow as pa

        finished = self.folder / f"{time.time_ns()}-{os.getpid()}{SUFFIX}"
        with replacing(finished) as unfinished, unfinished.open("wb") as file:
            with pa.ipc.new_file(file, table.schema) as writer:
                writer.write_table(table)
            file.flush()
            os.fsync(file.fileno())  # else a power cut may leave a whole file of zeros
        return finished

    def _tidy(self) -> None:
        """Join the small files if they are many; delete the oldest if all take too much."""
        files = self._files()
        small = [file for file in files if _size(file) < _SMALL]
        if len(small) >= _MANY_FILES:
            with contextlib.suppress(Timeout), FileLock(self.folder / "lock", timeout=0):
                self._join(small)
        for file in files:
            if sum(map(_size, files)) <= _MOST_BYTES:
                break
            files = files[1:]
            file.unlink(missing_ok=True)

    def _join(self, files: Sequence[Path]) -> None:
        logged: Logged = {}
        states: dict[str, str] = {}
        self._look_for_files()
        for run_id, place in self._places.items():
            if place.file in files:
                logged[run_id] = self._points(run_id)
                states[run_id] = place.state
        self._write(_to_table(states, logged))
        for file in files:
            with contextlib.suppress(OSError):  # Windows keeps what is mapped; the copy is harmless
                file.unlink()


def _to_table(states: Mapping[str, str], logged: Logged) -> "pa.Table":
    import pyarrow as pa

    rows: list[tuple[str, str, str, Points]] = [
        (run_id, state, metric, points)
        for run_id, state in states.items()
        for metric, points in (logged[run_id] or {_NO_METRIC: NO_POINTS}).items()
    ]
    runs, texts, metrics, points = zip(*rows, strict=True) if rows else ((), (), (), ())
    offsets = np.cumsum([0, *(len(some.steps) for some in points)], dtype=np.int32)
    columns = [pa.array(texts, pa.string()) for texts in (runs, texts, metrics)]
    for name in Points._fields:
        parts = [getattr(NO_POINTS, name), *(getattr(some, name) for some in points)]
        columns.append(pa.ListArray.from_arrays(offsets, np.concatenate(parts)))
    return pa.table(columns, names=["run", "state", "metric", *Points._fields])


def _map(file: Path) -> "pa.Table":
    import pyarrow as pa

    with pa.memory_map(str(file)) as mapped:
        return pa.ipc.open_file(mapped).read_all()


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0
