"""What is found in model files: contents, weights by layer, differences, the command."""

import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from experiments.inspection.difference import compare
from experiments.inspection.file_inspection import look
from experiments.inspection.weights import open_weights_file, read_layers

ROOT = Path(__file__).resolve().parents[3]
FILES = Path(__file__).resolve().parents[2] / "files"
X = np.random.default_rng(0).random((8, 6, 4)).astype("float32")
Y = np.zeros((8, 2), "float32")


def nested_model() -> keras.Model:
    """Nested models, wrappers, a shared layer, an operation, bfloat16; the same names each time."""
    keras.backend.clear_session()
    inner = keras.Sequential(
        [keras.Input((4,)), layers.Dense(4, name="a"), layers.Dropout(0.5)], name="inner"
    )
    entry = keras.Input((6, 4), name="x")
    attended = layers.MultiHeadAttention(2, 2, name="attention")(entry, entry)
    both = layers.Bidirectional(layers.LSTM(2), name="both")(attended)
    shared = layers.Dense(4, name="shared")
    output = inner(shared(shared(both)))
    output = layers.BatchNormalization(name="norm")(output + both)
    output = layers.Dense(2, name="out", dtype="bfloat16")(output)
    return keras.Model(entry, output, name="nested")


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Path:
    """A folder with the nested model, trained, in every format."""
    folder = tmp_path_factory.mktemp("saved")
    keras.utils.set_random_seed(0)
    model = nested_model()
    model.compile("adam", "mean_squared_error", metrics=["mae"])
    model.fit(X, Y, epochs=2, batch_size=4, verbose=0)
    model.save(folder / "m.keras")
    model.save_weights(folder / "m.weights.h5")
    (folder / "m.json").write_text(model.to_json())
    # A .keras keeps its compile config only before the same object is saved as .h5.
    model.save(folder / "m.h5")
    return folder


LAYERS = {
    "attention": ("query", "key", "value", "attention_output"),
    "both": ("forward_lstm", "backward_lstm"),
    "shared": (),
    "inner/a": (),
    "norm": (),
    "out": (),
}


@pytest.mark.parametrize("name", ["m.h5", "m.keras", "m.weights.h5"])
def test_weights_are_found_by_layer_in_the_order_of_the_model(saved, name):
    found = {layer.name: layer for layer in read_layers(saved / name)}
    assert set(found) == set(LAYERS)
    for layer, parts in LAYERS.items():
        first = [weight.name.split("/")[0] for weight in found[layer].weights]
        assert list(dict.fromkeys(first))[: len(parts)] == list(parts)
    types = [found[layer].type for layer in ("attention", "both", "inner/a")]
    assert types == ["MultiHeadAttention", "Bidirectional", "Dense"]


def test_all_formats_give_the_same_numbers(saved):
    reference = {
        layer.name: [weight.read() for weight in layer.weights]
        for layer in read_layers(saved / "m.h5")
    }
    assert reference["out"][0].dtype.name == "bfloat16"
    for name in ("m.keras", "m.weights.h5"):
        with open_weights_file(saved / name) as file:
            for layer in read_layers(saved / name):
                for own, weight in zip(reference[layer.name], layer.weights, strict=True):
                    np.testing.assert_array_equal(own, weight.read(file))


def test_the_layers_of_keras_2_files_are_read():
    names = [layer.name for layer in read_layers(FILES / "keras2_nested.h5")]
    assert names == ["inner/a", "fn/b", "norm", "both", "p", "q"]
    found = look(FILES / "keras2_adam_decay.h5")
    assert found.keras_version == "2.21.0" and found.notes == ("Written by Keras 2.21.0.",)
    assert found.training.optimizer == "Adam" and found.training.loss == "mse"
    assert found.training.optimizer_config["decay"] == 0.1
    assert (found.optimizer.variables, found.optimizer.iterations) == (9, 4)


def test_contents_are_those_of_the_model(saved):
    model = keras.models.load_model(saved / "m.keras")
    for name in ("m.h5", "m.keras"):
        found = look(saved / name)
        assert found.parameters == model.count_params()
        assert found.keras_version == keras.__version__
        assert found.training.optimizer == "Adam"
        assert found.training.loss == "mean_squared_error"
        assert found.optimizer.iterations == 4
        assert found.optimizer.variables == len(model.optimizer.variables)
        shared = next(layer for layer in found.layers if layer.name == "shared")
        assert shared.inputs == ("both", "shared")
    assert look(saved / "m.keras").saved.startswith("20")


def test_weights_and_architectures_say_what_they_lack(saved):
    weights, architecture = look(saved / "m.weights.h5"), look(saved / "m.json")
    assert not weights.architecture and weights.parameters == look(saved / "m.h5").parameters
    assert weights.optimizer.iterations == 4 and weights.training is None
    assert architecture.architecture and architecture.parameters is None
    assert [layer.type for layer in architecture.layers].count("Dense") == 3


def test_a_file_does_not_differ_from_itself_in_another_format(saved):
    assert compare(saved / "m.h5", saved / "m.h5").identical
    assert compare(saved / "m.h5", saved / "m.weights.h5").identical
    assert compare(saved / "m.h5", saved / "m.keras").identical


