"""Histories of many runs: exact, whichever way they are read, and each ended run read once."""

import math
import sqlite3
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from mlflow.entities import Metric

from benchmarks.stores import METRICS, make_store
from experiments.core.settings import Settings
from experiments.diagnosis.histories import Histories
from experiments.spec.run_spec import RunSpec
from experiments.tracking import served_histories
from experiments.tracking.changes import create_run, end_run, start_run
from experiments.tracking.direct_database import change_stamp, open_database
from experiments.tracking.history_cache import SUFFIX
from experiments.tracking.history_reader import HistoryReader, get_history, read_histories
from experiments.tracking.run import RunStatus
from experiments.tracking.run_index import read_index
from experiments.tracking.runs import get_run, list_experiments, list_runs
from experiments.tracking.store import Store
from tests.experiments.tracking.test_server_store import mlflow_server
from tests.support.waiting import free_port

BROKEN = [0.1 + 0.2, math.nan, math.inf, -math.inf, 5e-324, 1e308]


def log(store: Store, run_id: str, name: str, values, *, first: int = 0, time: int = 1000) -> None:
    points = [
        Metric(name, value, time + step, step) for step, value in enumerate(values, start=first)
    ]
    store.client.log_batch(run_id, metrics=points)


def start(store: Store) -> str:
    run_id = create_run(store, RunSpec())
    start_run(store, run_id, "test:1")
    return run_id


def foreign(store: Store, experiment: str = "theirs") -> str:
    found = store.client.get_experiment_by_name(experiment)
    made = found.experiment_id if found else store.client.create_experiment(experiment)
    return store.client.create_run(made).info.run_id


def forget_metrics(store: Store) -> None:
    """Nothing that is read after this can come from the store."""
    with closing(sqlite3.connect(store.settings.database)) as connection, connection:
        connection.execute("DELETE FROM metrics")


def same(some: Histories, others: Histories) -> bool:
    assert some.run_ids == others.run_ids
    for run_id in some.run_ids:
        assert set(some.metrics(run_id)) == set(others.metrics(run_id))
        for metric in some.metrics(run_id):
            pairs = zip(some.points(run_id, metric), others.points(run_id, metric), strict=True)
            assert all(np.array_equal(*pair, equal_nan=True) for pair in pairs), metric
    return True


def test_values_are_read_as_they_were_logged(store):
    run_id = start(store)
    log(store, run_id, "loss", BROKEN)
    end_run(store, run_id, RunStatus.FINISHED, "")
    points = read_histories(store, [get_run(store, run_id)]).points(run_id, "loss")
    np.testing.assert_array_equal(points.values, BROKEN)
    assert points.steps.tolist() == list(range(6))
    assert points.times.tolist() == [1000 + step for step in range(6)]


def test_of_two_values_of_a_step_the_last_by_time_counts(store):
    run_id = start(store)
    log(store, run_id, "loss", [3.0, 2.0], time=2000)
    log(store, run_id, "loss", [9.0, 9.0], time=1000)
    assert get_history(store, get_run(store, run_id))["loss"].tolist() == [3.0, 2.0]


def test_facts_and_the_load_of_the_machine_are_no_history(store):
    run_id = start(store)
    for name in ("loss", "best_val_loss", "test_loss", "system/cpu", "constant_loss"):
        log(store, run_id, name, [1.0, 2.0])
    assert list(get_history(store, get_run(store, run_id))) == ["loss"]


def test_over_http_the_same_comes_back_though_calls_are_cut_off(workspace, monkeypatch):
    make_store(workspace, 7, 40)
    direct = Store(workspace)
    run_id = start(direct)
    log(direct, run_id, "loss", BROKEN[:5])
    end_run(direct, run_id, RunStatus.FINISHED, "")
    runs = list_runs(direct)
    whole = read_histories(direct, runs)
    port = free_port()
    with mlflow_server(Settings(workspace.home, f"http://127.0.0.1:{port}", ""), port):
        served = Store(Settings(workspace.home / "other", f"http://127.0.0.1:{port}", ""))
        assert {run.id for run in list_runs(served)} == {run.id for run in runs}
        assert same(read_histories(served, runs), whole)
        for most in (100, 30):  # a call holds two runs and a half, or not even one
            monkeypatch.setattr(served_histories, "_POINTS_A_CALL", most)
            assert same(read_histories(served, runs), whole)
        monkeypatch.undo()
        reader = HistoryReader(served)
        live = start(direct)
        for first in (0, 3, 6):
            log(direct, live, "loss", [1.0, 0.5, 0.2], first=first)
            found = reader.read([get_run(served, live)]).points(live, "loss")
            assert found.steps.tolist() == list(range(first + 3))
        assert {one.name for one in list_experiments(served)} == {"kerascope", "Default"}


