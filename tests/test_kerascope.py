"""The public functions, on real models: they open what was saved, and judge what was trained."""

import doctest
import importlib

import keras
import numpy as np
import pandas as pd
import pytest

import kerascope
from tests.support.lambdas import save_lambda

X = (np.arange(64).reshape(16, 4) / 64).astype("float32")
Y = X.sum(axis=1, keepdims=True)


def fit(model: keras.Model, epochs: int = 2, **options) -> keras.callbacks.History:
    return model.fit(X, Y, batch_size=4, epochs=epochs, shuffle=False, verbose=0, **options)


def model_with_dropout() -> keras.Model:
    model = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(8), keras.layers.Dropout(0.5, seed=1),
         keras.layers.Dense(1)]
    )  # fmt: skip
    model.compile("adam", "mse", metrics=["mae"])
    return model


def assert_same_weights(one: keras.Model, other: keras.Model) -> None:
    for own, theirs in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(own, theirs)


def test_the_examples_of_the_docstrings_are_true(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert doctest.testmod(kerascope).failed == 0
    assert doctest.testmod(kerascope).attempted >= 10


def test_a_model_that_was_saved_trains_on_to_the_bit_dropout_included(tmp_path):
    model = model_with_dropout()
    fit(model)
    kerascope.save_model(model, tmp_path / "deep" / "model.h5")
    fit(model)
    opened = kerascope.load_model(str(tmp_path / "deep" / "model.h5"))
    assert opened.notes == ()
    fit(opened.model)
    assert_same_weights(opened.model, model)


def test_stock_keras_opens_what_was_saved(tmp_path):
    model = model_with_dropout()
    kerascope.save_model(model, tmp_path / "model.h5")
    stock = keras.models.load_model(tmp_path / "model.h5")
    np.testing.assert_array_equal(stock.predict(X, verbose=0), model.predict(X, verbose=0))


@pytest.mark.parametrize("name", ["model.keras", "model.weights.h5", "model"])
def test_a_name_under_which_keras_would_not_open_the_file_is_refused(tmp_path, name):
    with pytest.raises(kerascope.InputError, match=r"ends in \.h5"):
        kerascope.save_model(model_with_dropout(), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["path", "text", "model"])
def test_weights_alone_are_loaded_into_an_architecture(tmp_path, kind):
    model = model_with_dropout()
    model.save_weights(tmp_path / "model.weights.h5")
    (tmp_path / "model.json").write_text(model.to_json())
    architecture = {
        "path": tmp_path / "model.json",
        "text": str(tmp_path / "model.json"),
        "model": model_with_dropout(),
    }[kind]
    opened = kerascope.load_model(tmp_path / "model.weights.h5", architecture=architecture)
    assert_same_weights(opened.model, model)


def test_a_file_that_would_run_code_is_refused(tmp_path):
    save_lambda(tmp_path / "model.keras")
    with pytest.raises(kerascope.ModelFileError, match="is a Lambda"):
        kerascope.load_model(tmp_path / "model.keras")


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(kerascope.ModelFileError, match=r"nothing\.h5"):
        kerascope.load_model(tmp_path / "nothing.h5")


def test_a_history_its_dict_and_its_table_get_the_same_verdict():
    history = fit(model_with_dropout(), epochs=12, validation_data=(X[::2], Y[::2]))
    of_keras = kerascope.diagnose(history)
    assert kerascope.diagnose(history.history) == of_keras
    assert kerascope.diagnose(pd.DataFrame(history.history)) == of_keras
    assert kerascope.diagnose(pd.DataFrame(history.history, index=history.epoch)) == of_keras


def test_the_table_that_csvlogger_writes_is_judged(tmp_path):
    logger = keras.callbacks.CSVLogger(str(tmp_path / "log.csv"))
    options = {"validation_data": (X[::2], Y[::2]), "callbacks": [logger]}
    history = fit(model_with_dropout(), epochs=6, **options)
    verdict = kerascope.diagnose(pd.read_csv(tmp_path / "log.csv"))
    assert verdict.label == kerascope.diagnose(history).label


def test_epochs_are_called_as_keras_counted_them():
    history = fit(model_with_dropout(), epochs=16, initial_epoch=10)
    assert 10 <= kerascope.diagnose(history).best_epoch <= 15


@pytest.mark.parametrize("wrong", [None, [1, 2], {}, {"loss": "low"}, pd.DataFrame()])
def test_what_is_no_history_is_refused(wrong):
    with pytest.raises(kerascope.HistoryError):
        kerascope.diagnose(wrong)


def test_every_public_name_is_there_and_documented():
    module = importlib.import_module("kerascope")
    for name in module.__all__:
        assert getattr(module, name)
    for name in ("load_model", "save_model", "diagnose"):
        text = getattr(module, name).__doc__
        assert all(f"{part}:" in text for part in ("Args", "Raises", "Example"))
