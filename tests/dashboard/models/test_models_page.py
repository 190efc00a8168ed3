"""The page of models: of a run and of an uploaded file, empty, loaded and refused."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import keras
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.models.file_difference import config_table, largest, weight_table
from dashboard.models.inspector_tables import layer_weights, say_config, training_facts
from dashboard.shared.model_uploads import find_upload, list_uploads, remove_old, store_upload
from experiments.data.reading.reader import ReadOptions
from experiments.data.reading.storing import store_file
from experiments.running.inline_launcher import run_inline
from experiments.spec.spec_files import parse_spec
from experiments.tracking.artifacts import fetch_artifact
from experiments.tracking.changes import create_run
from experiments.tracking.run_specs import get_spec
from experiments.tracking.runs import list_runs
from experiments.tracking.stored_datasets import add_dataset
from tests.dashboard.conftest import texts
from tests.support.lambdas import save_lambda

pytestmark = pytest.mark.usefixtures("processes_end")

Upload = Callable[[str], str]


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    """Files that Keras wrote: a model of iris, another epoch of it, its weights, a Lambda."""
    folder = tmp_path_factory.mktemp("models")
    model = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(3, "softmax")],
        name="flowers",
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    model.save(folder / "iris.keras")
    model.save_weights(folder / "iris.weights.h5")
    model.layers[0].kernel.assign(model.layers[0].kernel * 1.5)
    model.save(folder / "changed.keras")
    save_lambda(folder / "lambda.keras")
    (folder / "broken.h5").write_bytes(b"\x89HDF\r\n\x1a\n and nothing more")
    return folder


@pytest.fixture
def upload(workspace, files) -> Upload:
    """Stores a file as the page does; returns its key in the URL."""
    return lambda name: store_upload(workspace, name, (files / name).read_bytes()).parent.name


def said(app: AppTest) -> str:
    assert not app.exception
    return texts(app).replace("\\", "")


def test_without_runs_and_files_both_ways_to_a_model_are_offered(open_page):
    app = open_page("models")
    assert "Launch the first run" in said(app)
    app = open_page("models", file="new")
    assert not app.exception
    assert "A Keras model" in app.get("file_uploader")[0].label


def test_a_run_is_reloaded_checked_drawn_evaluated_and_looked_into(open_page, store, workspace):
    spec = {"dataset": {"name": "iris"}, "training": {"epochs": 2}, "name": "flowers"}
    run_id, _ = run_inline(store, parse_spec(spec))
    app = open_page("models", run=run_id)
    assert "The reloaded model predicts the same: max |Δ| = 0 over 30 samples" in said(app)
    table = app.dataframe[0].value
    assert list(table["connected to"])[1] == table["name"][0]
    assert app.get("graphviz_chart")
    app = open_page("models", run=run_id, tab="Evaluate")
    assert "Measured on 30 samples of iris" in said(app)
    app = open_page("models", run=run_id, tab="Predict")
    assert "1 to 12 of 30" in said(app)
    app = open_page("models", run=run_id, tab="Predict", predict="Your own")
    assert len(app.dataframe[-1].value) == 1
    app = open_page("models", run=run_id, tab="Inside the file")
    assert "Training config" in said(app)
    app = open_page("models", run=run_id, tab="Into another network")
    next(box for box in app.selectbox if box.key == "into").select(run_id).run()
    assert "3 of 3 layers" in said(app)
    assert set(app.dataframe[-1].value["result"]) == {"✓ loaded"}


def test_weights_of_an_upload_start_a_new_run_that_keeps_them(
    open_page, upload, store, workspace, files
):
    run_id = create_run(store, parse_spec({"dataset": {"name": "iris"}, "name": "target"}))
    key = upload("iris.keras")
    app = open_page("launch", clone=run_id, weights=f"file:{key}")
    assert "Starts with weights, by layer name" in said(app)
    next(button for button in app.button if button.label == "Launch").click()
    app.run()
    assert not app.exception
    launched = list_runs(store)[0]
    assert (launched.parent_id, launched.name) == (run_id, "target with weights of iris.keras")
    assert get_spec(store, launched.id).start.file == "start/iris.keras"
    kept = fetch_artifact(store, launched.id, "start/iris.keras")
    assert kept.read_bytes() == (files / "iris.keras").read_bytes()


def test_a_run_without_a_model_says_so_and_the_page_stays(open_page, make_run):
    app = open_page("models", run=make_run(name="no model"))
    assert "no model cannot be loaded" in said(app)
    assert "Of a run" in str(app.get("button_group")[0].options)


def test_an_uploaded_model_is_drawn_evaluated_and_compared(open_page, upload, workspace, files):
    key = upload("iris.keras")
    app = open_page("models", file=key)
    assert "67" in [metric.value for metric in app.metric]
    assert app.get("graphviz_chart")
    app = open_page("models", file=key, tab="Evaluate")
    assert "Measured on 150 samples of iris" in said(app)
    app = open_page("models", file=key, tab="Predict")
    assert "1 to 12 of 150" in said(app)
    upload("changed.keras")
    app = open_page("models", file=key, tab="Inside the file")
    other = next(box for box in app.selectbox if box.key == "against")
    other.select(str(find_upload(workspace, upload("changed.keras")))).run()
    assert "Weights changed" in said(app)
    changed = app.dataframe[-1].value
    assert "iris.keras" in changed or "relative change" in changed


def test_weights_alone_are_looked_into_and_not_built(open_page, upload):
    app = open_page("models", file=upload("iris.weights.h5"))
    assert "Weights only" in said(app)
    assert "Compare with another file" in said(app)
    assert not app.error


@pytest.mark.parametrize(
    ("name", "reason"), [("lambda.keras", "Lambda"), ("broken.h5", "broken.h5")]
)
def test_a_bad_file_costs_one_sentence_and_never_the_page(open_page, upload, name, reason):
    app = open_page("models", file=upload(name))
    assert reason in said(app)
    assert "The file is refused" in app.error[0].value
    assert len(app.error) == 1
    assert [box.key for box in app.selectbox] == ["upload picked"]


def test_an_architecture_too_large_to_build_costs_one_sentence(open_page, workspace):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8)])
    text = json.loads(model.to_json())
    text["config"]["layers"][1]["config"]["units"] = 10**9
    text["config"]["layers"][1].pop("build_config", None)
    path = store_upload(workspace, "huge.json", json.dumps(text).encode())
    app = open_page("models", file=path.parent.name)
    assert "huge.json" in said(app)
    assert len(app.error) == 1


def test_an_upload_that_is_gone_is_told_and_another_can_be_given(open_page):
    app = open_page("models", file="0123456789abcdef")
    assert "This upload is gone" in said(app)
    assert app.get("file_uploader")


def test_an_upload_keeps_nothing_of_a_name_but_the_name(workspace):
    path = store_upload(workspace, "../../etc/päss wörd$.h5", b"x")
    assert path.parent.parent == workspace.home / "uploads"
    assert path.name == "päss_wörd_.h5"
    assert path.read_bytes() == b"x"
    assert store_upload(workspace, "...", b"y").name == "model.h5"


def test_only_keys_of_uploads_find_files(workspace):
    path = store_upload(workspace, "a.h5", b"x")
    assert find_upload(workspace, path.parent.name) == path
    for key in ("", "..", "../uploads", path.parent.name.upper() + "g", "0" * 16):
        assert find_upload(workspace, key) is None


def test_uploads_that_nobody_looked_at_for_a_day_are_deleted(workspace):
    old, new = store_upload(workspace, "a.h5", b"x"), store_upload(workspace, "b.h5", b"y")
    yesterday = time.time() - 90_000
    os.utime(old.parent, (yesterday, yesterday))
    remove_old(workspace)
    assert list_uploads(workspace) == [new]


def test_configs_of_keras_are_said_in_few_words():
    loss = {"class_name": "MeanSquaredError", "config": {"name": "mean_squared_error"}}
    facts = training_facts(
        {"loss": loss, "metrics": [["accuracy"]], "optimizer": "Adam",
         "optimizer_config": {"name": "adam", "learning_rate": 0.0010000000474974513,
                              "use_ema": False, "ema_momentum": 0.99, "clipnorm": None}}
    )  # fmt: skip
    assert facts == {
        "loss": "mean_squared_error", "metrics": "accuracy", "optimizer": "Adam",
        "learning_rate": "0.001",
    }  # fmt: skip
    assert say_config(None) == "–"


def test_weights_are_listed_by_name_and_shape_or_by_shape_alone():
    layer = {"name": "d", "type": None, "parameters": 9, "trainable": None}
    named = layer | {"weights": [{"name": "kernel", "shape": [4, 2]}, {"name": "b", "shape": []}]}
    numbered = layer | {"weights": [{"name": "0", "shape": [4, 2]}]}
    found = list(layer_weights([named, numbered])["weights"])
    assert found == ["kernel (4 × 2), b (one number)", "(4 × 2)"]


def test_differences_are_tables_of_both_files():
    changes = [
        {"layer": "a", "weight": "kernel", "shapes": [[2, 3], [2, 3]], "identical": False,
         "relative": 0.5, "largest": 1.0},
        {"layer": "b", "weight": "kernel", "shapes": [[2, 3], [2, 4]], "identical": False,
         "relative": None, "largest": None},
    ]  # fmt: skip
    assert list(weight_table(changes)["shape"]) == ["2 × 3", "2 × 3 → 2 × 4"]
    assert (largest(changes), largest(changes[1:])) == (0.5, None)
    config = [{"layer": None, "key": "loss", "before": "mse", "after": None}]
    assert config_table(config, "m.h5", "m.h5").to_dict("records") == [
        {"layer": "training", "value": "loss", "m.h5": "mse", "m.h5 (this one)": "–"}
    ]


def test_dates_are_shown_and_typed_as_dates(open_page, store, tmp_path):
    path = tmp_path / "visits.csv"
    days = pd.date_range("2024-01-01", periods=60).strftime("%d/%m/%Y")
    rows = "".join(f"{day},{n % 7},{n % 2}\n" for n, day in enumerate(days))
    path.write_text(f"day,a,label\n{rows}")
    info = store_file(path, "visits", ReadOptions())
    add_dataset(store, info, path.name)
    spec = {"dataset": {"name": info.name}, "model": {"layers": [4]}, "training": {"epochs": 1}}
    run_id, _ = run_inline(store, parse_spec(spec))
    app = open_page("models", run=run_id, tab="Predict")
    assert not app.exception
    shown = app.dataframe[-1].value["day"]
    assert shown.tolist() == [f"2024-02-{day:02}" for day in range(18, 30)]
    app = open_page("models", run=run_id, tab="Predict", predict="Your own")
    assert not app.exception and not app.error
    assert len(app.dataframe[-1].value) == 1
