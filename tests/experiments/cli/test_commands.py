"""The command line as a user runs it: exit codes, messages, JSON on standard output.

Each kind of command runs once in a process of its own, as users run it; further cases run here,
since a process that imports Keras takes ten seconds.
"""

import io
import json
import signal
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image

from experiments.__main__ import main
from experiments.core.settings import ROOT, Settings
from tests.support.waiting import wait_for

EXAMPLES = ROOT / "experiments" / "examples"
OVERFIT = {
    "loss": [1.0, 0.7, 0.5, 0.4, 0.3, 0.22, 0.16, 0.12, 0.09, 0.07],
    "val_loss": [1.1, 0.9, 0.8, 0.75, 0.78, 0.85, 0.95, 1.1, 1.2, 1.4],
}


class Said(NamedTuple):
    """What a command printed."""

    stdout: str
    stderr: str


def call(settings: Settings, *arguments: object, code: int = 0) -> Said:
    """Run a command in a process of its own."""
    result = subprocess.run(
        [sys.executable, "-m", "experiments", *map(str, arguments)],
        cwd=ROOT, env=settings.environment(), capture_output=True, text=True,
    )  # fmt: skip
    assert result.returncode == code, result.stderr
    assert "Traceback" not in result.stderr
    return Said(result.stdout, result.stderr)


