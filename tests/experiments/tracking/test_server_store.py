"""An MLflow server in place of the embedded store, also when it goes away in mid-run."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest

from experiments.core.errors import StoreError
from experiments.core.settings import ROOT, Settings
from experiments.running.queue import submit
from experiments.spec.spec_files import load_spec
from experiments.tracking.artifacts import fetch_artifact
from experiments.tracking.history_reader import get_history
from experiments.tracking.runs import RunStatus, get_run, list_runs
from experiments.tracking.store import Store
from tests.support.waiting import (
    answers,
    free_port,
    wait_for,
    wait_for_end,
    wait_for_epochs,
    worker,
)


@contextmanager
def mlflow_server(settings: Settings, port: int):
    process = subprocess.Popen(
        [sys.executable, "-m", "experiments.tracking.server", "--port", str(port)],
        cwd=ROOT, env=settings.environment(), start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for(lambda: answers(f"http://127.0.0.1:{port}/health"), 120)
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def test_a_server_that_goes_away_in_mid_run_costs_nothing(workspace):
    port = free_port()
    settings = Settings(workspace.home, f"http://127.0.0.1:{port}", "")
    store = Store(settings)
    epochs = 150
    spec = load_spec(f"{{model: {{layers: [16]}}, training: {{epochs: {epochs}}}}}")
    with worker(settings):
        with mlflow_server(settings, port):
            run_id = submit(store, spec)
            wait_for_epochs(store, run_id, 1)
        with pytest.raises(StoreError, match="MLFLOW_TRACKING_URI"):
            list_runs(store)
        folder = settings.run_folders / run_id
        wait_for(lambda: (folder / "result.json").exists())  # training went on without it
        with mlflow_server(settings, port):
            run = wait_for_end(store, run_id)
            assert (run.status, run.reason) == (RunStatus.FINISHED, "Trained all 150 epochs.")
            assert len(store.client.get_metric_history(run_id, "val_loss")) == epochs
            assert len(get_history(store, run)) == epochs
            assert fetch_artifact(store, run_id, "model/model.h5").stat().st_size > 10_000
            assert get_run(store, run_id).verdict
