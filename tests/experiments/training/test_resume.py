"""Runs that stopped, died or were finished, and go on: as one run, exactly where they were."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from experiments.core.checkpoint_files import find, finish, parse_index, path_of
from experiments.core.errors import ArtifactError, InputError
from experiments.core.journal import read_journal
from experiments.core.run_folder import RunFolder, read_json
from experiments.core.settings import ROOT
from experiments.running.branch_runs import branch_spec
from experiments.running.inline_launcher import resume_inline, run_inline
from experiments.running.queue import resume, submit
from experiments.saving.training_state import TrainingState
from experiments.saving.whole_model import load_model, save_model
from experiments.spec.spec_files import load_spec
from experiments.tracking.artifacts import fetch_artifact, list_artifacts, list_checkpoints
from experiments.tracking.changes import request_stop
from experiments.tracking.history_reader import get_history
from experiments.tracking.run_specs import get_spec
from experiments.tracking.runs import RunStatus, get_run
from experiments.tracking.store import Store
from experiments.training.train import train
from tests.support.waiting import wait_for, wait_for_end, wait_for_epochs

SPEC = """
dataset: {name: digits, max_samples: 300}
model: {name: mlp, layers: [16], dropout: 0.3, batch_norm: true}
training: {epochs: 5, batch_size: 16, learning_rate: 0.01}
callbacks:
  early_stopping: {patience: 4}
  reduce_lr_on_plateau: {patience: 1, min_delta: 0.2}
  keep_checkpoint_every: 2
