"""Settings of Keras 2 that Keras 3 calls otherwise, has not, or means otherwise: files that Keras
2.15 wrote (some in the forms of 2.1 and 2.3), with what it predicted."""

from pathlib import Path

import keras
import numpy as np
import pytest

from experiments.core.errors import ModelFileError
from experiments.foreign.config_models import _modernize as modernize
from experiments.foreign.opening import open_model_file
from experiments.inspection.safety import check_config
from experiments.saving.keras2_functions import hard_sigmoid_of_keras_2
from experiments.saving.whole_model import load_model, save_model

FILES = Path(__file__).resolve().parents[2] / "files" / "keras2"


@pytest.mark.parametrize(
    "name", ["leaky_gan02", "leaky_zero", "k215_lstm", "seq231_dense", "seq216_listconfig"]
)
def test_a_file_of_keras_2_predicts_what_keras_2_predicted(name):
    opened = open_model_file(FILES / f"{name}.h5")
    known = np.load(FILES / f"{name}.npz")
    predicted = opened.model.predict(known["x_0"], verbose=0)
    np.testing.assert_allclose(predicted, known["p_0"], atol=1e-6)
    assert not [note for note in opened.notes if "left out" in note]


@pytest.mark.filterwarnings("ignore:The structure of `inputs`", "ignore:Exception encountered")
@pytest.mark.parametrize(
    "name",
    [
        "attention.h5", "multi_head_attention.h5", "stateful.h5", "spatialdropout2d.h5",
        "thresholded_relu.h5", "sgd_nesterov_decay.keras",
    ],
)  # fmt: skip
def test_what_is_keras_own_is_opened(name):
    model = open_model_file(FILES / name).model
    inputs = [np.ones((*(d or 4 for d in one.shape),), "float32") for one in model.inputs]
    assert np.isfinite(np.asarray(model(inputs if len(inputs) > 1 else inputs[0]))).all()


def test_a_stateful_layer_stays_stateful():
    model = open_model_file(FILES / "stateful.h5").model
    assert model.layers[0].stateful


def test_an_optimizer_that_never_stepped_is_no_loss():
    assert open_model_file(FILES / "untrained.h5").notes == ()


@pytest.mark.parametrize("change", [{"module": "os"}, {"registered_name": "other>function"}])
def test_a_function_of_ours_is_taken_only_as_keras_writes_it(change):
    own = keras.saving.serialize_keras_object(hard_sigmoid_of_keras_2)
    check_config({"activation": own}, "model")
    with pytest.raises(ModelFileError, match="not Keras' own"):
        check_config({"activation": own | change}, "model")


def test_a_setting_that_is_on_is_never_left_out_silently():
    notes: list[str] = []
    layer = {"class_name": "LSTM", "config": {"name": "lstm", "units": 2, "time_major": True}}
    model = {"class_name": "Sequential", "config": {"name": "model", "layers": [layer]}}
    modernize(model, notes)
    assert notes == ["layer 'lstm': time_major=True was left out; Keras 3 has no such setting"]


def test_hard_sigmoid_is_that_of_keras_2_and_stays_it_when_the_model_is_saved(tmp_path):
    x = np.linspace(-4, 4, 33).astype("float32")
    expected = np.clip(0.2 * x + 0.5, 0, 1)
    np.testing.assert_allclose(hard_sigmoid_of_keras_2(x), expected, atol=1e-7)
    assert np.abs(np.asarray(keras.activations.hard_sigmoid(x)) - expected).max() > 0.04
    opened = open_model_file(FILES / "k215_lstm.h5").model
    known = np.load(FILES / "k215_lstm.npz")
    save_model(opened, tmp_path / "again.h5")
    for again in (load_model(tmp_path / "again.h5"), open_model_file(tmp_path / "again.h5").model):
        np.testing.assert_allclose(again.predict(known["x_0"], verbose=0), known["p_0"], atol=1e-6)