def test_an_ended_run_is_read_once_and_again_after_it_was_resumed(store):
    make_store(store.settings, 20, 10)
    runs = list_runs(store)
    told = []
    first = HistoryReader(store).read(runs, lambda *progress: told.append(progress))
    assert told == [(0, 20)]
    forget_metrics(store)
    assert same(HistoryReader(store).read(runs, told.append), first)  # from the disk
    later = [replace(run, ended=run.created) for run in runs]
    assert HistoryReader(store).read(later).metrics(runs[0].id) == ()


def test_memory_holds_those_used_last_and_all_that_are_read_at_once(store):
    make_store(store.settings, 60, 10)
    runs = [run for run in list_runs(store) if not run.status.is_active]
    everything = read_histories(store, runs)
    one = sum(points.nbytes for points in everything.points(runs[0].id, "loss")) * 20
    reader = HistoryReader(store, most_bytes=10 * one)
    assert same(reader.read(runs), everything)
    forget_metrics(store)
    assert same(reader.read(runs), everything)
    reader = HistoryReader(store, most_bytes=10 * one)
    for run in runs:
        reader.read([run])
    assert len(reader._recent) < 30
    assert same(reader.known(runs), everything)
    assert same(reader.read(runs), everything)


def test_a_broken_cache_file_is_read_again_from_the_store(store):
    make_store(store.settings, 5, 10)
    runs = list_runs(store)
    whole = HistoryReader(store).read(runs)
    for damage in (lambda data: data[:-200], lambda data: bytes(len(data)), lambda data: b""):
        (file,) = store.settings.home.rglob(f"*{SUFFIX}")
        file.write_bytes(damage(file.read_bytes()))
        assert same(HistoryReader(store).read(runs), whole)


def test_small_cache_files_are_joined_and_nothing_is_lost(store):
    make_store(store.settings, 40, 5)
    runs = list_runs(store)
    for run in runs:  # as if each had ended while a page was open
        HistoryReader(store).read([run])
    assert len(list(store.settings.home.rglob(f"*{SUFFIX}"))) < 20
    whole = read_histories(store, runs)
    forget_metrics(store)
    assert same(HistoryReader(store).read(runs), whole)


def test_two_readers_share_the_cache_and_a_joined_file_stays_readable(store):
    make_store(store.settings, 40, 5)
    runs = list_runs(store)
    one, other = HistoryReader(store), HistoryReader(store)
    for number, run in enumerate(runs):
        (one, other)[number % 2].read([run])
    assert same(one.read(runs), other.read(runs))


def test_a_look_at_a_live_run_reads_only_what_is_new(store):
    run_id = start(store)
    reader = HistoryReader(store)
    handed_out = []
    for first in range(0, 200, 20):
        log(store, run_id, "loss", np.arange(first, first + 20) / 7, first=first)
        handed_out.append(reader.read([get_run(store, run_id)]).points(run_id, "loss"))
    for number, points in enumerate(handed_out, start=1):
        assert points.values.tolist() == [step / 7 for step in range(20 * number)]
    with closing(sqlite3.connect(store.settings.database)) as connection, connection:
        connection.execute("DELETE FROM metrics WHERE step < 190")  # what is known is not read
    log(store, run_id, "loss", [0.0], first=200)
    assert len(reader.read([get_run(store, run_id)]).points(run_id, "loss").steps) == 201


def test_epochs_are_those_that_lightning_logged_beside_its_steps(store):
    run_id = foreign(store)
    for epoch in range(4):
        for step in (20 * epoch + 9, 20 * epoch + 19):
            log(store, run_id, "train_loss", [1 / (step + 1)], first=step)
            log(store, run_id, "epoch", [float(epoch)], first=step)
        log(store, run_id, "val_loss", [2 / (epoch + 1)], first=20 * epoch + 19)
    log(store, run_id, "test_acc", [0.5], first=80)
    store.client.set_terminated(run_id)
    run = get_run(store, run_id)
    assert not run.is_ours
    histories = read_histories(store, [run])
    assert set(histories.metrics(run_id)) == {"loss", "val_loss"}
    loss = histories.points(run_id, "loss")
    assert loss.steps.tolist() == [0, 1, 2, 3]
    assert loss.values.tolist() == [1 / 20, 1 / 40, 1 / 60, 1 / 80]
    assert histories.logged_steps(run_id, "loss").tolist() == [19, 39, 59, 79]
    assert histories.frame(run_id)["val_loss"].tolist() == [2.0, 1.0, 2 / 3, 0.5]


