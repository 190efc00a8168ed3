"""The stand-alone script of a run: the same data, weights and history without this project."""

import json

import keras
import numpy as np
import pytest

from experiments.core.errors import ModelFileError
from experiments.data.catalog import CATALOG, Source, Task
from experiments.data.loading import load_dataset
from experiments.data.reading.reader import ReadOptions
from experiments.data.reading.storing import store_file
from experiments.data.split.splits import divide, split_dataset
from experiments.data.stored import folder_of
from experiments.models.building import build_model, compile_model
from experiments.running.inline_launcher import run_inline
from experiments.saving.script_export.script import write_script
from experiments.spec.losses import losses_for
from experiments.spec.metrics import metrics_for
from experiments.spec.optimizers import OPTIMIZERS
from experiments.spec.run_spec import RunSpec
from experiments.spec.spec_files import load_spec, parse_spec
from experiments.tracking.artifacts import fetch_artifact
from tests.support.isolated_python import isolated_python

HIDDEN = {"dropout": 0.2, "l1": 1e-4, "l2": 1e-3}
KINDS = {
    "linear": HIDDEN | {"name": "linear"},
    "mlp": HIDDEN | {"name": "mlp", "layers": [8, 4], "batch_norm": True, "activation": "selu"},
    "no hidden layers": {"name": "mlp", "layers": []},
    "cnn": HIDDEN | {"name": "cnn", "filters": [2, 3], "dense": 5, "activation": "leaky_relu"},
    "cnn with normalization": {"name": "cnn", "filters": [2] * 4, "dense": 0, "batch_norm": True},
    "resnet": HIDDEN | {"name": "resnet", "filters": [2, 3, 3, 4], "blocks": 2},
}
PAIRS = [
    (kind, name)
    for kind, model in KINDS.items()
    for name in ("digits", "wine", "breast_cancer", "diabetes")
    if name == "digits" or model["name"] in ("linear", "mlp")
]
RUNS = {
    "a cnn with dropout, normalization and early stopping": """
        dataset: {name: digits, max_samples: 500}
        split: {method: stratified, validation_split: 0.2}
        model: {name: cnn, filters: [4, 8], dense: 16, dropout: 0.3, batch_norm: true, l2: 0.0001}
        training: {epochs: 12, batch_size: 64, learning_rate: 0.03}
        callbacks: {early_stopping: {patience: 1}, reduce_lr_on_plateau: {patience: 0}}
        seed: 3""",
    "two classes": """
        dataset: {name: breast_cancer}
        split: {method: shuffled}
        model: {name: mlp, layers: [16], dropout: 0.2}
        training: {epochs: 3, optimizer: rmsprop, momentum: 0.5, metrics: [accuracy, auc]}""",
    "a regression": """
        dataset: {name: diabetes}
        model: {name: mlp, layers: [8], batch_norm: true, l1: 0.001}
        training: {epochs: 3, optimizer: nadam, learning_rate: 0.01, metrics: [mae, r2]}""",
    "generated samples": """
        dataset: {name: two_moons, noise: 0.2}
        split: {validation_split: 0}
        model: {name: mlp, layers: [8], activation: tanh}
        training: {epochs: 3, optimizer: sgd, momentum: 0.9}
        seed: 5""",
    "augmented images, split with a seed of its own": """
        dataset: {name: digits, max_samples: 300}
        split: {method: shuffled, seed: 8}
        model: {name: cnn, filters: [4], dense: 8, dropout: 0.2}
        augmentation: {flip: true, translation: 0.1, rotation: 0.05, zoom: 0.1, contrast: 0.2}
        training: {epochs: 3}""",
    "samples generated with a seed of their own": """
        dataset: {name: two_moons, noise: 0.1}
        split: {method: stratified, seed: 8}
        model: {name: mlp, layers: [4]}
        training: {epochs: 2}""",
    "a residual network": """
        dataset: {name: digits, max_samples: 300}
        model: {name: resnet, filters: [2, 4], dropout: 0.1}
        training: {epochs: 2, optimizer: adamw}""",
}  # fmt: skip


def build(spec: RunSpec) -> keras.Model:
    dataset = load_dataset(spec.dataset, spec.seed)
    keras.utils.set_random_seed(spec.seed)
    return build_model(spec, dataset, divide(dataset.y, spec.split, spec.seed))


def write(spec: RunSpec, title: str = "") -> str:
    return write_script(spec, json.loads(build(spec).to_json()), title)


def definitions(text: str) -> dict:
    """What the script has defined before it begins to train."""
    names = {"__name__": "script"}
    exec(compile(text.partition("\nmore = ")[0], "script.py", "exec"), names)
    return names


