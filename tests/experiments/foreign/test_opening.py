"""Opening what others saved: real files of Keras 2, and every format of Keras 3."""

import json
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from experiments.core.errors import ModelFileError
from experiments.foreign.opening import open_model_file
from tests.support.lambdas import save_lambda

FILES = Path(__file__).resolve().parents[2] / "files"
EXPECTED = json.loads((FILES / "keras2_expected.json").read_text())
X = (np.arange(32).reshape(8, 4) / 32).astype("float32")
Y = (np.arange(16).reshape(8, 2) % 3).astype("float32")


def train(model: keras.Model, epochs: int = 2) -> None:
    model.fit(X, Y, batch_size=4, epochs=epochs, shuffle=False, verbose=0)


def small_model(optimizer: object = "adam", loss: object = "mse") -> keras.Model:
    model = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(3, activation="relu"), keras.layers.Dense(2)]
    )
    model.compile(optimizer, loss, metrics=["mae"])
    return model


def largest_difference(model: keras.Model, expected: list) -> float:
    pairs = zip(model.get_weights(), expected, strict=True)
    return max(float(np.abs(own - np.asarray(other)).max()) for own, other in pairs)


def test_a_keras_2_file_with_adam_and_decay_trains_on_as_keras_2_would_have():
    opened = open_model_file(FILES / "keras2_adam_decay.h5")
    train(opened.model)
    assert largest_difference(opened.model, EXPECTED["after_two_more_epochs"]) < 1e-6
    assert opened.notes == ("optimizer: decay 0.1 of Keras 2 became the schedule InverseTimeDecay",)


def test_a_keras_archive_of_keras_2_trains_on_as_keras_2_would_have():
    opened = open_model_file(FILES / "keras2_adam.keras")
    train(opened.model)
    assert largest_difference(opened.model, EXPECTED["adam_after_two_more_epochs"]) < 1e-6
    assert opened.notes == ()


def test_nested_models_and_lstm_of_keras_2_predict_what_they_predicted_there():
    opened = open_model_file(FILES / "keras2_nested.h5")
    predicted = opened.model.predict(np.ones((2, 4)), verbose=0)
    for own, other in zip(predicted, EXPECTED["nested"], strict=True):
        np.testing.assert_allclose(own, other, atol=1e-6)
    assert opened.notes == ("training config: the file has none, so the model is not compiled",)


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
@pytest.mark.parametrize("optimizer", ["adam", "rmsprop", "nadam", "lion", "sgd"])
def test_what_keras_3_saved_trains_on_to_the_bit(tmp_path, suffix, optimizer):
    model = small_model(optimizer)
    train(model)
    path = tmp_path / f"model{suffix}"
    model.save(path)
    train(model)
    opened = open_model_file(path)
    train(opened.model)
    assert largest_difference(opened.model, model.get_weights()) == 0
    assert opened.notes == ()


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
def test_an_optimizer_that_took_no_step_is_not_called_lost(tmp_path, suffix):
    path = tmp_path / f"model{suffix}"
    small_model().save(path)
    assert open_model_file(path).notes == ()


def test_the_name_of_the_file_does_not_matter(tmp_path):
    model = small_model()
    model.save(tmp_path / "model.keras")
    (tmp_path / "model.keras").rename(tmp_path / "model.h5")
    opened = open_model_file(tmp_path / "model.h5")
    np.testing.assert_array_equal(opened.model.predict(X, verbose=0), model.predict(X, verbose=0))


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_an_architecture_is_built_and_says_that_it_is_untrained(tmp_path, form):
    model = small_model()
    text = model.to_json()
    if form == "yaml":
        import yaml

        text = yaml.safe_dump(json.loads(text))
    path = tmp_path / f"model.{form}"
    path.write_text(text)
    opened = open_model_file(path)
    assert (
        json.loads(opened.model.to_json())["config"]["layers"]
        == (json.loads(model.to_json())["config"]["layers"])
    )
    assert opened.notes == ("weights: the file has none, so they are at random",)


def test_weights_need_an_architecture_and_are_loaded_into_it(tmp_path):
    model = small_model()
    weights, architecture = tmp_path / "model.weights.h5", tmp_path / "model.json"
    model.save_weights(weights)
    architecture.write_text(model.to_json())
    with pytest.raises(ModelFileError, match=r"has weights only; name the architecture"):
        open_model_file(weights)
    opened = open_model_file(weights, architecture)
    assert largest_difference(opened.model, model.get_weights()) == 0
    assert opened.notes == ()


def test_weights_that_do_not_fit_are_an_error(tmp_path):
    small_model().save_weights(tmp_path / "model.weights.h5")
    other = keras.Sequential([keras.Input((4,)), keras.layers.Dense(7)])
    with pytest.raises(ModelFileError, match="cannot be loaded into this architecture"):
        open_model_file(tmp_path / "model.weights.h5", other)


def test_an_optimizer_state_that_does_not_fit_is_named_and_the_model_still_comes(tmp_path):
    model = small_model(loss="mean_squared_error")
    train(model)
    path = tmp_path / "model.h5"
    model.save(path)
    with h5py.File(path, "a") as file:
        names = list(file["optimizer_weights"].attrs["weight_names"])
        del file["optimizer_weights"].attrs["weight_names"]
        file["optimizer_weights"].attrs["weight_names"] = names[:-1]
    opened = open_model_file(path)
    assert opened.notes == ("optimizer state: 0 of 10 variables restored, because the file has 9",)
    assert largest_difference(opened.model, model.get_weights()) == 0
    train(opened.model)


def test_a_model_that_would_fill_the_memory_is_refused_before_it_is_built(tmp_path):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="wide")])
    config = json.loads(model.to_json())
    config["config"]["layers"][1]["config"]["units"] = 10**12
    path = tmp_path / "huge.json"
    path.write_text(json.dumps(config))
    with pytest.raises(ModelFileError, match=r"describes a model with 20\.0 TB of weights"):
        open_model_file(path)


def test_a_config_that_keras_cannot_build_is_one_sentence(tmp_path):
    config = json.loads(small_model().to_json())
    config["config"]["layers"][1]["config"]["units"] = -1
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(config))
    with pytest.raises(ModelFileError, match=r"bad\.json cannot be built: .*units"):
        open_model_file(path)


def test_a_lambda_is_refused_before_keras_sees_it(tmp_path):
    save_lambda(tmp_path / "model.keras")
    with pytest.raises(ModelFileError, match=r"'run'.*is a Lambda"):
        open_model_file(tmp_path / "model.keras")
