"""Metrics against scikit-learn's, and which data a model can be evaluated on."""

import tracemalloc

import h5py
import keras
import numpy as np
import pytest
from sklearn import metrics as sk

from experiments.core.errors import InputError
from experiments.data.catalog import CATALOG
from experiments.data.samples import StoredSamples
from experiments.inference import prediction
from experiments.inference.evaluation import evaluate
from experiments.inference.loaded_models import LoadedFile, load_run
from experiments.inference.model_data import (
    compatible,
    guess_scale,
    kind_of,
    refuse_unfit,
    to_model,
)
from experiments.inference.prediction import (
    open_model,
    predict,
    predict_parts,
    predict_samples,
)
from experiments.inference.scores import measure_classes, measure_values, probabilities
from experiments.running.inline_launcher import run_inline
from experiments.spec.spec_files import parse_spec
from experiments.tracking.store import Store

SPEC = {
    "dataset": {"name": "breast_cancer"}, "model": {"layers": [8]}, "training": {"epochs": 3},
}  # fmt: skip


@pytest.fixture(scope="module")
def trained(tmp_path_factory, migrated_database):
    import shutil

    from experiments.core.settings import Settings

    home = tmp_path_factory.mktemp("evaluated")
    shutil.copy(migrated_database, home / "mlflow.db")
    store = Store(Settings(home, f"sqlite:///{home}/mlflow.db", ""))
    return store, run_inline(store, parse_spec(SPEC))[0]


def model_of(*shape, outputs=10, first=()):
    flat = [keras.layers.Flatten()] if len(shape) > 1 else []
    return keras.Sequential([keras.Input(shape), *first, *flat, keras.layers.Dense(outputs)])


def names(model):
    return [found["name"] for found in compatible(LoadedFile(model, (), 0, 0.0))]


def test_metrics_of_classes_are_those_of_scikit_learn():
    random = np.random.default_rng(0)
    truth = random.integers(0, 4, 200)
    shares = random.dirichlet(np.ones(4), 200)
    found = measure_classes(truth, shares)
    labels = shares.argmax(axis=1)
    assert found == pytest.approx(
        {
            "accuracy": sk.accuracy_score(truth, labels),
            "cross-entropy": sk.log_loss(truth, shares),
            "macro F1": sk.f1_score(truth, labels, average="macro"),
        }
    )


def test_metrics_of_two_classes_are_those_of_scikit_learn_with_ties():
    random = np.random.default_rng(1)
    truth = random.integers(0, 2, 300)
    score = random.integers(0, 11, 300) / 10 + 0.01 * (truth - 0.5)
    shares, note = probabilities(np.clip(score, 0, 1)[:, None])
    found = measure_classes(truth, shares)
    labels = shares.argmax(axis=1)
    assert note == ""
    assert found["AUC"] == pytest.approx(sk.roc_auc_score(truth, shares[:, 1]))
    assert found["precision"] == pytest.approx(sk.precision_score(truth, labels))
    assert found["recall"] == pytest.approx(sk.recall_score(truth, labels))


def test_metrics_of_values_are_those_of_scikit_learn():
    random = np.random.default_rng(2)
    truth, predicted = random.normal(size=(2, 100))
    found = measure_values(truth, predicted)
    assert found["MAE"] == pytest.approx(sk.mean_absolute_error(truth, predicted))
    assert found["RMSE"] == pytest.approx(sk.root_mean_squared_error(truth, predicted))
    assert found["R²"] == pytest.approx(sk.r2_score(truth, predicted))


def test_logits_become_probabilities_and_are_told_of():
    shares, note = probabilities(np.array([[2.0, -1.0, 0.5], [0.1, 0.2, 0.3]]))
    assert shares.sum(axis=1) == pytest.approx([1, 1])
    assert "softmax" in note
    shares, note = probabilities(np.array([[3.0], [-3.0]]))
    assert shares.argmax(axis=1).tolist() == [1, 0]
    assert "sigmoid" in note


def test_an_evaluation_gives_the_metrics_that_keras_recorded(trained):
    store, run_id = trained
    loaded = load_run(store, run_id)
    found = evaluate(store, {"run": run_id}, "validation")
    rows = loaded.split.validation
    loss, accuracy = loaded.model.evaluate(
        loaded.dataset.x[rows], loaded.dataset.y[rows], verbose=0
    )
    assert found["metrics"]["accuracy"] == pytest.approx(accuracy, abs=1e-6)
    assert found["metrics"]["cross-entropy"] == pytest.approx(loss, rel=1e-3)
    assert (found["samples"], found["total"]) == (len(rows), len(rows))
    assert found["class_names"] == ["malignant", "benign"]


