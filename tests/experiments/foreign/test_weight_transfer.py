"""Weights by layer name into other networks, from files that Keras itself has written."""

import json

import h5py
import keras
import numpy as np
import pytest
from keras import layers

from experiments.core.errors import ModelFileError
from experiments.foreign.weight_transfer import apply, plan_transplant, transplant
from experiments.models.building import sketch_model
from experiments.running.inline_launcher import run_inline
from experiments.saving.exports import architecture_to_yaml
from experiments.saving.whole_model import load_model
from experiments.spec.spec_files import load_spec
from experiments.tracking.artifacts import fetch_artifact
from experiments.tracking.run_specs import get_spec
from experiments.tracking.runs import RunStatus, get_run, list_runs

FORMATS = ["whole.h5", "legacy weights", "model.weights.h5", "model.keras"]


def network(classes=10, filters=4, extra=(), seed=0) -> keras.Model:
    """conv, norm, then the layers of ``extra``, then head."""
    keras.utils.set_random_seed(seed)
    x = inputs = keras.Input((8, 8, 1), name="images")
    x = layers.Conv2D(filters, 3, name="conv")(x)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.Flatten(name="flat")(layers.Dropout(0.5, name="drop")(x))
    for name in extra:
        x = layers.Dense(3, name=name)(x)
    return keras.Model(inputs, layers.Dense(classes, name="head")(x))


def trained(model: keras.Model) -> keras.Model:
    """Weights that are nobody's initial ones, moving statistics included."""
    random = np.random.default_rng(1)
    model.set_weights([random.normal(size=w.shape) for w in model.get_weights()])
    model.compile("adam", "mean_squared_error")
    return model


def write(model: keras.Model, folder, form: str):
    path = folder / form
    if form == "legacy weights":
        from keras.src.legacy.saving.legacy_h5_format import save_weights_to_hdf5_group

        with h5py.File(path, "w") as file:
            save_weights_to_hdf5_group(file, model)
    elif form.endswith(".weights.h5"):
        model.save_weights(path)
    else:
        model.save(path)
    return path


def statuses(plan) -> dict[str, str]:
    return {row.layer: row.status.value for row in plan.rows}


def same(layer: keras.Layer, other: keras.Layer) -> bool:
    pairs = zip(layer.get_weights(), other.get_weights(), strict=True)
    return all(np.array_equal(one, two) for one, two in pairs)


@pytest.mark.parametrize("form", FORMATS)
def test_layers_of_the_same_name_and_shape_are_loaded_and_all_others_untouched(tmp_path, form):
    source = trained(network(10, extra=["left"]))
    target, before = network(5, extra=["new"], seed=3), network(5, extra=["new"], seed=3)
    plan = transplant(write(source, tmp_path, form), target)
    assert [(row.layer, row.status.value) for row in plan.rows] == [
        ("conv", "loaded"), ("norm", "loaded"), ("new", "missing"), ("head", "shape_mismatch"),
        ("left", "left_over"),
    ]  # fmt: skip
    for name in ("conv", "norm"):
        assert same(target.get_layer(name), source.get_layer(name))
        assert not same(target.get_layer(name), before.get_layer(name))
    for name in ("new", "head"):
        assert same(target.get_layer(name), before.get_layer(name))


@pytest.mark.parametrize("form", FORMATS)
def test_a_plan_has_the_shapes_of_both_sides_and_changes_nothing(tmp_path, form):
    path = write(trained(network(10)), tmp_path, form)
    target, before = network(5, seed=3), network(5, seed=3)
    plan = plan_transplant(path, target)
    head = plan.rows[2].to_dict()
    assert head == {
        "layer": "head", "status": "shape_mismatch", "source_shapes": [[144, 10], [10]],
        "target_shapes": [[144, 5], [5]], "parameters": 725,
    }  # fmt: skip
    assert plan.counts == {"loaded": 2, "shape_mismatch": 1, "missing": 0, "left_over": 0}
    assert plan.sentence == (
        f"2 of 3 layers, 56 of 781 parameters, from {path.name}: 1 of another shape."
    )
    for layer, other in zip(target.layers, before.layers, strict=True):
        assert same(layer, other)


