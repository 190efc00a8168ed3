"""Heat maps against what is known of hand-set weights, and the points of an embedding."""

import keras
import numpy as np
import pytest

from experiments.core.errors import ArtifactError, InputError
from experiments.inference.embedding import embed, head_inputs, project
from experiments.inference.explanation import (
    class_scores,
    explain,
    find_maps,
    heat_maps,
    read_samples,
)
from experiments.inference.loaded_models import load_run
from experiments.models.bases import BASE
from experiments.running.inline_launcher import run_inline
from experiments.spec.spec_files import parse_spec
from experiments.tracking.artifacts import fetch_artifact
from experiments.tracking.changes import create_run
from experiments.tracking.runs import RunStatus

layers = keras.layers
DIGITS = {"name": "digits", "max_samples": 120}
CNN = {"name": "cnn", "filters": [4, 8], "dense": 0}


@pytest.fixture(scope="module")
def store(store_in_use):
    """The module's store."""
    return store_in_use


def train(store, **spec):
    spec = {"dataset": DIGITS, "training": {"epochs": 1}} | spec
    run_id, status = run_inline(store, parse_spec(spec))
    assert status is RunStatus.FINISHED
    return run_id


@pytest.fixture(scope="module")
def cnn(store):
    return train(store, model=CNN)


@pytest.fixture(scope="module")
def on_base(store, cnn):
    """A head on the frozen maps of the CNN."""
    return train(
        store, model={"name": "saved_base", "run": cnn, "layer": "conv_2_activation", "dense": 0}
    )


def corner_model():
    """Class 1 scores what the single filter says of the 2 × 2 pixels in the upper left corner."""
    inputs = keras.Input((8, 8, 1))
    x = layers.Conv2D(1, 1, name="conv")(inputs)
    x = layers.Dense(2, activation="softmax", name="head")(layers.Flatten()(x))
    model = keras.Model(inputs, x)
    model.get_layer("conv").set_weights([np.ones((1, 1, 1, 1)), np.zeros(1)])
    kernel = np.zeros((8, 8, 2))
    kernel[:2, :2, 1] = 1.0
    model.get_layer("head").set_weights([kernel.reshape(64, 2), np.zeros(2)])
    return model


def test_the_heat_lies_in_the_only_corner_that_decides():
    image = np.random.default_rng(0).uniform(0.5, 1, (1, 8, 8, 1))
    (_, (heat,)) = heat_maps(corner_model(), image, [1], "HiResCAM")
    assert (heat[:2, :2] > 0).all()
    assert heat.sum() == pytest.approx(heat[:2, :2].sum())
    # Grad-CAM averages the gradient over all places, and cannot see this (docs/learned.md)
    (_, (spread,)) = heat_maps(corner_model(), image, [1], "Grad-CAM")
    assert spread[2:, 2:].max() > 0


def test_each_class_has_its_heat_where_its_own_pattern_is():
    """Filter 0 sees vertical bars and decides for class 0, filter 1 horizontal bars for class 1."""
    inputs = keras.Input((8, 8, 1))
    x = layers.Conv2D(2, 3, padding="same", activation="relu", name="conv")(inputs)
    x = layers.MaxPooling2D(2, name="pool")(x)
    x = layers.Dense(2, activation="softmax", name="head")(layers.Flatten()(x))
    model = keras.Model(inputs, x)
    bar = np.full((3, 3), -1.0)
    bar[:, 1] = 2.0
    kernel = np.stack([bar, bar.T], axis=-1)[:, :, None]
    model.get_layer("conv").set_weights([kernel, np.full(2, -3.0)])
    head = np.tile(np.eye(2) * 2 - 1, (16, 1))
    model.get_layer("head").set_weights([head, np.zeros(2)])
    image = np.zeros((1, 8, 8, 1))
    image[0, :3, 1], image[0, 6, 5:] = 1.0, 1.0
    path, (vertical, horizontal) = heat_maps(model, image, [0, 1])
    assert path == ("conv",)  # finer than what is pooled after it
    assert vertical[:4, :4].sum() == pytest.approx(vertical.sum()) and vertical.max() > 0
    assert horizontal[4:, 4:].sum() == pytest.approx(horizontal.sum()) and horizontal.max() > 0


def averaged_model(outputs, activation):
    keras.utils.set_random_seed(3)
    inputs = keras.Input((6, 6, 3))
    x = layers.Conv2D(5, 3, activation="tanh", name="conv")(inputs)
    x = layers.GlobalAveragePooling2D(name="average")(x)
    return keras.Model(inputs, layers.Dense(outputs, activation=activation, name="head")(x))


