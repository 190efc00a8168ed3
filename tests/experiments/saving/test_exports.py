"""What a run can be exported as, read back with stock Keras or with what it is meant for."""

import json
import shutil

import h5py
import keras
import numpy as np
import pytest
import yaml

from experiments.__main__ import main
from experiments.cli.model_commands import EXPORTS
from experiments.core.errors import ArtifactError, InputError, RunNotFoundError
from experiments.data.loading import load_dataset
from experiments.data.split.splits import divide
from experiments.models.building import build_model
from experiments.running.inline_launcher import run_inline
from experiments.running.queue import submit
from experiments.saving.exports import KINDS, architecture_to_yaml, export_run, export_to
from experiments.spec.model_specs import Activation
from experiments.spec.spec_files import load_spec, parse_spec
from experiments.tracking.artifacts import fetch_artifact

SPEC = """
name: small cnn
dataset: {name: digits, max_samples: 200}
model: {name: cnn, filters: [3], dense: 6, dropout: 0.2, batch_norm: true}
training: {epochs: 2, metrics: [accuracy, top_5_accuracy]}
"""
HIDDEN = {"dropout": 0.2, "l1": 1e-7, "l2": 1e-3}
MODELS = [
    HIDDEN | {"name": "linear"},
    HIDDEN | {"name": "mlp", "layers": [8, 4], "batch_norm": True},
    *({"name": "mlp", "layers": [3], "activation": name} for name in Activation.__args__),
    HIDDEN | {"name": "cnn", "filters": [2, 3], "dense": 5, "batch_norm": True},
    HIDDEN | {"name": "resnet", "filters": [2, 3, 4], "blocks": 2, "activation": "gelu"},
]
ARCHITECTURES = [
    (model, name)
    for model in MODELS
    for name in ("digits", "wine", "breast_cancer", "diabetes")
    if name == "digits" or model["name"] in ("linear", "mlp")
]


@pytest.fixture(scope="module")
def run_id(module_store) -> str:
    return run_inline(module_store, load_spec(SPEC))[0]


@pytest.fixture
def export(module_store, run_id, tmp_path):
    def written(kind, name="out"):
        assert export_run(module_store, run_id, kind, tmp_path / name) > 100
        return tmp_path / name

    return written


def equal(ones, others) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(ones, others, strict=True))


def optimizer_slots(path) -> list[np.ndarray]:
    with h5py.File(path) as file:
        group = file["optimizer_weights"]
        return [group[name][()] for name in group.attrs["weight_names"]]


def test_the_command_offers_every_kind():
    assert list(EXPORTS) == list(KINDS)


def test_keras_holds_the_weights_the_compile_config_and_every_optimizer_slot(export):
    whole = export("h5", "model.h5")
    model = keras.models.load_model(export("keras", "model.keras"))
    before = keras.models.load_model(whole, compile=False)
    assert equal(model.get_weights(), before.get_weights())
    assert isinstance(model.optimizer, keras.optimizers.Adam)
    slots = optimizer_slots(whole)
    assert len(slots) > 10
    assert equal([variable.numpy() for variable in model.optimizer.variables], slots)
    x, y = np.ones((4, 8, 8, 1)), np.zeros(4)
    history = model.fit(x, y, verbose=0).history
    assert set(history) == {"loss", "accuracy", "top_5_accuracy"}
    assert int(model.optimizer.iterations) == int(slots[0]) + 1


def test_keras_is_written_under_a_name_without_its_suffix_too(export):
    shutil.move(export("keras", "noname"), again := export("json").with_name("named.keras"))
    assert keras.models.load_model(again).name == "cnn"


def test_the_weights_fit_the_architecture_from_json_and_from_yaml(export):
    weights = export("weights", "out.weights.h5")
    whole = keras.models.load_model(export("h5", "model.h5"), compile=False)
    for text in (
        export("json").read_text(),
        json.dumps(yaml.safe_load(export("yaml", "out.yaml").read_text())),
    ):
        model = keras.models.model_from_json(text)
        model.load_weights(weights)
        assert equal(model.get_weights(), whole.get_weights())


