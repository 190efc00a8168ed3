"""`compare`, reading: all four histories of 1,000 runs × 100 epochs, and 10,000 runs listed."""

import socket
import sqlite3
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, contextmanager
from multiprocessing import get_context
from typing import NamedTuple

import pandas as pd
import psutil

from benchmarks.processes import started, wait_for
from benchmarks.results import Line, Section
from benchmarks.stores import METRICS, make_store
from benchmarks.workspaces import Workspaces
from dashboard.runs.index_query import RunFilter, passing
from experiments.core.settings import Settings, python_command
from experiments.tracking.history_reader import HistoryReader, read_histories
from experiments.tracking.run import Run
from experiments.tracking.run_index import RunIndex, read_index
from experiments.tracking.runs import list_runs
from experiments.tracking.server import server_environment
from experiments.tracking.store import Store

RUNS, EPOCHS = 1000, 100
MANY_RUNS, FEW_EPOCHS = 10_000, 10
SHARE = 20  # MLflow's own ways are measured on one run in so many, and scaled
PLAIN, OURS = "pd.read_sql, one query", "Kerascope, from the database"
_NAMES = ", ".join(f"'{name}'" for name in METRICS)
_ROWS = f"SELECT key, step, value, timestamp, is_nan, run_uuid FROM metrics WHERE key IN ({_NAMES})"

#: A label, what is timed, and by how much its seconds are multiplied.
_Contestant = tuple[str, Callable[[], object], int]


def measure(workspaces: Workspaces, repeats: int) -> list[Section]:
    """Seconds of each way to read, the same rounds for all; then the table of many runs."""
    settings = workspaces.new("read")
    make_store(settings, RUNS, EPOCHS)
    many = workspaces.new("many runs")
    make_store(many, MANY_RUNS, FEW_EPOCHS)
    with _server(settings) as served:
        return [_direct(settings, repeats), _over_http(served, repeats), _listing(many, repeats)]


def _direct(settings: Settings, repeats: int) -> Section:
    store = Store(settings)
    runs = list_runs(store)
    HistoryReader(store).read(runs)  # fills the cache on disk
    lines = _rounds(
        [
            ("SQL scan alone", lambda: _scan(settings), 1),
            (PLAIN, lambda: _plain(settings), 1),
            (OURS, lambda: read_histories(store, runs), 1),
            ("Kerascope, from its cache on disk", lambda: HistoryReader(store).read(runs), 1),
            ("MLflow client, scaled", lambda: _client(store, runs[::SHARE]), SHARE),
        ],
        repeats,
    )
    title = f"Read {len(METRICS)} histories of {RUNS:,} runs × {EPOCHS} epochs, SQLite"
    return Section(f"{title} (aim: 1.2 × and 0.05 s)", lines, PLAIN, [_SCALED])


def _over_http(served: Settings, repeats: int) -> Section:
    store = Store(served)
    runs = list_runs(store)
    lines = _rounds(
        [
            ("Kerascope, over HTTP", lambda: read_histories(store, runs), 1),
            (_INTERVAL, lambda: _interval(served, runs[::SHARE]), SHARE),
            ("MLflow client, scaled", lambda: _client(store, runs[::SHARE]), SHARE),
        ],
        repeats,
    )
    return Section("The same from an MLflow server", lines, _INTERVAL, [_SCALED])


_INTERVAL = "get-history-bulk-interval, scaled"
_SCALED = f"Scaled: measured on one run in {SHARE}, multiplied by {SHARE}."


class _Listed(NamedTuple):
    first_page: float
    sort: float
    condition: float
    filter: float


def _listing(settings: Settings, repeats: int) -> Section:
    found = [_list(Store(settings))[0] for _ in range(repeats)]
    fresh = get_context("spawn")  # a heap with room in it would hide what the index takes
    with ProcessPoolExecutor(1, mp_context=fresh) as process:
        grown = process.submit(_index_memory, settings).result()
    return Section(
        f"Server time of the table of {MANY_RUNS:,} runs (aim: 1 s, then 0.3 s)",
        [
            Line("first page of 50 runs, newest first", [one.first_page for one in found]),
            Line("sort by best val_loss, 50 runs of it", [one.sort for one in found]),
            Line("filter by a best value, 50 runs of it", [one.condition for one in found]),
            Line("filter by a word in any param, 50 runs of it", [one.filter for one in found]),
            Line("memory of the index with what was asked of it", [grown], "MB"),
        ],
    )


def _list(store: Store) -> tuple[_Listed, RunIndex]:
    began = time.perf_counter()
    index = read_index(store)
    index.runs(index.ids[:50])
    first = time.perf_counter()
    index.runs(list(index.best("val_loss").sort_values().index[:50]))
    ordered = time.perf_counter()
    _page_of(index, "best.val_loss < 0.2")
    met = time.perf_counter()
    _page_of(index, "0.003")
    end = time.perf_counter()
    return _Listed(first - began, ordered - first, met - ordered, end - met), index


def _page_of(index: RunIndex, text: str) -> list[Run]:
    kept = passing(index, RunFilter(text))
    return index.runs(list(kept.index[kept][:50]))


def _rounds(contestants: Sequence[_Contestant], repeats: int) -> list[Line]:
    """Each contestant once a round, so that all have the same weather; a first round is not
    counted."""
    samples: dict[str, list[float]] = {label: [] for label, _, _ in contestants}
    for repeat in range(repeats + 1):
        for label, run, scale in contestants:
            began = time.perf_counter()
            run()
            if repeat:
                samples[label].append((time.perf_counter() - began) * scale)
    return [Line(label, seconds) for label, seconds in samples.items()]


def _scan(settings: Settings) -> object:
    query = f"SELECT COUNT(*), SUM(step), SUM(value), SUM(timestamp) FROM ({_ROWS})"
    with closing(sqlite3.connect(str(settings.database))) as connection:
        return connection.execute(query).fetchone()


def _plain(settings: Settings) -> pd.DataFrame:
    with closing(sqlite3.connect(str(settings.database))) as connection:
        return pd.read_sql(_ROWS, connection)


def _client(store: Store, runs: Sequence[Run]) -> object:
    return [store.client.get_metric_history(run.id, name) for run in runs for name in METRICS]


def _interval(served: Settings, runs: Sequence[Run]) -> None:
    ids = "&".join(f"run_ids={run.id}" for run in runs)
    for name in METRICS:
        address = f"{served.tracking_uri}/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval"
        with urllib.request.urlopen(
            f"{address}?{ids}&metric_key={name}&max_results=2500", timeout=120
        ) as answer:
            answer.read()


@contextmanager
def _server(settings: Settings) -> Iterator[Settings]:
    """An MLflow server over the store; a home of its own, so that nothing is cached yet."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = python_command("experiments.tracking.server", "--port", str(port))
    with started(command, server_environment(settings), settings.home / "server.log"):
        address = f"http://127.0.0.1:{port}"
        wait_for(lambda: _answers(f"{address}/health"), f"{address} to answer", 120)
        yield Settings(settings.home / "client", address, address)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _index_memory(settings: Settings) -> float:
    """By how much a process grows that reads the index and asks for all of it, in MB."""
    store, process = Store(settings), psutil.Process()
    assert store.client
    before = process.memory_info().rss
    _, index = _list(store)
    grown = float(process.memory_info().rss - before) / 1e6
    assert len(index) == MANY_RUNS
    return grown