@pytest.mark.parametrize("method", ["Grad-CAM", "HiResCAM"])
def test_with_global_average_pooling_the_heat_is_cam(method):
    """CAM (Zhou et al. 2016) is the maps weighted by the head's kernel; here by numpy alone."""
    model = averaged_model(3, "softmax")
    x = np.random.default_rng(1).normal(size=(1, 6, 6, 3)).astype("float32")
    kernel, bias = model.get_layer("conv").get_weights()
    maps = np.zeros((4, 4, 5))
    for i in range(4):
        for j in range(4):
            seen = np.tensordot(x[0, i : i + 3, j : j + 3], kernel, axes=3)
            maps[i, j] = np.tanh(seen + bias)
    weights = model.get_layer("head").get_weights()[0]
    _, heats = heat_maps(model, x, [0, 1, 2], method)
    for number, heat in enumerate(heats):
        cam = np.maximum(maps @ weights[:, number], 0)
        assert heat == pytest.approx(cam / 16, abs=1e-6) and heat.max() > 0


def test_a_single_output_has_heat_for_both_of_its_classes():
    model = averaged_model(1, "sigmoid")
    x = np.random.default_rng(2).normal(size=(1, 6, 6, 3)).astype("float32")
    _, (no, yes) = heat_maps(model, x, [0, 1])
    maps = keras.Model(model.inputs[0], model.get_layer("conv").output)(x)[0].numpy()
    speaks = maps @ model.get_layer("head").get_weights()[0][:, 0] / 16
    assert yes == pytest.approx(np.maximum(speaks, 0), abs=1e-6)
    assert no == pytest.approx(np.maximum(-speaks, 0), abs=1e-6)
    against, in_favor = class_scores(model, x)[0]
    assert against == -in_favor
    assert 1 / (1 + np.exp(-in_favor)) == pytest.approx(model.predict(x, verbose=0).item())


def test_maps_of_a_single_cell_are_passed_over():
    inputs = keras.Input((8, 8, 1))
    x = layers.Conv2D(2, 3, strides=2, padding="same", name="finer")(inputs)
    x = layers.Conv2D(2, 4, name="one_cell")(x)
    x = layers.Dense(2, activation="softmax", name="head")(layers.Flatten()(x))
    assert find_maps(keras.Model(inputs, x)).path == ("finer",)


def test_a_run_is_explained_for_its_answer_and_its_truth(store, cnn):
    loaded = load_run(store, cnn)
    answers = loaded.model.predict(loaded.dataset.x[loaded.split.validation], verbose=0)
    wrong = answers.argmax(axis=1) != loaded.dataset.y[loaded.split.validation]
    row = int(loaded.split.validation[wrong][0])  # one epoch leaves many
    found = explain(store, cnn, row)
    assert found["layer"] == "conv_2_activation"
    assert [heat["class"] for heat in found["heats"]] == [found["answer"], found["truth"]]
    assert found["answer"] == int(answers[wrong][0].argmax())
    assert found["truth"] == int(loaded.dataset.y[row])
    assert np.shape(found["heats"][0]["heat"]) == (4, 4)
    scores = class_scores(loaded.model, loaded.dataset.x[[row]])[0]
    shares = np.exp(scores) / np.exp(scores).sum()
    assert shares == pytest.approx(answers[wrong][0], abs=1e-5)
    assert read_samples(store, cnn, [row])["inputs"][0] == found["input"]


@pytest.mark.parametrize("layer", ["conv_2_activation", "pool_2", "flat"])
def test_the_maps_of_a_base_are_found_and_what_they_give_is_the_answer(store, cnn, layer):
    run_id = train(store, model={"name": "saved_base", "run": cnn, "layer": layer})
    found = explain(store, run_id, 3)
    inside = BASE if layer == "conv_2_activation" else f"{BASE} / conv_2_activation"
    assert found["layer"] == inside and np.shape(found["heats"][0]["heat"]) == (4, 4)
    model = load_run(store, run_id).model
    x = load_run(store, run_id).dataset.x[:2]
    _, features = find_maps(model).forward(x.astype("float32"))
    assert np.asarray(model.get_layer("head")(features)) == pytest.approx(
        model.predict(x, verbose=0), abs=1e-6
    )