@pytest.fixture(scope="module")
def run_script():
    """Runs a script as ``python -I`` does, in a process and a folder of its own."""
    with isolated_python() as python:

        def run(text: str, folder, *arguments: str) -> dict:
            (folder / "script.py").write_text(text)
            returncode, said = python.run("script.py", *arguments, folder=folder)
            assert returncode == 0, said[-2000:]
            return json.loads((folder / "history.json").read_text())

        yield run


@pytest.mark.parametrize("text", RUNS.values(), ids=list(RUNS))
def test_the_script_gives_the_history_of_the_run_to_the_bit(
    module_store, run_script, tmp_path, text
):
    spec = load_spec(text)
    run_id, _ = run_inline(module_store, spec)
    architecture = fetch_artifact(module_store, run_id, "model/architecture.json").read_text()
    again = run_script(write_script(spec, json.loads(architecture)), tmp_path)
    history = json.loads(fetch_artifact(module_store, run_id, "history.json").read_text())
    compared = {"loss", *spec.metrics} | {name for name in history if name.startswith("val_")}
    assert compared <= set(again)
    for name in compared:
        assert again[name] == history[name], name
    assert keras.models.load_model(tmp_path / "model.h5", compile=False).name == spec.model.name


def test_the_script_loads_what_it_has_saved_and_goes_on_as_if_it_had_not_stopped(
    run_script, tmp_path
):
    text = """
        dataset: {name: digits, max_samples: 300}
        model: {name: mlp, layers: [8], batch_norm: true}
        training: {epochs: EPOCHS, learning_rate: 0.01}"""
    straight, halves = tmp_path / "straight", tmp_path / "halves"
    straight.mkdir()
    halves.mkdir()
    whole = run_script(write(load_spec(text.replace("EPOCHS", "4"))), straight)
    script = write(load_spec(text.replace("EPOCHS", "2")))
    assert len(run_script(script, halves)["loss"]) == 2
    assert run_script(script, halves, "2") == whole


@pytest.mark.parametrize(("kind", "name"), PAIRS)
def test_the_script_builds_the_network_with_the_same_weights(kind, name):
    spec = parse_spec({"dataset": {"name": name}, "model": KINDS[kind], "seed": 4})
    ours = build(spec)
    script = definitions(write_script(spec, json.loads(ours.to_json())))
    keras.utils.set_random_seed(spec.seed)
    theirs = script["build_model"]()
    assert {entry["name"]: entry for entry in ours.get_config()["layers"]} == {
        entry["name"]: entry for entry in theirs.get_config()["layers"]
    }
    for layer in ours.layers:
        for own, other in zip(
            layer.get_weights(), theirs.get_layer(layer.name).get_weights(), strict=True
        ):
            assert np.array_equal(own, other), layer.name


@pytest.mark.parametrize("method", ["last", "shuffled", "stratified"])
@pytest.mark.parametrize(
    "name", [name for name, info in CATALOG.items() if info.source is not Source.DOWNLOAD]
)
def test_the_script_has_the_same_samples_in_both_parts(name, method):
    if (name, method) == ("diabetes", "stratified"):
        return
    spec = parse_spec(
        {"dataset": {"name": name, "max_samples": 120}, "seed": 9,
         "split": {"method": method, "validation_split": 0.3}}
    )  # fmt: skip
    dataset = load_dataset(spec.dataset, spec.seed)
    split = divide(dataset.y, spec.split, spec.seed)
    script = definitions(write(spec))
    for part, rows in (("train", split.train), ("val", split.validation)):
        for axis, array in (("x", dataset.x[rows]), ("y", dataset.y[rows])):
            assert script[f"{axis}_{part}"].dtype == array.dtype
            assert np.array_equal(script[f"{axis}_{part}"], array)


METHODS = ("last", "shuffled", "stratified", "group", "time")
SPLITS = [
    *({"method": method, "validation_split": 0.3} for method in ("group", "time")),
    *(
        {"method": method, "folds": 5, "fold": fold}
        for method in ("last", "shuffled", "stratified", "group")
        for fold in (1, 4)
    ),
    *({"method": method, "test_split": 0.2} for method in METHODS),
    {"method": "shuffled", "folds": 3, "fold": 2, "test_split": 0.1},
    {"method": "last", "validation_split": 0, "test_split": 0.1},
]


@pytest.mark.parametrize("split", SPLITS, ids=lambda split: " ".join(map(str, split.values())))
def test_the_script_divides_stored_samples_as_the_run_does(workspace, tmp_path, monkeypatch, split):
    random = np.random.default_rng(0)
    np.savez(
        tmp_path / "rows.npz", x=random.normal(size=(90, 3)), y=random.integers(0, 3, 90),
        who=random.integers(0, 20, 90), day=random.integers(0, 30, 90),
    )  # fmt: skip
    info = store_file(tmp_path / "rows.npz", "rows", ReadOptions(group="who", time="day"))
    spec = parse_spec({"dataset": {"name": info.name, "max_samples": 80}, "split": split})
    dataset = load_dataset(spec.dataset, spec.seed)
    parts = split_dataset(dataset, spec.split, spec.seed)
    monkeypatch.chdir(folder_of(info.content_hash))
    script = definitions(write_script(spec, _any_architecture()))
    for part, rows in (("train", parts.train), ("val", parts.validation), ("test", parts.test)):
        if len(rows):
            assert np.array_equal(script[f"x_{part}"], dataset.x[rows])
            assert np.array_equal(script[f"y_{part}"], dataset.y[rows])