@pytest.mark.parametrize(("model", "name"), ARCHITECTURES)
def test_json_and_yaml_give_back_every_architecture_layer_by_layer(model, name):
    spec = parse_spec({"dataset": {"name": name}, "model": model})
    dataset = load_dataset(spec.dataset, spec.seed)
    ours = build_model(spec, dataset, divide(dataset.y, spec.split, spec.seed))
    text = ours.to_json()
    loaded = yaml.safe_load(architecture_to_yaml(text))
    assert loaded == json.loads(text)
    for again in (
        keras.models.model_from_json(text),
        keras.models.model_from_json(json.dumps(loaded)),
    ):
        assert len(again.layers) == len(ours.layers)
        for one, other in zip(ours.layers, again.layers, strict=True):
            assert (one.name, type(one), one.get_config()) == (
                other.name, type(other), other.get_config(),
            )  # fmt: skip
        assert json.loads(again.to_json()) == json.loads(text)


def test_history_is_the_dict_of_the_run(module_store, run_id, export):
    stored = fetch_artifact(module_store, run_id, "history.json").read_text()
    assert export("history").read_text() == stored


def test_the_script_names_the_run(export, run_id):
    assert export("script", "run.py").read_text().startswith(f'"""small cnn, run {run_id}')


def test_the_answer_for_the_page_has_the_file_and_its_size(module_store, run_id, tmp_path):
    path = tmp_path / "architecture.yaml"
    answer = export_to(module_store, run_id, "yaml", str(path))
    assert answer == {"file": str(path), "bytes": path.stat().st_size}


def test_exporting_anything_but_keras_imports_no_keras(module_store, run_id, tmp_path):
    import subprocess
    import sys

    from experiments.core.settings import ROOT

    code = (
        "import sys; from pathlib import Path; from experiments.saving.exports import *;"
        "from experiments.core.settings import read_settings; store = Store(read_settings());"
        "[export_run(store, sys.argv[1], kind, Path(sys.argv[2], kind))"
        " for kind in KINDS if kind != 'keras'];"
        "print([name for name in ('keras', 'tensorflow') if name in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, run_id, str(tmp_path)], cwd=ROOT, check=True,
        env=module_store.settings.environment(), capture_output=True, text=True,
    )  # fmt: skip
    assert result.stdout.strip() == "[]"
    assert len(list(tmp_path.iterdir())) == len(KINDS) - 1


def test_a_run_without_a_model_says_its_status_and_leaves_no_file(store, tmp_path):
    run_id = submit(store, load_spec(SPEC))
    for kind in KINDS:
        with pytest.raises(ArtifactError, match="small cnn is SCHEDULED and has not saved"):
            export_run(store, run_id, kind, tmp_path / "out")
    assert not [path for path in tmp_path.iterdir() if "out" in path.name]


def test_what_cannot_be_written_is_told_and_what_was_there_stays(module_store, run_id, tmp_path):
    with pytest.raises(InputError, match="is a folder"):
        export_run(module_store, run_id, "json", tmp_path)
    with pytest.raises(InputError, match="There is no folder"):
        export_run(module_store, run_id, "json", tmp_path / "missing" / "out.json")
    with pytest.raises(InputError, match="Unknown format 'onnx'"):
        export_run(module_store, run_id, "onnx", tmp_path / "out")
    there = tmp_path / "there.h5"
    there.write_text("before")
    with pytest.raises(RunNotFoundError):
        export_run(module_store, "nobody", "h5", there)
    assert there.read_text() == "before"
    assert list(tmp_path.iterdir()) == [there]


def test_the_command_writes_the_file_and_says_under_which_name_keras_opens_it(
    module_store, run_id, tmp_path, monkeypatch, capsys
):
    for name, value in module_store.settings.environment().items():
        monkeypatch.setenv(name, value)
    for kind, name, hint in (
        ("weights", "w.h5", "ends in .weights.h5"),
        ("weights", "w.weights.h5", ""),
        ("script", "run.py", ""),
    ):
        assert main(["export", run_id, "--as", kind, str(tmp_path / name), "--json"]) == 0
        out, err = capsys.readouterr()
        answer = {"run_id": run_id, "file": str(tmp_path / name)}
        assert json.loads(out) == answer | {"bytes": (tmp_path / name).stat().st_size}
        assert hint in err
        assert bool(hint) == bool(err)
