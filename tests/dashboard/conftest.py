"""Runs of every status in a real store, and the dashboard driven by AppTest."""

import functools
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from experiments.core.settings import ROOT, read_settings
from experiments.spec.spec_files import parse_spec
from experiments.tracking.changes import create_run, end_run, set_tags, start_run
from experiments.tracking.runs import RunStatus, Tag
from experiments.tracking.store import Store

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest

History = dict[str, list[float]]
MakeRun = Callable[..., str]

OVERFITTING: History = {
    "loss": [2.0 * 0.85**epoch + 0.01 for epoch in range(30)],
    "val_loss": [1.8 * 0.75**epoch + 0.4 + 0.03 * max(epoch - 10, 0) for epoch in range(30)],
    "train_eval_loss": [1.9 * 0.85**epoch + 0.01 for epoch in range(30)],
    "accuracy": [1 - 0.8 * 0.85**epoch for epoch in range(30)],
    "val_accuracy": [0.9 - 0.7 * 0.75**epoch - 0.004 * max(epoch - 10, 0) for epoch in range(30)],
    "train_eval_accuracy": [1 - 0.75 * 0.85**epoch for epoch in range(30)],
    "learning_rate": [0.001] * 30,
    "epoch_seconds": [0.5] * 30,
}


@pytest.fixture
def workspace(workspace, monkeypatch):
    """Without a worker: nothing trains while a page is tested."""
    monkeypatch.setenv("KERASCOPE_WORKER", "external")
    monkeypatch.setattr("experiments.core.settings._in_use", read_settings())
    return workspace


@pytest.fixture
def own_machine(workspace, tmp_path, monkeypatch):
    """The page may read below the folder of the test."""
    monkeypatch.setenv("KERASCOPE_DATA", str(tmp_path))
    monkeypatch.setattr("experiments.core.settings._in_use", read_settings())


@pytest.fixture
def make_run(store: Store, tmp_path: Path) -> MakeRun:
    """Records a run as a worker would, and returns its id."""

    from mlflow.entities import Metric

    def make(
        status: RunStatus = RunStatus.FINISHED,
        history: History | None = OVERFITTING,
        reason: str = "Trained all 30 epochs.",
        artifacts: bool = True,
        **spec: object,
    ) -> str:
        run_id = create_run(store, parse_spec({"name": "a run", **spec}))
        if status is RunStatus.SCHEDULED:
            return run_id
        start_run(store, run_id, "test:1")
        now = int(time.time() * 1000)
        for name, values in (history or {}).items():
            points = [Metric(name, value, now, epoch) for epoch, value in enumerate(values)]
            store.client.log_batch(run_id, metrics=points)
        if status is RunStatus.RUNNING:
            told = {"phase": "training", "epoch": 12, "epochs": 30, "batch": 9, "batches": 45}
            set_tags(store, run_id, {Tag.PROGRESS: json.dumps(told | {"seconds_per_epoch": 0.5})})
            return run_id
        if history:
            best = {
                "best_epoch": float(np.argmin(history["val_loss"])),
                "best_val_loss": min(history["val_loss"]),
                "best_val_accuracy": max(history.get("val_accuracy", [0.0])),
                "val_samples": 360.0,
            }
            store.client.log_batch(
                run_id, metrics=[Metric(name, value, now, 0) for name, value in best.items()]
            )
            set_tags(store, run_id, {Tag.VERDICT: "overfitting"})
        if artifacts:
            folder = tmp_path / run_id
            folder.mkdir()
            truth = np.arange(100) % 10
            np.savez(
                folder / "predictions.npz",
                index=np.arange(1437, 1537),
                truth=truth,
                prediction=np.eye(10)[np.where(truth == 8, 3, truth)],
            )
            (folder / "history.json").write_text(json.dumps(history or {}))
            (folder / "class_names.json").write_text(json.dumps([str(n) for n in range(10)]))
            (folder / "log.txt").write_text("epoch 0 ends\nepoch 1 ends\n")
            store.client.log_artifacts(run_id, str(folder))
        end_run(store, run_id, status, reason)
        return run_id

    return make


@pytest.fixture
def keep_checkpoint(store: Store, tmp_path: Path) -> Callable[..., None]:
    """Records that a run has a checkpoint after so many epochs."""

    def keep(run_id: str, epoch: int) -> None:
        kept = {"epoch": epoch, "batch": 0, "file": "model/model.h5", "roles": ["last"], "bytes": 9}
        store.client.log_text(run_id, json.dumps({"checkpoints": [kept]}), "checkpoints/index.json")

    return keep


@pytest.fixture(scope="session")
def _packages_looked_through_once():
    """Each AppTest looks through the metadata of all installed packages for components."""
    from streamlit.components.v2 import manifest_scanner

    once = functools.cache(manifest_scanner.scan_component_manifests)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", once)
        yield


@pytest.fixture(autouse=True)
def _keras_when_it_is_asked(monkeypatch):
    """The Keras process starts at the first question, and not when a page is opened that may have
    one: it takes 6 s of a core, for each workspace."""
    import streamlit as st

    from dashboard.shared import cache
    from experiments.running.keras_client import KerasProcess, Limits

    def limited(settings):
        return KerasProcess(settings, Limits())

    cached = st.cache_resource(show_spinner=False)
    for name, make in (("_keras", KerasProcess), ("_uploaded_keras", limited)):
        monkeypatch.setattr(cache, name, cached(make))
    yield
    cache._keras.clear()
    cache._uploaded_keras.clear()


@pytest.fixture
def open_page(workspace, _packages_looked_through_once) -> "Callable[..., AppTest]":
    """Opens a page of the dashboard with a query and runs it."""
    from streamlit.testing.v1 import AppTest

    def open_page(page: str, **query: str) -> "AppTest":
        app = AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=60)
        if page != "runs":
            app.run()
            app.switch_page(f"{page}/page.py")
        for name, value in query.items():
            app.query_params[name] = value
        return app.run()

    return open_page


@pytest.fixture
def processes_end(workspace):
    """The caches hold the Keras processes; a test leaves none behind."""
    import streamlit as st

    from dashboard.shared import cache

    yield
    for process in (cache.keras, cache.uploaded_keras):
        process().close()
    st.cache_resource.clear()
    st.cache_data.clear()


def texts(app: "AppTest") -> str:
    """Everything that a page says, in one text."""
    kinds = ("title", "markdown", "caption", "error", "warning", "info", "success", "metric")
    said = [element.value for kind in kinds for element in getattr(app, kind)]
    labels = [element.label for element in app.button] + [m.label for m in app.metric]
    return "\n".join(map(str, [*said, *labels]))
