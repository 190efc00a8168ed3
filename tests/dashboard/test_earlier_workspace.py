"""Every page opens a workspace of Kerascope 0.1."""

from pathlib import Path

import pytest

from experiments.core.settings import Settings, read_settings
from experiments.tracking.runs import list_runs, resolve_run
from experiments.tracking.store import Store
from tests.dashboard.conftest import texts
from tests.support.earlier_workspaces import unpack

FLOWERS = "flowers@7e430e23f361bc01"


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch) -> Settings:
    home = unpack(tmp_path / "workspace").home
    monkeypatch.setenv("KERASCOPE_HOME", str(home))
    monkeypatch.setenv("KERASCOPE_WORKER", "external")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr("experiments.core.settings._in_use", read_settings())
    return read_settings()


@pytest.fixture
def opened(open_page):
    def opened(page, **query):
        app = open_page(page, **query)
        assert not app.exception, app.exception
        assert not app.error, [error.value for error in app.error]
        return app

    return opened


def test_the_lists_open(opened):
    names = ["queued", "stopped", "flowers", "tiny with dropout", "digits mlp"]
    assert list(opened("runs").dataframe[0].value["Name"]) == names
    assert opened("data").dataframe[0].value["Dataset"].iloc[0] == "flowers"
    opened("pretrained")


def test_every_run_opens(opened, store: Store):
    for run in list_runs(store):
        assert run.name in texts(opened("run", run=run.id))


def test_runs_are_compared(opened, store: Store):
    opened("compare", runs=",".join(run.id for run in list_runs(store)))


def test_a_run_is_cloned(opened, store: Store, processes_end):
    opened("launch", clone=resolve_run(store, "flowers").id)


def test_a_dataset_opens(opened):
    assert "flowers" in texts(opened("data", name=FLOWERS))


def test_a_model_opens(opened, store: Store, processes_end):
    opened("models", run=resolve_run(store, "tiny with dropout").id)


def test_what_a_newer_version_wrote_is_told_of(open_page, store: Store):
    run = resolve_run(store, "tiny with dropout")
    for file in ("checkpoints/index.json", "split_audit.json"):
        store.client.log_text(run.id, '{"format": 2}', file)
    app = open_page("run", run=run.id)
    assert not app.exception
    assert "The split audit was written by a newer Kerascope" in app.error[0].value
    app.session_state["resume open"] = True
    assert "checkpoints was written by a newer Kerascope" in texts(app.run())
    assert not app.exception