"""
TIMES = ["epoch_seconds", "evaluation_seconds"]


@pytest.fixture(scope="module")
def straight(module_store) -> str:
    run_id, status = run_inline(module_store, load_spec(SPEC))
    assert status is RunStatus.FINISHED
    return run_id


@pytest.fixture(scope="module")
def resumed(module_store) -> str:
    """Trained to epoch 3, and then to 5."""
    run_id, _ = run_inline(module_store, load_spec(SPEC, ["training.epochs=3"]))
    assert resume_inline(module_store, run_id, 5) is RunStatus.FINISHED
    return run_id


def measured(store: Store, run_id: str) -> np.ndarray:
    history = get_history(store, get_run(store, run_id))
    return history.drop(columns=TIMES).sort_index(axis=1).to_numpy()


def weights(store: Store, run_id: str) -> list[np.ndarray]:
    return load_model(fetch_artifact(store, run_id, "model/model.h5")).get_weights()


def steps(store: Store, run_id: str) -> list[int]:
    return [point.step for point in store.client.get_metric_history(run_id, "val_loss")]


def test_a_resumed_run_equals_an_uninterrupted_one(module_store, straight, resumed):
    assert np.array_equal(measured(module_store, straight), measured(module_store, resumed))
    for one, other in zip(
        weights(module_store, straight), weights(module_store, resumed), strict=True
    ):
        assert np.array_equal(one, other)


def test_no_epoch_is_twice_in_the_history_of_a_resumed_run(module_store, resumed):
    assert steps(module_store, resumed) == [0, 1, 2, 3, 4]


def test_a_resumed_run_tells_its_seam_its_total_and_its_log_goes_on(module_store, resumed):
    run = get_run(module_store, resumed)
    assert run.resume_points == [3]
    assert run.epochs == get_spec(module_store, resumed).training.epochs == 5
    assert run.reason == "Trained all 5 epochs. It was resumed after 3 epochs."
    log = fetch_artifact(module_store, resumed, "log.txt").read_text()
    assert [f"epoch {n}" in log for n in range(5)] == [True] * 5


def test_the_best_epoch_of_before_is_not_forgotten(module_store, straight, resumed):
    before, after = (get_run(module_store, run_id) for run_id in (straight, resumed))
    assert before.metrics["best_epoch"] == after.metrics["best_epoch"]
    assert before.metrics["best_val_loss"] == after.metrics["best_val_loss"]


def test_the_last_the_best_and_every_second_checkpoint_are_kept_once_each(module_store, straight):
    checkpoints = list_checkpoints(module_store, straight)
    roles = {role: c.epoch for c in checkpoints for role in c.roles if role != "kept"}
    assert roles["last"] == 5
    assert roles["best"] == get_run(module_store, straight).metrics["best_epoch"] + 1
    assert [c.epoch for c in checkpoints if "kept" in c.roles] == [2, 4]
    stored = [item.path for item in list_artifacts(module_store, straight) if
              item.path.startswith("checkpoints/") or item.path == "model/model.h5"]  # fmt: skip
    assert sorted(stored) == sorted({c.file for c in checkpoints} | {"checkpoints/index.json"})


def test_a_resumed_run_leaves_no_stale_checkpoint(module_store, resumed):
    named = {c.file for c in list_checkpoints(module_store, resumed)}
    stored = {item.path for item in list_artifacts(module_store, resumed)}
    assert {path for path in stored if path.startswith("checkpoints/") and "index" not in path} <= (
        named
    )
    with h5py.File(fetch_artifact(module_store, resumed, find(list_checkpoints(
            module_store, resumed)).file)) as file:  # fmt: skip
        assert json.loads(file["training_state"].attrs["state"])["epoch"] == 5


def test_a_branch_is_a_child_with_the_history_before_it_and_changed_settings(
    module_store, straight
):
    spec = branch_spec(module_store, straight, 2, ["training.learning_rate=0.001", "seed=9"])
    run_id, _ = run_inline(module_store, spec, parent_id=straight)
    child = get_run(module_store, run_id)
    assert (child.parent_id, child.resume_points, child.status) == (
        straight,
        [2],
        RunStatus.FINISHED,
    )
    history = get_history(module_store, child)
    before = get_history(module_store, get_run(module_store, straight))
    assert history["loss"][:2].equals(before["loss"][:2])
    assert not np.array_equal(history["loss"], before["loss"])
    assert history["learning_rate"][2] == pytest.approx(0.001)


def test_a_branch_without_changes_is_the_run_again(module_store, straight):
    run_id, _ = run_inline(module_store, branch_spec(module_store, straight, 4))
    assert np.array_equal(measured(module_store, straight), measured(module_store, run_id))


def test_a_run_that_stopped_early_goes_on_when_more_epochs_are_asked_for(module_store):
    spec = load_spec(
        SPEC, ["callbacks.early_stopping={patience: 1, min_delta: 10}", "training.epochs=20"]
    )
    run_id, _ = run_inline(module_store, spec)
    stopped = get_run(module_store, run_id)
    assert "Early stopping after 2 of 20 epochs" in stopped.reason
    resume_inline(module_store, run_id)
    assert steps(module_store, run_id)[:3] == [0, 1, 2]


@pytest.mark.parametrize("epochs", [None, 3])
def test_a_run_with_all_its_epochs_is_not_resumed(module_store, straight, epochs):
    with pytest.raises(InputError, match="above 5"):
        resume(module_store, straight, epochs)
    assert get_run(module_store, straight).status is RunStatus.FINISHED


def test_a_run_that_has_not_ended_is_not_resumed(module_store):
    run_id = submit(module_store, load_spec(SPEC))
    with pytest.raises(InputError, match="SCHEDULED"):
        resume(module_store, run_id)
    request_stop(module_store, run_id)


@pytest.fixture(scope="module")
def drawn(module_store) -> str:
    changes = ["training.epochs=2", "split.method=shuffled", "split.test_split=0.2"]
    run_id, _ = run_inline(module_store, load_spec(SPEC, changes))
    return run_id


def rows_of(store: Store, run_id: str) -> dict[str, list[int]]:
    with np.load(fetch_artifact(store, run_id, "split.npz")) as split:
        return {name: split[name].tolist() for name in split.files}


def test_a_branch_with_another_seed_has_the_samples_of_its_run_in_the_same_parts(
    module_store, drawn
):
    spec = branch_spec(module_store, drawn, 2, ["training.epochs=3", "seed=9"])
    assert (spec.seed, spec.split.seed) == (9, get_spec(module_store, drawn).seed)
    run_id, _ = run_inline(module_store, spec)
    assert rows_of(module_store, run_id) == rows_of(module_store, drawn)
    assert "split differently" not in get_run(module_store, run_id).reason


@pytest.mark.parametrize("change", ["split.seed=5", "split.test_split=0.4", "split.method=last"])
def test_a_branch_with_another_split_says_that_samples_have_trained_before(
    module_store, drawn, change
):
    spec = branch_spec(module_store, drawn, 2, ["training.epochs=3", change])
    run_id, _ = run_inline(module_store, spec)
    assert set(rows_of(module_store, run_id)["test"]) & set(rows_of(module_store, drawn)["train"])
    said = get_run(module_store, run_id).reason
    assert "some that validate or test here were trained on before" in said


def test_weights_of_a_run_whose_samples_were_divided_otherwise_are_told_of(module_store, drawn):
    changes = ["training.epochs=1", "split.method=shuffled", "split.test_split=0.2"]
    start = f"start={{run: {drawn}, file: model/model.h5, how: weights}}"
    for seed, told in ((1, False), (5, True)):
        spec = load_spec(SPEC, [*changes, f"split.seed={seed}", start])
        run_id, _ = run_inline(module_store, spec)
        assert ("split differently" in get_run(module_store, run_id).reason) == told


def test_a_branch_from_an_epoch_without_checkpoint_names_those_that_are_there(
    module_store, straight
):
    with pytest.raises(ArtifactError, match=r"after 3 epochs.*2, 4, 5"):
        branch_spec(module_store, straight, 3)


def test_a_branch_into_a_network_with_other_layers_fails_with_the_reason(module_store, straight):
    spec = branch_spec(module_store, straight, 2, ["model.layers=[8]"])
    run_id, status = run_inline(module_store, spec)
    assert status is RunStatus.FAILED
    assert "does not fit this network" in get_run(module_store, run_id).reason


LONG = load_spec(SPEC, ["training.epochs=2000", "callbacks.early_stopping=null",
                        "callbacks.keep_checkpoint_every=null"])  # fmt: skip


def as_if_straight(store: Store, epochs: int) -> np.ndarray:
    """The history of the same spec trained without a stop."""
    spec = LONG.model_copy(update={"training": LONG.training.model_copy(update={"epochs": epochs})})
    found, _ = run_inline(store, spec)
    return measured(store, found)


def go_on(store: Store, run_id: str) -> int:
    """Resume for three more epochs; the total."""
    total = find(list_checkpoints(store, run_id)).epoch + 3
    resume(store, run_id, total)
    assert wait_for_end(store, run_id).status is RunStatus.FINISHED
    return total


def test_a_run_whose_process_was_killed_goes_on_as_if_nothing_had_happened(served_store):
    run_id = submit(served_store, LONG)
    wait_for_epochs(served_store, run_id, 3)
    os.kill(read_json(RunFolder(served_store.settings.run_folders / run_id).process)["pid"], 9)
    died = wait_for_end(served_store, run_id)
    assert died.status is RunStatus.FAILED
    assert "its last checkpoint is saved" in died.reason
    assert not [i for i in list_artifacts(served_store, run_id) if "unfinished" in i.path]
    total = go_on(served_store, run_id)
    assert steps(served_store, run_id) == list(range(total))
    assert np.array_equal(measured(served_store, run_id), as_if_straight(served_store, total))


def test_a_run_that_was_stopped_in_mid_epoch_goes_on_with_the_next_batch(served_store):
    run_id = submit(served_store, LONG)
    wait_for_epochs(served_store, run_id, 3)
    request_stop(served_store, run_id)
    stopped = wait_for_end(served_store, run_id)
    assert stopped.status is RunStatus.KILLED
    total = go_on(served_store, run_id)
    assert steps(served_store, run_id) == list(range(total))
    assert np.array_equal(measured(served_store, run_id), as_if_straight(served_store, total))


SAVER = """
import sys, pathlib, keras
from experiments.saving.whole_model import save_model
model = keras.Sequential([keras.Input((600,)), keras.layers.Dense(2000), keras.layers.Dense(600)])
model.compile("adam", "mse")
model.optimizer.build(model.trainable_variables)
while True:
    save_model(model, pathlib.Path(sys.argv[1]))
    print("saved", flush=True)
