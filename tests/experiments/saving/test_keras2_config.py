"""The config in model.h5 says in Keras 2's words what both can say, and loses nothing.

Whole models of every architecture were opened with tf_keras 2.21, compiled, with predictions equal
to 1e-7; tf_keras cannot be installed beside tensorflow-cpu, so here its format is held.
"""

import json
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from experiments.saving.keras2_config import to_keras2
from experiments.saving.whole_model import load_model, save_model
from tests.support.exact_resumes import MODELS, data

layers = keras.layers


@pytest.fixture(params=list(MODELS))
def saved(request, tmp_path: Path):
    model = MODELS[request.param]()
    model.compile("adam", "mse")
    save_model(model, tmp_path / "model.h5")
    return model, tmp_path / "model.h5"


def every_dict(value):
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value:
        if isinstance(inner, dict | list):
            yield from every_dict(inner)


def test_no_word_of_keras_3_alone_is_in_the_file(saved):
    with h5py.File(saved[1]) as file:
        config, training = (json.loads(file.attrs[n]) for n in ("model_config", "training_config"))
    for part in every_dict(config):
        assert part.get("class_name") not in ("DTypePolicy", "__keras_tensor__")
        assert not {"batch_shape", "optional", "quantization_config", "input_axes"} & set(part)
    inputs = [part for part in every_dict(config) if part.get("class_name") == "InputLayer"]
    assert inputs and all("batch_input_shape" in part["config"] for part in inputs)
    assert None not in training["optimizer_config"]["config"].values()


def test_keras_3_reads_the_same_model_from_it(saved):
    model, path = saved
    x, _ = data(model)
    expected = model.predict(x, verbose=0)
    for loaded in (load_model(path), keras.models.load_model(path, compile=False)):
        assert loaded.get_config() == model.get_config()
        found = loaded.predict(x, verbose=0)
        for one, other in zip(*map(keras.tree.flatten, (expected, found)), strict=True):
            assert np.array_equal(one, other)


def test_a_call_that_keras_2_says_otherwise_stays_as_keras_3_has_it():
    x = keras.Input((4, 8))
    attention = layers.MultiHeadAttention(2, 4, name="attention")
    config = keras.Model(x, attention(x, x)).get_config()
    assert to_keras2(config)["layers"][1]["inbound_nodes"] == config["layers"][1]["inbound_nodes"]


def test_a_setting_that_is_not_the_default_is_kept():
    assert to_keras2({"clipnorm": 1.0, "use_ema": False}) == {"clipnorm": 1.0}
