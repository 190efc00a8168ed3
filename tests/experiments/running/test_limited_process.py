"""Models that others made, in a process whose memory and time are limited."""

import json
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import pytest

from experiments.core.errors import InputError, ModelFileError, WorkerError
from experiments.running.keras_client import KerasProcess, Limits
from tests.support.waiting import wait_for


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Model files that Keras itself wrote."""
    folder = tmp_path_factory.mktemp("files")
    model = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(3, "softmax")]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.save(folder / "good.keras")
    # 250 million weights are 1 GB: within what a file may declare, beyond what is allowed here
    large = {"width": 15_800, "name": "large.json"}
    text = json.loads(model.to_json())
    layers = text["config"]["layers"]
    layers[1]["config"]["units"] = layers[2]["config"]["units"] = large["width"]
    for layer in layers[1:]:
        layer.pop("build_config", None)
    (folder / large["name"]).write_text(json.dumps(text))
    layers[1]["config"]["units"] = 10**9
    (folder / "huge.json").write_text(json.dumps(text))
    return folder


@pytest.fixture(scope="module")
def process(tmp_path_factory, migrated_database):
    from experiments.core.settings import Settings

    home = tmp_path_factory.mktemp("limited")
    process = KerasProcess(Settings(home, f"sqlite:///{home}/no.db", ""), Limits(500_000_000, 60))
    yield process
    process.close()


def opened(process, path):
    return process.ask("open_file", path=str(path))


def test_a_good_file_is_opened_predicted_with_and_evaluated(process, folder):
    source = {"file": str(folder / "good.keras")}
    found = opened(process, folder / "good.keras")
    assert (found["parameters"], found["optimizer"], found["outputs"]) == (67, "Adam", 3)
    assert [layer["inbound"] for layer in found["layers"]][-1] == [found["layers"][0]["name"]]
    assert [dataset["name"] for dataset in found["datasets"]] == ["iris"]
    answer = process.ask("predict_rows", source=source, rows=[[5.1, 3.5, 1.4, 0.2]])
    assert sum(answer["predictions"][0]) == pytest.approx(1, abs=1e-5)
    measured = process.ask("evaluate", source=source, dataset="iris", part="all")
    assert measured["samples"] == 150
    with pytest.raises(InputError, match="Each sample needs 4 numbers"):
        process.ask("predict_rows", source=source, rows=[[1.0, 2.0]])


def test_a_model_beyond_the_memory_limit_is_refused_and_the_next_one_answers(process, folder):
    with pytest.raises(WorkerError, match="memory"):
        opened(process, folder / "large.json")
    assert opened(process, folder / "good.keras")["parameters"] == 67


def test_an_architecture_of_a_billion_units_costs_one_sentence(process, folder):
    with pytest.raises((ModelFileError, WorkerError)) as caught:
        opened(process, folder / "huge.json")
    assert "Traceback" not in str(caught.value)
    assert opened(process, folder / "good.keras")["parameters"] == 67


def test_a_file_that_is_no_model_is_refused(process, folder):
    (folder / "no.h5").write_bytes(b"no model")
    with pytest.raises(ModelFileError, match=r"no\.h5"):
        opened(process, folder / "no.h5")


def test_a_process_that_is_killed_costs_the_question_and_the_next_starts_another(process, folder):
    opened(process, folder / "good.keras")
    first = process.pid
    os.kill(first, signal.SIGSTOP)
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(opened, process, folder / "good.keras")
        time.sleep(0.2)  # whether the question is written before or after the kill, it is told
        os.kill(first, signal.SIGKILL)
        with pytest.raises(WorkerError, match="The next request starts a new one"):
            asked.result(60)
    assert opened(process, folder / "good.keras")["parameters"] == 67
    assert process.pid != first


def test_a_question_that_takes_too_long_ends_the_process(workspace, folder):
    process = KerasProcess(workspace, Limits(seconds=1))
    process.start()
    wait_for(lambda: process.is_ready, 120)
    os.kill(process.pid, signal.SIGSTOP)  # it hangs
    with pytest.raises(WorkerError, match="did not answer within 1 s"):
        opened(process, folder / "good.keras")
    assert process.pid is None
    process.close()


def test_the_process_of_runs_has_no_limits(workspace):
    process = KerasProcess(workspace)
    process.start()
    try:
        wait_for(lambda: process.is_ready, 120)
        limits = Path(f"/proc/{process.pid}/limits").read_text()
        (line,) = [line for line in limits.splitlines() if line.startswith("Max address space")]
        assert "unlimited" in line
    finally:
        process.close()
