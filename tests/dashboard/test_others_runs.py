"""A store that only other tools have logged to: what a first visit says, and how runs are found."""

import subprocess
import sys

import pytest

from experiments.core.errors import RunNotFoundError
from experiments.tracking.history_reader import get_history
from experiments.tracking.runs import list_experiments, list_runs, resolve_run
from experiments.tracking.store import Store
from tests.dashboard.conftest import texts

#: What people's scripts do: autologging of Keras, Hugging Face's and Lightning's calls, a loop.
SCRIPT = """
import sys
import mlflow
mlflow.set_tracking_uri(sys.argv[1])
mlflow.set_experiment("theirs")
import keras
import numpy as np
mlflow.tensorflow.autolog(log_models=False, log_datasets=False)
x = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
y = (x[:, 0] > 0).astype("float32")
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, "sigmoid")])
model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
with mlflow.start_run(run_name="autologged"):
    model.fit(x, y, validation_split=0.25, epochs=6, verbose=0)
mlflow.tensorflow.autolog(disable=True)
with mlflow.start_run(run_name="hugging-face"):
    for step in range(1, 13):
        logged = {"loss": 1 / step, "epoch": step / 4}
        mlflow.log_metrics(logged, step=5 * step)
        if step % 2 == 0:
            mlflow.log_metrics({"eval_loss": 1.5 / step, "epoch": step / 4}, step=5 * step)
with mlflow.start_run(run_name="lightning"):
    for epoch in range(5):
        mlflow.log_metrics({"train_loss_step": 9.0, "epoch": epoch}, step=10 * epoch + 4)
        mlflow.log_metrics({"val_loss": 1 / (epoch + 1), "epoch": epoch}, step=10 * epoch + 9)
        trained = {"train_loss_epoch": 0.9 / (epoch + 1), "epoch": epoch}
        mlflow.log_metrics(trained, step=10 * epoch + 9)
mlflow.set_experiment("loops")
for number in range(2):
    with mlflow.start_run(run_name=f"loop-{number}", tags={"mlflow.runColor": "red;}</style>"}):
        for epoch in range(5):
            mlflow.log_metric("loss", 1 / (epoch + 1), step=epoch)
            mlflow.log_metric("val_loss", 1.1 / (epoch + 1), step=epoch)
"""


@pytest.fixture(scope="module")
def theirs(module_store) -> Store:
    module_store.client  # noqa: B018 - makes the database
    subprocess.run(
        [sys.executable, "-c", SCRIPT, module_store.settings.tracking_uri], check=True,
        capture_output=True, cwd=module_store.settings.home,
    )  # fmt: skip
    return module_store


@pytest.fixture
def workspace(theirs, monkeypatch):
    for name, value in theirs.settings.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("KERASCOPE_WORKER", "external")
    monkeypatch.setattr("experiments.core.settings._in_use", None)
    return theirs.settings


@pytest.mark.parametrize("page", ["runs", "compare"])
def test_the_first_visit_offers_the_runs_of_others(open_page, page):
    app = open_page(page)
    assert not app.exception
    assert "5 runs in 2 other experiments" in texts(app)
    app.button(key="show others").click().run()
    assert not app.exception
    assert "5 runs in" not in texts(app)


def test_every_page_shows_a_run_of_another_tool(open_page, theirs):
    counted = {"autologged": "Epochs", "hugging-face": "Steps", "lightning": "Epochs",
               "loop-0": "Epochs"}  # fmt: skip
    for name, what in counted.items():
        run = resolve_run(theirs, name)
        app = open_page("run", run=run.id)
        assert not app.exception, name
        epochs = next(one for one in app.metric if one.label == what)
        assert "/" not in epochs.value, name
        assert next(one for one in app.metric if one.label == "Duration").value != "–"


def test_what_autolog_measures_once_is_no_curve(theirs):
    history = get_history(theirs, resolve_run(theirs, "autologged"))
    assert {"loss", "accuracy", "val_loss", "val_accuracy"} <= set(history)
    assert not [name for name in history if name.startswith("validation")]
    assert len(history) == 6


def test_every_evaluation_within_an_epoch_is_kept(theirs):
    history = get_history(theirs, resolve_run(theirs, "hugging-face"))
    assert history["val_loss"].dropna().index.tolist() == [10, 20, 30, 40, 50, 60]


def test_lightning_runs_have_epochs(theirs):
    history = get_history(theirs, resolve_run(theirs, "lightning"))
    assert list(history.index) == list(range(5))
    assert history["loss"].tolist() == pytest.approx([0.9 / (epoch + 1) for epoch in range(5)])


def test_runs_of_others_are_found_by_name_and_by_its_beginning(theirs):
    assert resolve_run(theirs, "autologged").name == "autologged"
    assert resolve_run(theirs, "light").name == "lightning"
    with pytest.raises(RunNotFoundError, match=r"beginning of 2 runs: loop-1 \(.*loop-0"):
        resolve_run(theirs, "loop")
    with pytest.raises(RunNotFoundError, match="status` lists them"):
        resolve_run(theirs, "nothing")


def test_times_and_colors_of_others_come_from_mlflow_and_do_no_harm(theirs):
    others = [one.id for one in list_experiments(theirs) if not one.is_ours]
    runs = list_runs(theirs, experiments=others)
    assert len(runs) == 5
    assert all(run.seconds is not None and run.seconds >= 0 for run in runs)
    assert all(run.color.startswith("#") and len(run.color) == 7 for run in runs)