def test_the_value_that_autolog_logs_twice_is_left_out(store):
    run_id = foreign(store)
    log(store, run_id, "loss", [3.0, 2.0])
    log(store, run_id, "val_loss", [3.0, 2.5])
    log(store, run_id, "validation_loss", [2.5])
    assert set(get_history(store, get_run(store, run_id))) == {"loss", "val_loss"}


def test_values_that_were_logged_without_a_step_are_counted(store):
    run_id = foreign(store)
    for time, value in enumerate([3.0, 1.0, 2.0]):
        store.client.log_metric(run_id, "train_loss", value, timestamp=1000 + time, step=0)
    assert get_history(store, get_run(store, run_id))["loss"].tolist() == [3.0, 1.0, 2.0]


def test_a_run_of_others_is_read_again_when_something_was_logged_after_its_end(store):
    run_id = foreign(store)
    log(store, run_id, "val_loss", [3.0, 2.0])
    store.client.set_terminated(run_id)
    reader = HistoryReader(store)
    assert len(reader.read([get_run(store, run_id)]).frame(run_id)) == 2
    log(store, run_id, "val_loss", [1.0], first=2)
    assert len(reader.read([get_run(store, run_id)]).frame(run_id)) == 3


def test_tables_that_are_not_known_are_left_to_mlflows_client(store):
    run_id = start(store)
    with closing(sqlite3.connect(store.settings.database)) as connection, connection:
        connection.execute("ALTER TABLE metrics RENAME COLUMN is_nan TO was_nan")
    with open_database(store) as database:
        assert database is None
    assert get_run(store, run_id).name  # through the client


def test_runs_read_directly_are_those_of_mlflows_client(store):
    make_store(store.settings, 3, 5)
    run_id = start(store)
    log(store, run_id, "loss", BROKEN)
    for run in list_runs(store):
        theirs = store.client.get_run(run.id)
        assert run.params == theirs.data.params and run.tags == theirs.data.tags
        assert set(run.metrics) == set(theirs.data.metrics)
        assert (run.name, run.status) == (theirs.info.run_name, theirs.info.status)
        assert int(run.created.timestamp() * 1000) == theirs.info.start_time


def test_experiments_are_listed_ours_first_with_their_runs(store):
    make_store(store.settings, 3, 5)
    foreign(store)
    found = list_experiments(store)
    assert [(one.name, one.runs) for one in found] == [
        ("kerascope", 3),
        ("Default", 0),
        ("theirs", 1),
    ]
    (run,) = list_runs(store, experiments=[found[2].id])
    assert not run.is_ours


@pytest.fixture
def index(store):
    make_store(store.settings, 30, 20)
    return read_index(store)


def test_an_index_sorts_by_best_values_and_shows_whole_runs(store, index):
    runs = {run.id: run for run in list_runs(store)}
    assert index.ids == list(runs)
    best = index.best("val_loss")
    assert best.to_dict() == {id_: run.metrics["best_val_loss"] for id_, run in runs.items()}
    some = list(best.sort_values().index[:5])
    assert index.runs(some) == [runs[run_id] for run_id in some]


def test_the_best_value_of_others_runs_is_that_of_all_they_logged(store):
    run_id = foreign(store)
    log(store, run_id, "eval_loss", [3.0, 0.5, math.nan, math.inf, 2.0])
    experiment = get_run(store, run_id).experiment_id
    found = read_index(store, experiments=[experiment])
    assert found.best("val_loss").to_dict() == {run_id: 0.5}
    assert found.best("val_loss", higher_is_better=True).to_dict() == {run_id: 3.0}


def test_an_index_filters_by_name_id_and_params(store, index):
    runs = list_runs(store)
    assert index.matching("RUN").all()
    wanted = {run.id for run in runs if run.params["training.learning_rate"] == "0.0003"}
    found = index.matching("0.0003")
    assert set(found.index[found]) == wanted
    assert index.matching(runs[3].id[:12]).sum() == 1
    assert not index.matching("100%").any() and not index.matching("run nothing").any()


def test_the_stamp_changes_with_every_change(store):
    run_id = start(store)
    before = change_stamp(store.settings)
    assert change_stamp(store.settings) == before
    log(store, run_id, "loss", [1.0])
    assert change_stamp(store.settings) != before


def test_a_made_store_has_what_mlflow_expects(store):
    ids = make_store(store.settings, 2, 8)
    for run_id in ids:
        assert set(METRICS) <= set(store.client.get_run(run_id).data.metrics)
        assert len(store.client.get_metric_history(run_id, "val_loss")) == 8
