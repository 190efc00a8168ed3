"""`compare_live`: what one more epoch of the watched runs costs the server, early and late."""

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing

from benchmarks.results import Line, Section
from benchmarks.stores import METRICS, make_store
from benchmarks.workspaces import Workspaces
from dashboard.chart.curve_chart import Look, compose
from dashboard.chart.curve_messages import Stream
from dashboard.compare.coloring import by_run
from dashboard.compare.curves_view import Choice, run_curves
from experiments.core.settings import Settings
from experiments.tracking.history_reader import HistoryReader
from experiments.tracking.runs import list_runs
from experiments.tracking.store import Store

_WATCHED = 8
_TICKS = 60
_WARM = 10  # ticks that do not count
_EPOCHS = (10, 10_000)
_CHOICE = Choice("loss", ["validation"], "epoch", 0.0, False, False, False, [], "")
_LATER = 2 * 10**12  # ms since 1970, after all that the store has
_NOW = "UPDATE latest_metrics SET value = ?, timestamp = ?, step = ? WHERE run_uuid = ? AND key = ?"


def measure(workspaces: Workspaces) -> list[Section]:
    """Milliseconds and bytes of a tick of the page that compares, all but Streamlit's own part.

    An epoch is written; then the runs and what is new of their histories are read from the store,
    and the message to the browser is made. The early and the late store take turns.
    """
    watched = []
    for epochs in _EPOCHS:
        settings = workspaces.new(f"live-{epochs}")
        ids = make_store(settings, _WATCHED, epochs)
        watched.append((settings, ids, epochs, _tick(settings)))
    took: list[list[float]] = [[] for _ in watched]
    sent: list[list[float]] = [[] for _ in watched]
    for number in range(_TICKS):
        for i, (settings, ids, epochs, tick) in enumerate(watched):
            _write_epoch(settings, ids, epochs + number)
            began = time.perf_counter()
            size = tick()
            if number >= _WARM:
                took[i].append(1000 * (time.perf_counter() - began))
                sent[i].append(float(size))
    labels = [f"epoch {epochs:,}" for epochs in _EPOCHS]
    title = f"tick of {_WATCHED} live runs: "
    milliseconds = [Line(label, s, "ms") for label, s in zip(labels, took, strict=True)]
    sizes = [Line(label, s, "") for label, s in zip(labels, sent, strict=True)]
    return [
        Section(title + "read and made on the server", milliseconds, labels[0]),
        Section(title + "bytes", sizes, labels[0]),
    ]


def _tick(settings: Settings) -> Callable[[], int]:
    """One look of a page, which gives the bytes that it sends."""
    store, stream = Store(settings), Stream()
    reader = HistoryReader(store)

    def look() -> int:
        runs = list_runs(store)
        curves = run_curves(runs, reader.read(runs), _CHOICE, by_run(runs))
        return len(stream.message(compose(curves, [], Look("val_loss", live=True))))

    return look


def _write_epoch(settings: Settings, ids: list[str], epoch: int) -> None:
    assert settings.database is not None
    at = _LATER + 1000 * epoch
    every = [(1.0, at, epoch, run_id, key) for run_id in ids for key in METRICS]
    with closing(sqlite3.connect(settings.database, timeout=60)) as connection, connection:
        connection.execute("UPDATE runs SET status = 'RUNNING', end_time = NULL")
        connection.executemany(
            "INSERT INTO metrics (value, timestamp, step, run_uuid, key, is_nan)"
            " VALUES (?, ?, ?, ?, ?, 0)",
            every,
        )
        connection.executemany(_NOW, every)