def test_differences_are_named_with_their_size(saved, tmp_path):
    keras.utils.set_random_seed(0)
    model = nested_model()
    model.load_weights(saved / "m.weights.h5")
    model.compile("sgd", "mean_absolute_error")
    layer = model.get_layer("shared")
    before = layer.get_weights()
    layer.set_weights([before[0] * 1.5, before[1]])
    model.get_layer("both").merge_mode = "concat"
    model.get_layer("norm").momentum = 0.5
    model.save(tmp_path / "n.keras")
    found = compare(saved / "m.h5", tmp_path / "n.keras")
    changed = [change for change in found.weights if not change.identical]
    assert [(change.layer, round(change.relative, 3)) for change in changed] == [("shared", 0.5)]
    assert changed[0].largest == pytest.approx(np.abs(before[0] * 0.5).max(), rel=1e-6)
    config = [(c.layer, c.key, c.before, c.after) for c in found.configs]
    assert config == [("norm", "momentum", 0.99, 0.5)]
    training = {change.key: (change.before, change.after) for change in found.training}
    assert training["optimizer"] == ("Adam", "SGD")
    assert training["loss"] == ("mean_squared_error", "mean_absolute_error")


def test_layers_that_only_one_file_has_are_named(saved):
    found = compare(FILES / "keras2_nested.h5", saved / "m.h5")
    assert "fn/b" in found.only_first and "shared" in found.only_second


# What Keras itself saves is accepted


def many_layers() -> keras.Model:
    image = keras.Input((16, 16, 3))
    x = image
    for layer in (
        layers.RandomFlip(), layers.RandomRotation(0.1), layers.RandomZoom(0.1),
        layers.RandomContrast(0.1), layers.Rescaling(1 / 255), layers.CenterCrop(12, 12),
        layers.Resizing(16, 16), layers.Conv2D(4, 3, padding="same", kernel_regularizer="l2"),
        layers.DepthwiseConv2D(3), layers.SeparableConv2D(4, 3), layers.Conv2DTranspose(4, 3),
        layers.BatchNormalization(), layers.LayerNormalization(), layers.GroupNormalization(2),
        layers.Activation("gelu"), layers.LeakyReLU(), layers.PReLU(), layers.SpatialDropout2D(0.1),
        layers.GaussianNoise(0.1), layers.MaxPooling2D(), layers.UpSampling2D(),
        layers.ZeroPadding2D(), layers.Cropping2D(),
        layers.SpectralNormalization(layers.Conv2D(4, 3, kernel_constraint="max_norm")),
        layers.GlobalAveragePooling2D(), layers.RepeatVector(3),
        layers.RNN([layers.LSTMCell(4), layers.GRUCell(4)], return_sequences=True),
        layers.TimeDistributed(layers.Dense(4, activation="swish")),
        layers.Bidirectional(layers.GRU(3)),
    ):  # fmt: skip
        x = layer(x)
    words = keras.Input((5,), dtype="int32")
    w = layers.Embedding(10, 6, embeddings_initializer="uniform")(words)
    w = layers.MultiHeadAttention(2, 3)(w, w)
    w = layers.Attention()([w, w])
    w = layers.Flatten()(w)
    joined = layers.Concatenate()([x, w])
    joined = keras.ops.relu(joined * 2 + 1) - keras.ops.mean(joined)
    outputs = [layers.Dense(2, kernel_initializer="he_normal", name="p")(joined)]
    outputs.append(layers.Dense(3, activation="softmax", dtype="mixed_float16", name="q")(joined))
    model = keras.Model([image, words], outputs)
    model.compile(
        keras.optimizers.AdamW(keras.optimizers.schedules.CosineDecay(0.1, 10)),
        {"p": keras.losses.Huber(), "q": "categorical_crossentropy"},
        {"p": ["mae"], "q": ["acc", keras.metrics.AUC()]},
    )
    return model


@pytest.mark.parametrize(
    "make",
    [
        many_layers,
        lambda: keras.applications.MobileNetV2((32, 32, 3), weights=None),
        lambda: keras.applications.EfficientNetB0(input_shape=(32, 32, 3), weights=None),
        lambda: keras.applications.ResNet50(input_shape=(32, 32, 3), weights=None),
    ],
    ids=["many layers", "MobileNetV2", "EfficientNetB0", "ResNet50"],
)
def test_what_keras_itself_saves_is_accepted(tmp_path, make):
    model = make()
    model.save(tmp_path / "m.keras")
    (tmp_path / "m.json").write_text(model.to_json())
    model.save(tmp_path / "m.h5")
    assert look(tmp_path / "m.keras").parameters == model.count_params()
    assert look(tmp_path / "m.h5").parameters == model.count_params()
    assert look(tmp_path / "m.json").architecture


# The command


def inspect(*arguments: object) -> tuple[int, list[dict]]:
    done = subprocess.run(
        [sys.executable, "-m", "experiments", "inspect", *map(str, arguments), "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    return done.returncode, json.loads(done.stdout)


def test_inspect_answers_for_each_file_in_order(saved, tmp_path):
    (tmp_path / "bad.h5").write_bytes(b"\x89HDF\r\n\x1a\n and no more")
    code, found = inspect(saved / "m.h5", tmp_path / "bad.h5", saved, saved / "m.json")
    assert code == 2
    assert [item["accepted"] for item in found] == [True, False, False, True]
    assert found[0]["file"] == str(saved / "m.h5") and found[0]["reason"] is None
    assert found[0]["format"] == "h5" and found[0]["parameters"] > 0
    assert "bad.h5 is" in found[1]["reason"]
    assert "is a folder" in found[2]["reason"]


def test_inspect_compares_and_loads(saved):
    code, found = inspect(saved / "m.keras", "--against", saved / "m.h5", "--load")
    assert code == 0
    assert found[0]["difference"]["identical"] is True
    assert found[0]["loaded"]["ok"], found[0]["loaded"]
    assert found[0]["loaded"]["parameters"] == found[0]["parameters"]
