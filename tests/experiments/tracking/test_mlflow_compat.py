"""What MLflow has inside is there and means what it meant; each test names both versions."""

import sqlite3
from contextlib import closing

import mlflow
import pytest
from mlflow.entities import Metric
from mlflow.exceptions import MlflowException

from experiments.core.settings import Settings
from experiments.spec.run_spec import RunSpec
from experiments.tracking import mlflow_compat as compat
from experiments.tracking.changes import create_run, start_run
from experiments.tracking.store import Store
from tests.experiments.tracking.test_server_store import mlflow_server
from tests.support.waiting import free_port, wait_for


@pytest.fixture(autouse=True, params=[f"seen in {compat.SEEN_IN}, here {mlflow.__version__}"])
def _versions() -> None:
    """In the name of every test, so that a failure says what changed between."""


def test_an_empty_database_gets_all_tables_and_no_experiment(tmp_path):
    path = tmp_path / "new.db"
    compat.make_tables(f"sqlite:///{path}")
    with closing(sqlite3.connect(path)) as database:
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
        assert {"runs", "metrics", "latest_metrics", "params", "tags", "alembic_version"} <= tables
        assert database.execute("SELECT count(*) FROM experiments").fetchone() == (0,)
    path.replace(moved := tmp_path / "moved.db")  # nothing holds it open
    assert Store(Settings(tmp_path, f"sqlite:///{moved}", "")).experiment_id


def test_a_server_is_asked_with_the_manners_of_the_client(workspace):
    port = free_port()
    settings = Settings(workspace.home / "other", f"http://127.0.0.1:{port}", "")
    endpoint = "/ajax-api/2.0/mlflow/metrics/get-history-bulk"
    with mlflow_server(Settings(workspace.home, settings.tracking_uri, ""), port):
        store = Store(settings)
        run_id = create_run(store, RunSpec())
        store.client.log_batch(run_id, metrics=[Metric("loss", 0.5, 1000, 3)])
        answer = compat.ask_server(
            settings.tracking_uri, endpoint, metric_key="loss", run_id=[run_id]
        )
        assert [(row["step"], row["value"]) for row in answer["metrics"]] == [(3, 0.5)]
        with pytest.raises(MlflowException, match="run_id"):
            compat.ask_server(settings.tracking_uri, endpoint, metric_key="loss")


def test_the_last_points_of_a_run_have_their_steps_and_times(store):
    """In public, by what ``to_proto`` gives; ``data.metrics`` has values alone."""
    run_id = create_run(store, RunSpec())
    points = [Metric("a", float("nan"), 1000, 0), Metric("b", 1.0, 5, 7), Metric("b", 2.0, 6, 8)]
    store.client.log_batch(run_id, metrics=points)
    found = store.client.get_run(run_id).data.to_proto().metrics
    assert sorted((one.key, one.step, one.timestamp) for one in found) == [
        ("a", 0, 1000), ("b", 8, 6),
    ]  # fmt: skip


def test_one_file_of_a_run_is_deleted(store):
    run_id = create_run(store, RunSpec())
    for path in ("kept/a.txt", "kept/b.txt"):
        store.client.log_text(run_id, "text", path)
    compat.delete_artifact(store.client.get_run(run_id).info.artifact_uri, "kept/a.txt")
    assert [item.path for item in store.client.list_artifacts(run_id, "kept")] == ["kept/b.txt"]


def test_the_load_of_the_machine_is_recorded_while_the_run_stays_as_it_is(store):
    run_id = create_run(store, RunSpec())
    start_run(store, run_id, "test:1")

    def recorded() -> set[str]:
        return set(store.client.get_run(run_id).data.metrics)

    with compat.system_metrics(run_id, store.settings.tracking_uri, 0.2):
        wait_for(lambda: "system/cpu_utilization_percentage" in recorded(), 60)
        assert mlflow.active_run() is None
    assert store.client.get_run(run_id).info.status == "RUNNING"