@pytest.mark.parametrize("form", FORMATS)
def test_layers_of_nested_models_stand_alone(tmp_path, form):
    def nested(classes, seed):
        keras.utils.set_random_seed(seed)
        inner = keras.Sequential(
            [layers.Dense(4, name="first"), layers.BatchNormalization(name="norm")], name="base"
        )
        inputs = keras.Input((3,))
        return keras.Model(inputs, layers.Dense(classes, name="first")(inner(inputs)))

    source, target, before = trained(nested(2, 0)), nested(3, 1), nested(3, 1)
    plan = transplant(write(source, tmp_path, form), target)
    assert statuses(plan) == {
        "base/first": "loaded", "base/norm": "loaded", "first": "shape_mismatch",
    }  # fmt: skip
    inner = target.get_layer("base")
    assert same(inner, source.get_layer("base"))
    assert same(target.get_layer("first"), before.get_layer("first"))


@pytest.mark.parametrize("form", FORMATS)
def test_wrapped_and_composite_layers_are_taken_over_whole(tmp_path, form):
    def recurrent(seed):
        keras.utils.set_random_seed(seed)
        x = inputs = keras.Input((6, 4))
        x = layers.Bidirectional(layers.LSTM(4, return_sequences=True), name="both")(x)
        x = layers.MultiHeadAttention(2, 4, name="attention")(x, x)
        return keras.Model(inputs, layers.TimeDistributed(layers.Dense(2), name="each")(x))

    source, target = trained(recurrent(0)), recurrent(1)
    plan = transplant(write(source, tmp_path, form), target)
    assert set(statuses(plan).values()) == {"loaded"}
    x = np.random.default_rng(0).normal(size=(2, 6, 4))
    assert np.array_equal(source.predict(x, verbose=0), target.predict(x, verbose=0))


@pytest.mark.parametrize("form", FORMATS)
def test_a_frozen_network_receives_its_weights_in_the_right_order(tmp_path, form):
    source, target = trained(network()), network(seed=2)
    target.trainable = False
    transplant(write(source, tmp_path, form), target)
    assert same(source, target)


@pytest.mark.parametrize("form", FORMATS)
def test_weights_of_a_model_itself_are_taken_over(tmp_path, form):
    def with_own(value):
        inputs = keras.Input((2,))
        model = keras.Model(inputs, layers.Dense(1, name="head")(inputs))
        model.scale = model.add_weight(shape=(3,), name="scale")
        model.scale.assign([value] * 3)
        return model

    source, target = with_own(5.0), with_own(1.0)
    source.compile("sgd", "mean_squared_error")
    plan = transplant(write(source, tmp_path, form), target)
    assert statuses(plan) == {"head": "loaded", "top_level_model_weights": "loaded"}
    assert target.scale.numpy().tolist() == [5.0] * 3


def test_weights_without_names_are_matched_by_class_and_count(tmp_path):
    """As Keras wrote .weights.h5 before it put names beside the groups."""
    source = trained(network(10, extra=["left"]))
    path = write(source, tmp_path, "old.weights.h5")
    with h5py.File(path, "r+") as file:
        file.visititems(lambda _, item: item.attrs.pop("name", None) and None)
    target, before = network(10, seed=3), network(10, seed=3)
    plan = transplant(path, target)
    # "dense" of the file is the layer "left" and would have been "head" in a network without it
    assert statuses(plan) == {
        "conv": "loaded", "norm": "loaded", "head": "shape_mismatch", "dense_1": "left_over",
    }  # fmt: skip
    assert same(target.get_layer("conv"), source.get_layer("conv"))
    assert same(target.get_layer("head"), before.get_layer("head"))


def test_a_layer_called_like_a_group_of_the_file_does_not_take_its_weights(tmp_path):
    """In a .weights.h5 the only Dense layer is the group ``dense``, whatever its own name is."""
    keras.utils.set_random_seed(0)
    source = keras.Sequential([keras.Input((2,)), layers.Dense(2, name="mine")])
    target = keras.Sequential([keras.Input((2,)), layers.Dense(2, name="dense")])
    plan = plan_transplant(write(source, tmp_path, "model.weights.h5"), target)
    assert statuses(plan) == {"dense": "missing", "mine": "left_over"}


def test_one_array_of_another_shape_keeps_the_whole_layer_as_it_is(tmp_path):
    def dense(use_bias):
        return keras.Sequential([keras.Input((2,)), layers.Dense(2, name="a", use_bias=use_bias)])

    path = write(trained(dense(use_bias=True)), tmp_path, "whole.h5")
    target = dense(use_bias=False)
    before = target.get_weights()
    with pytest.raises(ModelFileError, match=r"No layer of whole\.h5 fits this network"):
        transplant(path, target)
    assert np.array_equal(target.get_weights()[0], before[0])
    apply(plan_transplant(path, target), target)
    assert np.array_equal(target.get_weights()[0], before[0])


