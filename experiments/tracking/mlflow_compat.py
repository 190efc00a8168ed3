"""Everything internal of MLflow that the program calls: here, and nowhere else.

Each function says what no public name of MLflow does. All were last seen in ``SEEN_IN``; for each a
test (tests/experiments/tracking/test_mlflow_compat.py) fails where a newer MLflow lacks the name or
means something else by it. The tables of its database are ``direct_database``'s. MLflow is imported
inside the functions alone: that takes seconds.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

#: The version of MLflow whose internals these are.
SEEN_IN = "3.17.2"


def make_tables(database_uri: str) -> None:
    """Make and migrate all tables in an empty database, and leave no connection to it open.

    A client's first call makes them too, but MLflow then keeps its connections, and makes an
    experiment of its own.
    """
    from mlflow.store.db.utils import _initialize_tables, create_sqlalchemy_engine

    engine = create_sqlalchemy_engine(database_uri)
    try:
        _initialize_tables(engine)
    finally:
        engine.dispose()


def ask_server(server_uri: str, endpoint: str, **parameters: Any) -> dict[str, Any]:
    """The JSON that a server answers to GET, asked with the credentials, the timeouts and the
    retries of MLflow's own client, which has no call for these endpoints.

    Raises MlflowException where it does not answer, or with an error.
    """
    from mlflow.tracking._tracking_service.utils import _get_store
    from mlflow.utils.rest_utils import http_request, verify_rest_response

    credentials = _get_store(server_uri).get_host_creds()
    answer = http_request(credentials, endpoint, "GET", params=parameters)
    found: dict[str, Any] = verify_rest_response(answer, endpoint).json()
    return found


def delete_artifact(artifact_uri: str, path: str) -> None:
    """Delete one file below a run's ``artifact_uri``; the client only lists, logs and downloads."""
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    get_artifact_repository(artifact_uri).delete_artifacts(path)


@contextmanager
def system_metrics(run_id: str, tracking_uri: str, seconds: float) -> Iterator[None]:
    """Within it, MLflow records the machine's load beside a run, every so many seconds.

    In public only ``mlflow.start_run`` does, which makes the run the active one of the thread and
    changes its status.
    """
    from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

    monitor = SystemMetricsMonitor(run_id, sampling_interval=seconds, tracking_uri=tracking_uri)
    monitor.start()
    try:
        yield
    finally:
        monitor.finish()