def call_here(settings: Settings, *arguments: object, code: int = 0) -> Said:
    """Run a command in this process."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr("experiments.core.settings._in_use", None)
        for name, value in settings.environment().items():
            patch.setenv(name, value)
        assert main([*map(str, arguments)]) == code, err.getvalue()
    return Said(out.getvalue(), err.getvalue())


@pytest.fixture(scope="module")
def home(tmp_path_factory, migrated_database) -> Settings:
    import shutil

    from experiments.core.settings import sqlite_uri

    folder = tmp_path_factory.mktemp("commands")
    shutil.copy(migrated_database, folder / "mlflow.db")
    return Settings(folder, sqlite_uri(folder / "mlflow.db"), "")


@pytest.fixture(scope="module")
def trained(home) -> dict:
    spec = EXAMPLES / "digits_mlp.yaml"
    result = call(home, "run", spec, "--set", "training.epochs=6", "--set", "seed=3", "--json")
    return json.loads(result.stdout)


def test_run_prints_the_id_and_status(trained):
    assert trained["status"] == "FINISHED"
    assert len(trained["run_id"]) == 32


def test_status_lists_runs_and_shows_one(home, trained):
    listed = json.loads(call(home, "status", "--json").stdout)
    assert [run["run_id"] for run in listed] == [trained["run_id"]]
    shown = json.loads(call(home, "status", "digits mlp", "--json").stdout)
    assert shown["params"]["training.epochs"] == "6"
    assert shown["metrics"]["best_val_loss"] > 0


def test_diagnose_judges_a_run(home, trained):
    [verdict] = json.loads(call(home, "diagnose", trained["run_id"][:8], "--json").stdout)
    assert verdict["name"] == "digits mlp"
    assert verdict["verdict"] in ("good_fit", "still_improving", "underfitting")


def test_diagnose_judges_history_files_in_their_order(home, tmp_path):
    paths = []
    for number, history in enumerate(
        (OVERFIT, {"loss": [1.0, None]}, {"loss": [3, 2, 1], "val_loss": [3, 2, "NaN"]})
    ):
        paths.append(tmp_path / f"{number}.json")
        paths[-1].write_text(json.dumps(history))
    verdicts = json.loads(call_here(home, "diagnose", "--history", *paths, "--json").stdout)
    assert [verdict["name"] for verdict in verdicts] == list(map(str, paths))
    first = verdicts[0]
    assert (first["verdict"], first["best_epoch"]) == ("overfitting", 3)
    assert first["gap_at_end"] == pytest.approx(1.4 - 0.07)
    assert first["wasted_epochs"] == 6
    assert first["evidence"] and first["advice"]
    assert verdicts[1]["verdict"] == "diverged"
    assert verdicts[2]["verdict"] == "diverged"


def test_a_history_file_that_is_none_is_refused_and_the_others_are_judged(home, tmp_path):
    good, bad, gone = tmp_path / "good.json", tmp_path / "bad.json", tmp_path / "gone.json"
    good.write_text(json.dumps(OVERFIT))
    bad.write_text("[1, 2")
    result = call(home, "diagnose", "--json", "--history", bad, good, gone, code=2)
    verdicts = json.loads(result.stdout)
    assert [verdict["verdict"] for verdict in verdicts] == [None, "overfitting", None]
    assert str(bad) in result.stderr


def test_a_thousand_histories_in_one_call(home, tmp_path):
    for number in range(1000):
        (tmp_path / f"{number}.json").write_text(json.dumps(OVERFIT))
    result = call_here(home, "diagnose", "--json", "--history", *sorted(tmp_path.glob("*.json")))
    assert {verdict["verdict"] for verdict in json.loads(result.stdout)} == {"overfitting"}


@pytest.mark.parametrize("kind", ["h5", "weights", "json", "history"])
def test_export_copies_what_is_asked_for(home, trained, tmp_path, kind):
    out = tmp_path / f"out.{kind}"
    (call if kind == "h5" else call_here)(home, "export", trained["run_id"], "--as", kind, out)
    assert out.stat().st_size > 100
    if kind == "history":
        assert len(json.loads(out.read_text())["val_loss"]) == 6


def test_predict_on_rows_and_on_an_image(home, trained, tmp_path):
    np.save(tmp_path / "two.npy", np.zeros((2, 8, 8, 1)))
    answer = json.loads(
        call(home, "predict", trained["run_id"], tmp_path / "two.npy", "--json").stdout
    )
    assert np.allclose(np.sum(answer["predictions"], axis=1), 1)
    assert answer["class_names"] == list("0123456789")
    Image.fromarray(np.full((60, 40, 3), 255, np.uint8)).save(tmp_path / "white.png")
    text = call_here(home, "predict", trained["run_id"], tmp_path / "white.png").stdout
    assert text.strip().endswith("%")


def test_datasets_lists_the_catalog(home):
    rows = json.loads(call_here(home, "datasets", "--json").stdout)
    assert {"digits", "mnist", "two_moons"} <= {row["name"] for row in rows}


def test_a_spec_with_folds_is_trained_once_for_each(home, tmp_path):
    spec = tmp_path / "folds.yaml"
    spec.write_text("dataset: {name: iris}\nsplit: {method: stratified, folds: 3}\n"
                    "training: {epochs: 1}\n")  # fmt: skip
    answer = call_here(home, "run", spec, "--json")
    assert [one["status"] for one in json.loads(answer.stdout)] == ["FINISHED"] * 3
    shown = json.loads(call_here(home, "status", "--json").stdout)
    folds = [
        one["params"]["split.fold"] for one in shown if one["params"].get("split.folds") == "3"
    ]
    assert sorted(folds) == ["1", "2", "3"]


def test_submit_queues_and_says_that_no_worker_lives(home):
    result = call(home, "submit", EXAMPLES / "digits_cnn.yaml", "--json")
    assert json.loads(result.stdout)["status"] == "SCHEDULED"
    assert "python -m experiments worker" in result.stderr
    call_here(home, "stop", json.loads(result.stdout)["run_id"])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["run", "nothing.yaml"], "nothing.yaml"),
        (["run", EXAMPLES / "digits_mlp.yaml", "--set", "training.epochs=0"], "training.epochs"),
        (["submit", EXAMPLES / "digits_mlp.yaml", "--set", "dataset.name=x"], "dataset.name"),
        (["status", "nobody"], "nobody"),
        (["stop", "nobody"], "nobody"),
        (["diagnose"], "Name runs"),
        (["diagnose", "nobody"], "nobody"),
        (["predict", "digits mlp", "nothing.npy"], "nothing.npy"),
        (["export", "nobody", "--as", "h5", "out"], "nobody"),
    ],
)
def test_what_is_refused_ends_with_code_2_and_a_message(home, trained, arguments, says):
    result = call_here(home, *arguments, code=2)
    assert says in result.stderr
    assert result.stdout == ""


def test_input_of_the_wrong_shape_is_refused(home, trained, tmp_path):
    (tmp_path / "rows.json").write_text("[[1, 2, 3]]")
    result = call_here(home, "predict", trained["run_id"], tmp_path / "rows.json", code=2)
    assert "8 × 8 × 1" in result.stderr


def test_a_store_that_is_down_ends_with_code_1_within_seconds(tmp_path):
    settings = Settings(tmp_path, "http://127.0.0.1:9", "")
    result = call(settings, "status", code=1)
    assert "MLFLOW_TRACKING_URI" in result.stderr


def test_ctrl_c_stops_a_foreground_run_after_its_batch_and_keeps_the_model(home, tmp_path):
    command = [
        sys.executable, "-m", "experiments", "run", str(EXAMPLES / "digits_mlp.yaml"), "--json",
        "--set", "training.epochs=5000", "--set", "callbacks.early_stopping=null",
    ]  # fmt: skip
    with subprocess.Popen(
        command, cwd=ROOT, env=home.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    ) as process:  # fmt: skip
        wait_for(lambda: "epoch 1 " in process.stderr.readline())
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    answer = json.loads(out)
    assert answer["status"] == "KILLED"
    call_here(home, "export", answer["run_id"], "--as", "h5", tmp_path / "kept.h5")