def test_a_plan_needs_no_values_of_the_network(tmp_path):
    path = write(trained(network()), tmp_path, "whole.h5")
    huge = "{model: {name: cnn, filters: [16], dense: 4000000}}"
    plan = plan_transplant(path, sketch_model(load_spec(huge)))
    assert plan.counts == {"loaded": 0, "shape_mismatch": 1, "missing": 2, "left_over": 2}


def test_a_network_that_was_never_built_is_refused(tmp_path):
    path = write(trained(network()), tmp_path, "whole.h5")
    with pytest.raises(ModelFileError, match="never built"):
        plan_transplant(path, keras.Sequential([layers.Dense(2)]))


def test_a_file_that_is_no_model_is_refused(tmp_path):
    (tmp_path / "model.h5").write_text("no model")
    with pytest.raises(ModelFileError, match=r"model\.h5"):
        plan_transplant(tmp_path / "model.h5", network())


SPEC = """
name: small
dataset: {name: digits, max_samples: 200}
model: {name: cnn, filters: [3], dense: 6, batch_norm: true}
training: {epochs: 1}
seed: SEED
"""


@pytest.fixture(scope="module")
def store(store_in_use):
    """The module's store."""
    return store_in_use


@pytest.fixture
def command(store):
    """``python -m experiments transplant …`` in this process: its exit code, and what it says."""
    from experiments.__main__ import main

    def run(capsys, *arguments):
        code = main(["transplant", *map(str, arguments), "--json"])
        out, err = capsys.readouterr()
        return code, json.loads(out) if out else err

    return run


@pytest.fixture(scope="module")
def run_id(store):
    return run_inline(store, load_spec(SPEC.replace("SEED", "1")))[0]


def test_a_dry_run_into_a_run_says_what_would_be_loaded_and_queues_nothing(
    store, run_id, command, capsys
):
    runs = len(list_runs(store))
    code, answer = command(capsys, run_id, "--into", run_id, "--set", "model.dense=7", "--dry-run")
    assert (code, answer["run_id"]) == (0, None)
    assert answer["counts"] == {"loaded": 2, "shape_mismatch": 2, "missing": 0, "left_over": 0}
    assert [row["layer"] for row in answer["layers"]] == ["conv_1", "conv_1_norm", "hidden", "head"]
    assert answer["layers"][2]["source_shapes"] == [[48, 6], [6]]
    assert len(list_runs(store)) == runs


def test_a_run_is_queued_that_starts_from_another_run_and_names_it(store, run_id, command, capsys):
    code, answer = command(
        capsys, run_id, "--into", run_id, "--queue", "--set", "dataset.name=mnist",
        "--set", "name=next",
    )  # fmt: skip
    assert code == 0, answer
    queued = get_run(store, answer["run_id"])
    assert (queued.name, queued.status, queued.parent_id) == ("next", RunStatus.SCHEDULED, run_id)
    start = get_spec(store, queued.id).start
    assert (start.run, start.file, start.how) == (run_id, "model/model.h5", "weights")


def test_a_run_is_trained_that_starts_from_a_file_which_it_keeps(
    store, run_id, command, capsys, tmp_path
):
    file = tmp_path / "mine.weights.h5"
    load_model(fetch_artifact(store, run_id, "model/model.h5")).save_weights(file)
    code, answer = command(capsys, file, "--into", run_id)
    assert code == 0, answer
    run = get_run(store, answer["run_id"])
    assert (run.name, run.parent_id) == ("small with weights of mine.weights.h5", run_id)
    assert "It began with weights of mine.weights.h5" in run.reason
    assert get_spec(store, run.id).start.file == "start/mine.weights.h5"
    kept = fetch_artifact(store, run.id, "start/mine.weights.h5")
    assert kept.read_bytes() == file.read_bytes()


def test_a_spec_file_is_the_network_of_a_new_run(store, run_id, command, capsys, tmp_path):
    spec = tmp_path / "next.yaml"
    spec.write_text(SPEC.replace("SEED", "2"))
    code, answer = command(capsys, run_id, "--into", spec, "--queue")
    assert code == 0, answer
    assert answer["counts"]["loaded"] == 4
    assert get_run(store, answer["run_id"]).parent_id == run_id