"""


def test_a_process_that_is_killed_while_saving_leaves_the_last_whole_file(tmp_path: Path):
    path = tmp_path / "last.h5"
    process = subprocess.Popen(
        [sys.executable, "-c", SAVER, str(path)], cwd=ROOT, stdout=subprocess.PIPE
    )
    assert process.stdout
    process.stdout.readline()
    wait_for(lambda: list(tmp_path.glob("unfinished.*")), 30)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert list(tmp_path.glob("unfinished.*")), "it was not killed while saving"
    assert len(load_model(path).optimizer.variables) == 10


def test_a_disk_that_takes_no_checkpoint_costs_neither_the_run_nor_its_model(tmp_path: Path):
    folder = RunFolder(tmp_path / "run").create()
    (folder.artifacts / "checkpoints").write_text("a file where a folder should be")
    outcome = train(load_spec(SPEC, ["training.epochs=2"]), folder)
    assert outcome.status == "FINISHED", outcome.reason
    assert len(read_journal(folder.journal).entries) > 2
    assert "The checkpoint could not be saved" in folder.log.read_text()
    assert load_model(folder.artifacts / "model/model.h5").count_params() > 0


def test_a_model_without_training_state_is_no_checkpoint(tmp_path: Path):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    save_model(model, tmp_path / "model/model.h5")
    save_model(model, path_of(tmp_path, "best"), TrainingState(epoch=3))
    finish(tmp_path)
    (found,) = parse_index((tmp_path / "checkpoints/index.json").read_text())
    assert (found.epoch, found.file, found.roles) == (3, "checkpoints/best.h5", ("best",))
