"""A workspace of Kerascope 0.1 opens, and its runs go on."""

import json
import re

import numpy as np
import pytest

from experiments.__main__ import main
from experiments.core.settings import ROOT, Settings
from experiments.data.split.audit import AUDIT_FILE, Audit
from experiments.tracking.artifacts import fetch_artifact, list_checkpoints
from experiments.tracking.run_specs import read_text
from experiments.tracking.runs import resolve_run
from experiments.tracking.store import Store
from tests.support.earlier_workspaces import unpack
from tests.support.waiting import wait_for_end, worker


@pytest.fixture(scope="module")
def settings(tmp_path_factory) -> Settings:
    return unpack(tmp_path_factory.mktemp("earlier") / "work space")


@pytest.fixture
def store(settings, monkeypatch) -> Store:
    monkeypatch.setenv("KERASCOPE_HOME", str(settings.home))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr("experiments.core.settings._in_use", settings)
    return Store(settings)


@pytest.fixture
def call(store, capsys):
    def call(*arguments):
        assert main([*map(str, arguments), "--json"]) == 0, capsys.readouterr().err
        return json.loads(capsys.readouterr().out)

    return call


def test_its_runs_are_listed_and_judged(call):
    statuses = {run["name"]: run["status"] for run in call("status")}
    assert statuses == {
        "digits mlp": "FINISHED", "tiny with dropout": "FINISHED", "flowers": "FINISHED",
        "stopped": "KILLED", "queued": "SCHEDULED",
    }  # fmt: skip
    verdicts = {one["name"]: one["verdict"] for one in call("diagnose", "stopped", "digits mlp")}
    assert verdicts == {"stopped": "still_improving", "digits mlp": "cant_tell"}


def test_its_datasets_and_bases_are_found(call, settings):
    (name,) = [one["name"] for one in call("datasets") if "@" in one["name"]]
    assert name == "flowers@7e430e23f361bc01"
    assert [one["name"] for one in call("bases")] == ["base.h5"]


def test_its_models_predict(call, store, tmp_path):
    truth = np.load(fetch_artifact(store, resolve_run(store, "digits mlp").id, "predictions.npz"))
    from sklearn.datasets import load_digits

    np.save(tmp_path / "x.npy", load_digits().data[truth["index"]].reshape(-1, 8, 8, 1))
    answer = call("predict", "digits mlp", tmp_path / "x.npy")
    np.testing.assert_allclose(answer["predictions"], truth["prediction"], atol=1e-4)


def test_a_model_of_its_stored_dataset_predicts(call, tmp_path):
    rows = tmp_path / "rows.csv"
    rows.write_text("height,width,color\n5.1,2.0,red\n8.2,1.0,white\n")
    answer = call("predict", "flowers", rows)
    assert answer["class_names"] == ["rose", "tulip"] and len(answer["predictions"]) == 2


def test_its_models_are_exported(call, tmp_path):
    call("export", "tiny with dropout", "--as", "h5", tmp_path / "model.h5")
    assert (tmp_path / "model.h5").stat().st_size > 10_000


def test_its_checkpoints_and_audits_are_read(store):
    run = resolve_run(store, "tiny with dropout")
    assert [one.epoch for one in list_checkpoints(store, run.id)] == [1, 2]
    audit = Audit.from_dict(json.loads(read_text(store, run.id, AUDIT_FILE)))
    assert audit.part("training").samples == 240


def test_its_stopped_run_goes_on_where_it_stopped(call, store):
    answer = call("resume", "stopped", "--epochs", 63)
    assert answer["status"] == "FINISHED"
    history = json.loads(read_text(store, answer["run_id"], "history.json"))
    assert len(history["val_loss"]) == 63
    log = read_text(store, answer["run_id"], "log.txt")
    assert "begins anew" not in log and "0 of" not in log


def test_its_runs_are_branched(call):
    branched = call("branch", "tiny with dropout", "--epoch", 1, "--set", "training.epochs=2")
    assert branched["status"] == "FINISHED"
    assert call("status", branched["run_id"])["metrics"]["best_val_loss"] > 0


def test_its_queued_run_is_trained(store, settings):
    queued = resolve_run(store, "queued")
    with worker(settings):
        assert wait_for_end(store, queued.id).status == "FINISHED"


def test_the_places_in_the_docs_are_those_of_the_settings(tmp_path):
    settings = Settings(tmp_path, f"sqlite:///{tmp_path}/mlflow.db", "")
    kept = [
        settings.database, settings.artifact_root, settings.run_folders.parent, settings.datasets,
        settings.downloads, settings.features, settings.bases, settings.histories.parent,
        settings.application_times,
    ]  # fmt: skip
    table = (ROOT / "docs" / "upgrading.md").read_text(encoding="utf-8").partition("## Formats")[0]
    told = re.findall(r"^\| `(.+?)` \|", table, re.MULTILINE)
    assert told == [path.relative_to(tmp_path).as_posix() for path in kept]