@pytest.mark.parametrize("form", ["architecture.json", "architecture.yaml", "model.keras"])
def test_a_model_file_is_written_for_an_architecture(command, capsys, tmp_path, form):
    source, target = trained(network(10)), network(5, seed=3)
    weights, into, out = write(source, tmp_path, "whole.h5"), tmp_path / form, tmp_path / "out.h5"
    if form.endswith(".keras"):
        target.save(into)
    else:
        text = target.to_json()
        into.write_text(architecture_to_yaml(text) if form.endswith(".yaml") else text)
    code, answer = command(capsys, weights, "--into", into, "--out", out)
    assert (code, answer["file"]) == (0, str(out)), answer
    written = keras.models.load_model(out, compile=False)
    assert same(written.get_layer("norm"), source.get_layer("norm"))
    assert written.output_shape == (None, 5)


def test_a_written_model_has_a_new_optimizer(command, capsys, tmp_path):
    target = trained(network(seed=3))
    target.fit(np.zeros((4, 8, 8, 1)), np.zeros((4, 10)), verbose=0)
    weights = write(trained(network()), tmp_path, "model.weights.h5")
    into, out = write(target, tmp_path, "whole.h5"), tmp_path / "out.h5"
    assert int(load_model(into).optimizer.iterations) == 1
    assert command(capsys, weights, "--into", into, "--out", out)[0] == 0
    optimizer = load_model(out).optimizer
    assert int(optimizer.iterations) == 0
    assert not any(np.any(slot.numpy()) for slot in optimizer.variables[2:])


def test_an_architecture_that_would_run_code_is_refused_by_name(command, capsys, tmp_path):
    # written by hand: TensorFlow's autograph takes 12 GB to trace a lambda of this module
    architecture = network().to_json().replace('"class_name": "Flatten"', '"class_name": "Lambda"')
    assert "Lambda" in architecture
    (tmp_path / "evil.json").write_text(architecture)
    weights = write(trained(network()), tmp_path, "whole.h5")
    code, said = command(capsys, weights, "--into", tmp_path / "evil.json", "--dry-run")
    assert code == 2
    assert "Lambda" in said


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["whole.h5", "--into", "into.json"], "--out OUT.h5"),
        (["whole.h5", "--into", "into.json", "--out", "."], "is a folder"),
        (["whole.h5", "--into", "into.json", "--out", "no/out.h5"], "There is no folder"),
        (["whole.h5", "--into", "into.json", "--out", "out.keras"], "ends in .h5"),
        (["whole.h5", "--into", "into.json", "--dry-run", "--set", "seed=2"], "--set: received"),
        (["whole.h5", "--into", "spec.yaml", "--out", "out.h5"], "--out: received"),
        (["whole.h5", "--into", "spec.yaml", "--set", "model.dense=-1"], "model.dense"),
        (["whole.h5", "--into", "spec.yaml"], "No layer of whole.h5 fits"),
        (["gone.h5", "--into", "spec.yaml"], "There is no file gone.h5"),
        (["nobody", "--into", "spec.yaml"], "There is no file nobody. No run 'nobody'"),
        (["whole.h5", "--into", "nobody"], "No run 'nobody'"),
        (["spec.yaml", "--into", "spec.yaml"], "spec.yaml"),
    ],
)
def test_what_is_refused_ends_with_code_2_and_queues_nothing(
    store, command, capsys, tmp_path, monkeypatch, arguments, says
):
    monkeypatch.chdir(tmp_path)
    write(trained(network()), tmp_path, "whole.h5")
    (tmp_path / "into.json").write_text(network().to_json())
    (tmp_path / "spec.yaml").write_text(SPEC.replace("SEED", "2"))
    runs = len(list_runs(store))
    code, said = command(capsys, *arguments)
    assert code == 2
    assert says in said
    assert len(list_runs(store)) == runs
    assert not (tmp_path / "out.h5").exists()


def test_a_run_that_starts_from_weights_has_them_before_its_first_batch(store, run_id):
    """With a learning rate of 1e-30 the weights stay what they were at the start."""
    spec = load_spec(
        SPEC.replace("SEED", "9"),
        [f"start={{run: {run_id}, file: model/model.h5, how: weights}}",
         "training.optimizer=sgd", "training.learning_rate=1e-30"],
    )  # fmt: skip
    started, status = run_inline(store, spec, parent_id=run_id)
    assert status is RunStatus.FINISHED, get_run(store, started).reason
    before, after = (
        load_model(fetch_artifact(store, run, "model/model.h5")) for run in (run_id, started)
    )
    for name in ("conv_1", "hidden", "head"):
        assert same(before.get_layer(name), after.get_layer(name))
