"""Logs of other tools as runs of a real MLflow store."""

import json
from pathlib import Path

import pytest

from experiments.__main__ import main
from experiments.logs import read_log_files
from experiments.running.log_import import import_logs
from experiments.tracking.history_reader import get_history
from experiments.tracking.runs import Tag, get_run, list_experiments, list_runs

FILES = Path(__file__).resolve().parents[2] / "files" / "logs"


def test_a_log_becomes_a_finished_run_with_its_curves_and_a_verdict(store):
    (log,) = read_log_files(FILES / "tensorboard")
    (kept,) = import_logs(store, [log], "from elsewhere", "tensorboard")
    run = get_run(store, kept.run_id)
    assert (run.name, run.status.value, run.is_ours) == ("tensorboard", "FINISHED", False)
    assert run.started.timestamp() * 1000 == pytest.approx(log.started, abs=1)
    assert run.ended.timestamp() * 1000 == pytest.approx(log.ended, abs=1)
    assert run.verdict == "underfitting"
    assert run.tags[Tag.LOG_KIND] == "TensorBoard"
    history = get_history(store, run)
    assert history["val_loss"].tolist() == pytest.approx(log.history["val_loss"].tolist())
    assert list(history.index) == list(range(12))


def test_the_same_curves_are_kept_once_whatever_their_file_is_called(store, tmp_path):
    copy = tmp_path / "renamed.csv"
    copy.write_bytes((FILES / "csvlogger.csv").read_bytes())
    first = import_logs(store, read_log_files(FILES / "csvlogger.csv"))
    again = import_logs(store, read_log_files(copy))
    assert [run.new for run in (*first, *again)] == [True, False]
    assert first[0].run_id == again[0].run_id
    (experiment,) = [e for e in list_experiments(store) if e.name == "imported"]
    assert len(list_runs(store, experiments=[experiment.id])) == 1


@pytest.fixture
def in_use(workspace, monkeypatch):
    """Commands in this process use the workspace."""
    monkeypatch.setattr("experiments.core.settings._in_use", None)
    for name, value in workspace.environment().items():
        monkeypatch.setenv(name, value)


def test_the_command_keeps_what_can_be_read_and_tells_what_not(in_use, tmp_path, capsys):
    bad = tmp_path / "bad.json"
    bad.write_text('{"a": "b"}')
    command = ["import", str(FILES / "history.json"), str(bad), "--experiment", "mine", "--json"]
    assert main(command) == 2
    told = capsys.readouterr()
    kept, refused = json.loads(told.out)
    assert (kept["name"], kept["new"], kept["axis"]) == ("history", True, "epoch")
    assert "Received the text" in refused["error"]
    assert "bad.json" in told.err
    assert main([*command[:2], *command[3:]]) == 0
    assert json.loads(capsys.readouterr().out)[0]["new"] is False


def test_diagnose_reads_logs_of_all_kinds_in_one_call(in_use, tmp_path, capsys):
    export = tmp_path / "export.csv"
    export.write_text(
        '"Step","a - val_loss","a - val_loss__MIN","b - val_loss"\n0,1,1,2\n1,.9,1,2\n'
    )
    files = ["history.json", "csvlogger.csv", "printed.txt", "tensorboard"]
    paths = [*(str(FILES / name) for name in files), str(export)]
    assert main(["diagnose", "--json", "--history", *paths]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in told] == [*paths[:4], f"{export}: a", f"{export}: b"]
    assert {one["verdict"] for one in told[:4]} == {"underfitting"}
    assert told[4]["axis"] == "step"
    assert told[2]["notes"] == ["It counts epochs from 1; here they count from 0."]
