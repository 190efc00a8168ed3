"""The MLflow server over our store: `python -m experiments.tracking.server --port 5000`."""

import argparse
import os
import sys

from experiments.core.errors import ExperimentsError
from experiments.core.settings import Settings, python_command, read_settings, sqlite_uri
from experiments.tracking.store import prepare_database


def server_command(settings: Settings, host: str, port: int) -> list[str]:
    """The command that serves the store; an embedded database is made first.

    With MLflow's defaults the server is 15 processes and 2.9 GB; with one web worker and without
    job execution (see ``server_environment``) 0.5 GB.
    """
    backend = os.environ.get("MLFLOW_BACKEND_STORE_URI") or settings.tracking_uri
    if backend.startswith(("http://", "https://")):  # the server cannot stand on itself
        backend = sqlite_uri(settings.home / "mlflow.db")
    prepare_database(Settings(settings.home, backend, settings.ui_url))
    return python_command(
        "mlflow", "server",
        "--backend-store-uri", backend,
        "--artifacts-destination", str(settings.artifact_root),
        "--host", host,
        "--port", str(port),
        "--workers", "1",
    )  # fmt: skip


def server_environment(settings: Settings) -> dict[str, str]:
    """The server's environment: no job execution, and no tracking address of its own."""
    environment = settings.environment() | {
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    environment.pop("MLFLOW_TRACKING_URI", None)
    return environment


def main() -> None:
    """Become the MLflow server."""
    parser = argparse.ArgumentParser(prog="python -m experiments.tracking.server")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=5000)
    options = parser.parse_args()
    settings = read_settings()
    try:
        command = server_command(settings, options.host, options.port)
    except ExperimentsError as error:
        sys.exit(f"error: {error}")
    os.execve(command[0], command, server_environment(settings))


if __name__ == "__main__":
    main()