def test_the_heat_of_a_base_whose_maps_are_averaged_is_cam(store, on_base):
    """Through the nested model: its maps are averaged and go into the head, so it is CAM."""
    loaded = load_run(store, on_base)
    x = loaded.dataset.x[5:6].astype("float32")
    _, (heat,) = heat_maps(loaded.model, x, [4])
    maps = np.asarray(find_maps(loaded.model).forward(x)[0])[0]
    head = loaded.model.get_layer("head").get_weights()[0]
    assert heat == pytest.approx(np.maximum(maps @ head[:, 4], 0) / heat.size, rel=1e-4, abs=1e-6)


def test_models_and_data_without_anything_to_look_at_are_told_so(store):
    mlp = train(store, model={"name": "mlp", "layers": [4]})
    with pytest.raises(InputError, match="has no convolution"):
        explain(store, mlp, 0)
    with pytest.raises(InputError, match=r"Received sample 500\. Allowed: 0 to 119"):
        explain(store, mlp, 500)
    wine = train(store, dataset={"name": "wine"}, model={"name": "mlp", "layers": [4]})
    with pytest.raises(InputError, match="rows of a table"):
        explain(store, wine, 0)
    spec = {"dataset": {"name": "diabetes"}, "model": {"name": "mlp"}}
    regression = create_run(store, parse_spec(spec))
    with pytest.raises(InputError, match="Choose a run that classifies"):
        embed(store, regression)
    without_model = create_run(store, parse_spec({"dataset": DIGITS}))
    with pytest.raises(ArtifactError):
        embed(store, without_model)


def test_unknown_classes_and_methods_are_refused(store, cnn):
    with pytest.raises(InputError, match=r"Received class 10\. Allowed: 0 to 9"):
        explain(store, cnn, 0, [10])
    with pytest.raises(InputError, match="Unknown method 'LIME'"):
        explain(store, cnn, 0, method="LIME")


def test_the_projection_is_the_principal_components():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(50, 6)) * [9, 4, 1, 1, 1, 1]
    points, explained = project(features)
    centerd = features - features.mean(axis=0)
    values = np.linalg.svd(centerd, compute_uv=False)
    assert np.linalg.norm(points, axis=0) == pytest.approx(values[:2])
    assert explained == pytest.approx((values**2 / (values**2).sum())[:2])
    line = project(rng.normal(size=(5, 1)))
    assert (line.points[:, 1] == 0).all() and line.explained == pytest.approx([1.0])


def test_tsne_keeps_groups_apart_and_is_the_same_again():
    rng = np.random.default_rng(0)
    groups = np.repeat([0, 1, 2], 30)
    features = rng.normal(size=(90, 60)) + 20 * np.eye(3, 60)[groups]
    points, explained = project(features, "tsne")
    assert explained == ()
    assert (points == project(features, "tsne").points).all()
    apart = np.linalg.norm(points[:, None] - points, axis=-1)
    np.fill_diagonal(apart, np.inf)
    assert (groups[apart.argmin(axis=1)] == groups).all()


def test_what_cannot_be_projected_is_told():
    with pytest.raises(InputError, match="has diverged"):
        project(np.full((5, 2), np.nan))
    with pytest.raises(InputError, match="three or more"):
        project(np.zeros((2, 2)))
    with pytest.raises(InputError, match="t-SNE needs 10 or more"):
        project(np.eye(5), "tsne")


def test_an_embedding_is_of_what_goes_into_the_head(store, cnn):
    found = embed(store, cnn)
    loaded = load_run(store, cnn)
    assert found["rows"] == loaded.split.validation.tolist()
    assert found["width"] == 2 * 2 * 8 and not found["known"]
    with np.load(fetch_artifact(store, cnn, "predictions.npz")) as recorded:
        assert found["prediction"] == pytest.approx(recorded["prediction"], abs=1e-5)
        assert found["truth"] == recorded["truth"].tolist()
    assert len(embed(store, cnn, "train")["rows"]) == len(loaded.split.train)


def test_features_of_a_frozen_base_are_taken_from_the_cache(store, on_base):
    loaded = load_run(store, on_base)
    rows = loaded.split.validation
    features, known = head_inputs(loaded, rows)
    assert known
    extractor = keras.Model(loaded.model.inputs[0], loaded.model.get_layer("head").input)
    assert features == pytest.approx(extractor.predict(loaded.dataset.x[rows], verbose=0), abs=1e-5)
    for file in (store.settings.home / "features").glob("*.h5"):
        file.unlink()
    again, known = head_inputs(loaded, rows)
    assert not known and again == pytest.approx(features, abs=1e-5)
