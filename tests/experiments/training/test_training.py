"""A real, small run in this process, and everything that it must leave behind."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import h5py
import keras
import numpy as np
import pytest
import yaml

from experiments.core.settings import ROOT
from experiments.running.inline_launcher import run_inline
from experiments.saving.whole_model import load_model
from experiments.spec.spec_files import load_spec
from experiments.tracking.artifacts import fetch_artifact, list_artifacts
from experiments.tracking.changes import request_stop
from experiments.tracking.history_reader import HISTORY_FILE, get_history, to_frame
from experiments.tracking.run_specs import get_spec
from experiments.tracking.runs import RunStatus, Tag, get_run, list_runs
from experiments.training.callbacks import TrainEvaluation
from tests.support.waiting import wait_for

SPEC = """
name: small cnn
dataset: {name: digits, max_samples: 400}
split: {method: stratified, validation_split: 0.25}
model: {name: cnn, filters: [4], dense: 16, dropout: 0.3, batch_norm: true, l2: 0.0001}
training: {epochs: 4, batch_size: 32, learning_rate: 0.01, metrics: [accuracy, top_5_accuracy]}
callbacks:
  early_stopping: {patience: 3}
  reduce_lr_on_plateau: {patience: 1}
seed: 7
"""
EPOCHS = 4


@pytest.fixture(scope="module")
def trained(module_store):
    run_id, status = run_inline(module_store, load_spec(SPEC))
    assert status is RunStatus.FINISHED
    return get_run(module_store, run_id)


def test_every_epoch_is_a_step_in_mlflow(module_store, trained):
    for name in (
        "loss", "val_loss", "accuracy", "val_accuracy", "top_5_accuracy", "val_top_5_accuracy",
        "train_eval_loss", "train_eval_accuracy", "learning_rate", "epoch_seconds",
    ):  # fmt: skip
        points = module_store.client.get_metric_history(trained.id, name)
        assert [point.step for point in points] == list(range(EPOCHS)), name


def test_the_best_values_stand_beside_the_last_ones(module_store, trained):
    history = get_history(module_store, trained)
    assert trained.metrics["best_epoch"] == history["val_loss"].idxmin()
    assert trained.metrics["best_val_loss"] == history["val_loss"].min()
    assert trained.metrics["best_val_accuracy"] == history["val_accuracy"].max()
    assert trained.metrics["val_loss"] == history["val_loss"].iloc[-1]


def test_its_metrics_in_the_store_are_the_history_of_its_file(module_store, trained):
    text = fetch_artifact(module_store, trained.id, HISTORY_FILE).read_text()
    filed, stored = to_frame(json.loads(text)), get_history(module_store, trained)
    assert set(stored.columns) == set(filed.columns)
    assert np.array_equal(stored[filed.columns].to_numpy(), filed.to_numpy())


def test_the_artifacts_are_all_there(module_store, trained):
    assert [item.path for item in list_artifacts(module_store, trained.id)] == [
        "checkpoints/index.json", "class_names.json", "history.json", "log.txt",
        "model/architecture.json", "model/model.h5", "model/model.weights.h5", "predictions.npz",
        "spec.yaml", "split.npz", "split_audit.json",
    ]  # fmt: skip


def test_history_json_is_a_plain_keras_history_dict(module_store, trained):
    history = json.loads(fetch_artifact(module_store, trained.id, "history.json").read_text())
    assert {len(values) for values in history.values()} == {EPOCHS}
    assert {"loss", "val_loss", "train_eval_loss"} <= set(history)


def test_params_spec_reason_verdict_and_color_are_recorded(module_store, trained):
    assert trained.params["model.filters"] == "4"
    assert int(trained.params["model.parameters"]) > 0
    assert trained.params["keras.version"] == keras.__version__
    assert get_spec(module_store, trained.id) == load_spec(SPEC)
    assert trained.reason == "Trained all 4 epochs."
    assert trained.verdict is not None
    assert trained.tags[Tag.NOTE]
    assert trained.color.startswith("#")


def test_the_constant_loss_is_that_of_the_class_frequencies(trained):
    assert trained.metrics["constant_loss"] == pytest.approx(np.log(10), abs=0.02)


def test_the_split_is_the_one_that_was_trained_on(module_store, trained):
    with np.load(fetch_artifact(module_store, trained.id, "split.npz")) as split:
        assert len(split["train"]) == 300
        assert len(split["validation"]) == 100
        assert not set(split["train"]) & set(split["validation"])


def test_the_run_folder_is_gone_when_all_is_in_mlflow(module_store, trained):
    assert not any(module_store.settings.run_folders.iterdir())


def test_system_metrics_are_recorded(module_store):
    """They come every two seconds: the run trains until the first ones are there."""

    def system_metrics(run_id):
        return [n for n in get_run(module_store, run_id).metrics if n.startswith("system/")]

    def stop_when_there():
        (run,) = wait_for(
            lambda: [run for run in list_runs(module_store) if run.status is RunStatus.RUNNING]
        )
        try:
            wait_for(lambda: system_metrics(run.id))
        finally:
            request_stop(module_store, run.id)

    spec = load_spec(SPEC, ["training.epochs=2000", "callbacks.early_stopping=null"])
    with ThreadPoolExecutor(1) as pool:
        stopped = pool.submit(stop_when_there)
        run_id, status = run_inline(module_store, spec)
        stopped.result()
    assert status is RunStatus.KILLED and system_metrics(run_id)


def test_the_loaded_model_predicts_what_was_recorded_when_it_was_saved(module_store, trained):
    from experiments.inference.prediction import open_model

    opened = open_model(module_store, trained.id)
    assert opened["check"] == {"samples": 100, "max_difference": 0.0, "agrees": True}
    assert opened["parameters"] == int(trained.params["model.parameters"])


def test_the_whole_optimizer_comes_back_from_the_hdf5(module_store, trained):
    path = fetch_artifact(module_store, trained.id, "model/model.h5")
    optimizer = load_model(path).optimizer
    with h5py.File(path) as file:
        group = file["optimizer_weights"]
        stored = [np.asarray(group[name]) for name in group.attrs["weight_names"]]
    assert len(optimizer.variables) == len(stored) > 10
    for variable, value in zip(optimizer.variables, stored, strict=True):
        assert np.array_equal(variable.numpy(), value)
    assert int(optimizer.iterations) == EPOCHS * 10  # 300 samples in batches of 32


def test_a_loaded_model_trains_on(module_store, trained):
    model = load_model(fetch_artifact(module_store, trained.id, "model/model.h5"))
    model.fit(np.zeros((4, 8, 8, 1)), np.zeros(4), verbose=0)
    assert int(model.optimizer.iterations) == EPOCHS * 10 + 1


def test_stock_keras_opens_the_hdf5(module_store, trained):
    path = fetch_artifact(module_store, trained.id, "model/model.h5")
    x = np.random.default_rng(0).uniform(0, 16, (5, 8, 8, 1))
    stock = keras.models.load_model(path, compile=False).predict(x, verbose=0)
    assert np.array_equal(stock, load_model(path).predict(x, verbose=0))


def test_the_recorded_spec_gives_the_same_history_again_in_a_new_process(module_store, trained):
    settings = module_store.settings
    result = subprocess.run(
        [sys.executable, "-m", "experiments", "run", "--json",
         str(fetch_artifact(module_store, trained.id, "spec.yaml"))],
        cwd=ROOT, env=settings.environment(), capture_output=True, text=True, check=True,
    )  # fmt: skip
    again = get_run(module_store, json.loads(result.stdout)["run_id"])
    before, after = (get_history(module_store, run) for run in (trained, again))
    times = ["epoch_seconds", "evaluation_seconds"]
    assert np.array_equal(
        before.drop(columns=times).to_numpy(), after.drop(columns=times).to_numpy()
    )


def test_keras_adds_a_penalty_to_both_losses_as_the_help_text_says():
    x = np.ones((8, 3), "float32")
    model = keras.Sequential(
        [keras.layers.Input((3,)), keras.layers.Dense(1, kernel_regularizer="l2")]
    )
    model.compile("sgd", "mean_squared_error")
    kernel = model.layers[0].kernel.numpy()
    error = float((model.predict(x, verbose=0) ** 2).mean())
    penalty = 0.01 * float((kernel**2).sum())
    assert model.evaluate(x, np.zeros((8, 1)), verbose=0) == pytest.approx(error + penalty)


def test_measuring_in_test_mode_agrees_with_keras_evaluate():
    x = np.random.default_rng(0).normal(size=(512, 3)).astype("float32")
    y = (x.sum(axis=1, keepdims=True) > 0).astype("float32")
    model = keras.Sequential(
        [keras.layers.Input((3,)), keras.layers.Dropout(0.5),
         keras.layers.Dense(1, activation="sigmoid", kernel_regularizer="l2")]
    )  # fmt: skip
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    measured = TrainEvaluation(x, y)
    measured.set_model(model)
    logs = {}
    measured.on_epoch_end(0, logs)
    expected = model.evaluate(x, y, verbose=0, return_dict=True)
    assert logs["train_eval_loss"] == pytest.approx(expected["loss"], rel=1e-5)
    assert logs["train_eval_accuracy"] == pytest.approx(expected["accuracy"])


@pytest.mark.parametrize(
    ("train", "validation", "size"),
    [(1437, 360, 360), (100, 360, 100), (200, 90, 90), (60_000, 12_000, 1024), (5000, 0, 1024)],
)
def test_the_sample_in_test_mode_is_no_larger_than_the_validation_set(train, validation, size):
    assert TrainEvaluation.sample_size(train, validation, 64) == size


def test_the_sample_of_large_images_is_small_enough_for_one_batch():
    assert TrainEvaluation.sample_size(10_000, 10_000, 224 * 224 * 3) < 30


@pytest.mark.parametrize(
    "text",
    [
        "{dataset: {name: diabetes}, model: {name: linear}, training: {epochs: 2, loss: mse}}",
        "{dataset: {name: breast_cancer}, training: {epochs: 2, metrics: [auc, precision]}}",
        "{dataset: {name: wine}, split: {validation_split: 0}, training: {epochs: 2}}",
        "{dataset: {name: two_moons}, training: {epochs: 2, optimizer: sgd, momentum: 0.9}}",
        "{dataset: {name: digits, max_samples: 400}, model: {name: resnet, filters: [4, 8]}, "
        "training: {epochs: 1, batch_size: 256}}",
    ],
)
def test_every_task_and_model_trains_and_loads_again(module_store, text):
    from experiments.inference.prediction import open_model

    run_id, status = run_inline(module_store, load_spec(text))
    assert status is RunStatus.FINISHED
    assert open_model(module_store, run_id)["check"]["agrees"]


def test_training_that_diverges_still_ends_and_says_so(module_store):
    text = "{dataset: {name: diabetes}, training: {epochs: 8, optimizer: sgd, learning_rate: 50}}"
    run_id, status = run_inline(module_store, load_spec(text))
    run = get_run(module_store, run_id)
    assert (status, run.verdict) == (RunStatus.FINISHED, "diverged")


def test_early_stopping_is_given_as_the_reason(module_store):
    spec = load_spec(yaml.safe_dump({
        "dataset": {"name": "iris"},
        "training": {"epochs": 200, "learning_rate": 0.1},
        "callbacks": {"early_stopping": {"patience": 2}},
    }))  # fmt: skip
    run_id, status = run_inline(module_store, spec)
    assert status is RunStatus.FINISHED
    assert "Early stopping" in get_run(module_store, run_id).reason