@pytest.mark.parametrize("method", ["given", "shuffled"])
def test_the_script_keeps_the_parts_of_a_file(workspace, tmp_path, monkeypatch, method):
    random = np.random.default_rng(0)
    parts = {"train": 60, "val": 20, "test": 30}
    given = {f"x_{part}": random.normal(size=(n, 3)) for part, n in parts.items()}
    given |= {f"y_{part}": random.integers(0, 3, n) for part, n in parts.items()}
    np.savez(tmp_path / "rows.npz", **given)
    info = store_file(tmp_path / "rows.npz", "rows", ReadOptions())
    spec = parse_spec({"dataset": {"name": info.name}, "split": {"method": method}})
    dataset = load_dataset(spec.dataset, spec.seed)
    found = split_dataset(dataset, spec.split, spec.seed)
    monkeypatch.chdir(folder_of(info.content_hash))
    script = definitions(write_script(spec, _any_architecture()))
    for part, rows in (("train", found.train), ("val", found.validation), ("test", found.test)):
        assert np.array_equal(script[f"x_{part}"], dataset.x[rows])
        assert np.array_equal(script[f"y_{part}"], dataset.y[rows])


@pytest.mark.parametrize(
    ("name", "shape", "labels"),
    [("mnist", (28, 28), (20,)), ("cifar10", (32, 32, 3), (20, 1)),
     ("california_housing", (8,), (20,))],
)  # fmt: skip
def test_downloaded_samples_have_the_shapes_and_types_that_a_run_gives_them(
    monkeypatch, name, shape, labels
):
    info = CATALOG[name]
    kind = np.uint8 if len(shape) > 1 else np.float32
    part = np.ones((20, *shape), kind), np.ones(labels, kind)
    monkeypatch.setattr(getattr(keras.datasets, name), "load_data", lambda: (part, part))
    spec = parse_spec({"dataset": {"name": name, "max_samples": 10}, "model": {"name": "linear"}})
    script = definitions(write_script(spec, _any_architecture()))
    assert script["x"].shape == (10, *info.shape)
    assert script["x_test"].shape == (20, *info.shape)
    assert script["x"].dtype == kind
    assert script["y"].shape == ((10,) if info.classes else (10, 1))
    assert script["y"].dtype == (np.int32 if info.classes else np.float32)


@pytest.mark.parametrize("task", Task)
def test_every_optimizer_loss_and_metric_is_compiled_as_in_a_run(task):
    name = next(info.name for info in CATALOG.values() if info.task is task)
    for number, optimizer in enumerate(OPTIMIZERS):
        loss = losses_for(task)[number % len(losses_for(task))]
        spec = parse_spec(
            {"dataset": {"name": name}, "model": {"name": "linear"},
             "training": {"optimizer": optimizer, "loss": loss, "metrics": list(metrics_for(task))}}
        )  # fmt: skip
        ours = build(spec)
        compile_model(ours, spec)
        script = definitions(write_script(spec, json.loads(ours.to_json())))
        theirs = script["build_model"]()
        script["compile_model"](theirs)
        own, other = ours.get_compile_config(), theirs.get_compile_config()
        for config in (own, other):
            config["optimizer"]["config"].pop("name")  # counts up within a process
        assert own == other


def test_a_name_that_somebody_chose_stays_inside_the_docstring():
    spec = load_spec("{dataset: {name: iris}, model: {name: linear}}")
    evil = 'mine"""\nraise SystemExit(1)\n"""\\'
    assert definitions(write(spec, evil))["SEED"] == 1
    assert write(spec, evil).startswith('"""mine raise SystemExit(1)')


def test_a_run_that_went_on_from_a_saved_model_is_said_to_have_another_history():
    spec = load_spec("{dataset: {name: iris}, model: {name: linear}, start: {run: abc, epoch: 2}}")
    assert "begins with fresh weights" in write(spec).partition("import json")[0]
    assert "begins with fresh weights" not in write(spec.model_copy(update={"start": None}))


def test_a_layer_that_we_never_build_is_refused_by_name():
    inputs = keras.Input((4,))
    model = keras.Model(inputs, keras.layers.Softmax(name="soft")(inputs))
    with pytest.raises(ModelFileError, match="'soft' is a Softmax"):
        write_script(RunSpec(), json.loads(model.to_json()))


def _any_architecture() -> dict:
    return json.loads(build(load_spec("{dataset: {name: iris}, model: {name: linear}}")).to_json())