def test_a_run_has_its_own_parts_and_another_is_refused_by_name(trained):
    store, run_id = trained
    (own,) = open_model(store, run_id)["datasets"]
    assert (own["name"], own["parts"], own["own"]) == (
        "breast_cancer", ["validation", "train"], True,
    )  # fmt: skip
    assert evaluate(store, {"run": run_id}, "train")["samples"] == 455
    with pytest.raises(InputError, match=r"Unknown part 'test'\. Choose one of: validation, train"):
        evaluate(store, {"run": run_id}, "test")


def test_data_that_does_not_fit_is_refused_with_both_shapes(trained):
    store, run_id = trained
    with pytest.raises(InputError, match="its input is 30 numbers, and a sample is 13 numbers"):
        evaluate(store, {"run": run_id}, "all", dataset="wine")
    with pytest.raises(InputError, match="Unknown dataset 'wein'"):
        predict_samples(store, {"run": run_id}, "all", dataset="wein")


def test_a_source_that_is_neither_run_nor_file_is_refused(trained):
    with pytest.raises(InputError, match="Allowed: a run, or a file"):
        evaluate(trained[0], {"model": "x"}, "all")


@pytest.mark.parametrize("shape", [(8, 8, 1), (8, 8), (64,), (None, None, 1)])
def test_digits_fit_every_way_to_take_an_eight_by_eight_image(shape):
    if None in shape:
        inputs = keras.Input(shape)
        outputs = keras.layers.Dense(10)(keras.layers.GlobalAveragePooling2D()(inputs))
        model = keras.Model(inputs, outputs)
    else:
        model = model_of(*shape)
    assert "digits" in names(model)
    x = np.zeros((3, 8, 8, 1), np.float32)
    assert model.predict(to_model(model, x, 16.0, "0..1"), verbose=0).shape == (3, 10)


def test_classes_have_to_fit_too():
    assert names(model_of(4, outputs=3)) == ["iris"]
    assert names(model_of(4, outputs=5)) == []
    assert names(model_of(10, outputs=1)) == ["diabetes"]
    assert names(model_of(2, outputs=2)) == ["two_moons"]


def test_a_model_of_several_inputs_fits_nothing():
    first, second = keras.Input((4,)), keras.Input((4,))
    model = keras.Model([first, second], keras.layers.Dense(3)(first + second))
    assert names(model) == []
    with pytest.raises(InputError, match="several inputs"):
        refuse_unfit(model, CATALOG["iris"])


def test_pixels_are_scaled_only_for_a_model_that_does_not_do_it_itself():
    scaling = model_of(8, 8, 1, first=[keras.layers.Rescaling(1 / 16)])
    assert (guess_scale(scaling), guess_scale(model_of(8, 8, 1))) == ("raw", "0..1")
    x = np.full((1, 8, 8, 1), 16.0, np.float32)
    assert to_model(scaling, x, 16.0, "raw").max() == 16
    assert to_model(scaling, x, 16.0, "0..1").max() == 1
    assert to_model(scaling, np.zeros_like(x), 16.0, "-1..1").min() == -1
    with pytest.raises(InputError, match="Unknown scale"):
        to_model(scaling, x, 16.0, "0..255")


def test_what_a_sample_is_follows_from_the_input_shape():
    kinds = [kind_of(model_of(*shape)) for shape in ((8, 8, 3), (28, 28), (7,), (20, 6))]
    assert kinds == ["image", "image", "tabular", "array"]


def test_samples_on_disk_are_predicted_a_part_at_a_time(tmp_path, monkeypatch):
    with h5py.File(tmp_path / "samples.h5", "w") as file:
        x = np.random.default_rng(0).integers(0, 256, (1500, 64, 64, 3), np.uint8)
        file.create_dataset("x", data=x, chunks=(64, 64, 64, 3))
    model = keras.Sequential([keras.Input((64, 64, 3)), keras.layers.GlobalAveragePooling2D()])
    rows = np.arange(3, len(x))
    whole = predict(model, to_model(model, x[rows], 255.0, "0..1"))
    del x
    monkeypatch.setattr(prediction, "_MOST_BYTES", 4_000_000)  # 256 of them have 3.1 MB
    stored = StoredSamples(tmp_path / "samples.h5")
    tracemalloc.start()
    np.testing.assert_array_equal(predict_parts(model, stored, rows, 255.0, "0..1"), whole)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 40_000_000  # all of them as float32 have 74 MB
