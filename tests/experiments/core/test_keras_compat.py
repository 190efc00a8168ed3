"""What Keras has in private is there and means what it meant; each test names both versions."""

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

from experiments.core import keras_compat as compat


@pytest.fixture(autouse=True, params=[f"seen in {compat.SEEN_IN}, here {keras.__version__}"])
def _versions() -> None:
    """In the name of every test, so that a failure says what changed between."""


class Own(keras.Model):
    """A model with weights of its own beside those of a layer."""

    def __init__(self) -> None:
        super().__init__()
        self.moved = self.add_weight(shape=(2,), trainable=False, name="moved")
        self.scale = self.add_weight(shape=(3,), name="scale")
        self.dense = keras.layers.Dense(1)

    def call(self, x):
        return self.dense(x) * self.scale[0] + self.moved[0]


def small(*inner: keras.layers.Layer) -> keras.Sequential:
    return keras.Sequential([keras.Input((4,)), *inner, keras.layers.Dense(2, name="last")])


def drops(training: bool | None, *, keep: bool) -> bool:
    """Whether the dropout of a nested model acts while the outer one is in training mode."""
    inner = keras.Sequential([keras.Input((100,)), keras.layers.Dropout(0.5)])
    if keep:
        compat.keep_call_mode(inner)
    x = keras.Input((100,))
    outer = keras.Model(x, inner(x, training=training))
    return bool((np.asarray(outer(np.ones((1, 100)), training=True)) == 0).any())


def test_the_calls_of_a_graph_are_those_of_this_model():
    shared = keras.layers.Dense(4, name="shared")
    elsewhere = keras.Input((4,), name="elsewhere")
    inner = keras.Model(elsewhere, shared(elsewhere), name="inner")
    x = keras.Input((4,), name="x")
    first = shared(x)
    last = inner(first) + first
    calls = {call.operation.name: call for call in compat.calls_inside(keras.Model(x, last))}
    sources = {name: [one.name for one in call.sources] for name, call in calls.items()}
    assert sources == {"x": [], "shared": ["x"], "inner": ["shared"], "add": ["inner", "shared"]}
    assert calls["shared"].inputs == [x] and calls["shared"].outputs == [first]
    assert calls["inner"].operation is inner and calls["add"].outputs == [last]


def test_a_sequential_has_calls_once_it_is_built_and_a_model_without_a_graph_has_none():
    waiting = keras.Sequential([keras.layers.Dense(2, name="only")])
    assert compat.calls_inside(waiting) == [] and compat.calls_inside(Own()) == []
    waiting.build((None, 3))
    assert "only" in [call.operation.name for call in compat.calls_inside(waiting)]


def test_layers_inside_wrappers_are_among_all_layers():
    dropout = keras.layers.Dropout(0.1)
    inner = keras.Sequential([keras.Input((3, 4)), keras.layers.TimeDistributed(dropout)])
    model = keras.Sequential([keras.Input((3, 4)), inner])
    found = compat.all_layers(model)
    assert found[0] is model and inner in found and dropout in found
    assert dropout not in model.layers


def test_weights_of_the_model_itself_are_those_that_keras_stores_apart(tmp_path):
    model = Own()
    model(np.ones((1, 3)))
    assert len(model.weights) == 4
    assert [one.name for one in compat.top_level_weights(model)] == ["scale", "moved"]
    model.save_weights(path := tmp_path / "own.weights.h5")
    with h5py.File(path) as file:
        assert [file[f"vars/{i}"].shape for i in range(2)] == [(3,), (2,)]
    assert compat.top_level_weights(small()) == []


def test_an_inner_model_keeps_its_call_mode_where_an_outer_one_would_overrule_it():
    assert not drops(False, keep=True)
    assert drops(None, keep=False)
    assert drops(False, keep=False), "Keras no longer overrules it: keep_call_mode can go"


def test_names_are_counted_from_the_beginning_and_go_on_as_before():
    before = int(keras.layers.Conv2D(1, 1).name.partition("conv2d_")[2] or 0)
    with compat.names_from_the_beginning():
        assert [keras.layers.Conv2D(1, 1).name for _ in range(2)] == ["conv2d", "conv2d_1"]
    assert keras.layers.Conv2D(1, 1).name == f"conv2d_{before + 1}"


def test_applications_ask_for_their_files_where_they_are_told_to():
    asked = []

    def get_file(name, url, **options):
        asked.append((name, url.rpartition("/")[2], options["cache_subdir"]))
        raise FileNotFoundError

    with compat.files_from(get_file), keras.StatelessScope(initialize_variables=False):
        with pytest.raises(FileNotFoundError):
            keras.applications.MobileNet(input_shape=(128, 128, 3), include_top=False)
    name = "mobilenet_1_0_128_tf_no_top.h5"
    assert asked == [(name, name, "models")]
    from keras.src.utils import file_utils

    assert file_utils.get_file is keras.utils.get_file


@pytest.mark.parametrize("optimizer", ["SGD", "Adam", "AdamW", "RMSprop", "Nadam"])
def test_each_variable_learns_at_its_share_of_the_rate(optimizer):
    x, y = np.random.default_rng(0).normal(size=(2, 8, 4)).astype("float32")
    moved = {}
    for shares in ((1.0, 1.0, 1.0, 1.0), (0.0, 0.5, 1.0, 0.25)):
        keras.utils.set_random_seed(1)
        model = small(keras.layers.Dense(3, name="first"))
        kind = getattr(keras.optimizers, optimizer)
        model.compile(kind(0.01, weight_decay=0.0), "mse")
        compat.scale_rates(model.optimizer, shares)
        before = [np.array(one) for one in model.trainable_variables]
        model.train_on_batch(x, y[:, :2])
        after = [np.array(one) for one in model.trainable_variables]
        moved[shares] = [new - old for new, old in zip(after, before, strict=True)]
    whole, scaled = moved.values()
    for share, one, other in zip((0.0, 0.5, 1.0, 0.25), scaled, whole, strict=True):
        np.testing.assert_allclose(one, share * other, rtol=1e-3, atol=1e-7)
        assert np.abs(other).max() > 1e-4


def test_only_nadam_has_a_product_of_its_momentums():
    model = small()
    nadam = keras.optimizers.Nadam(beta_1=0.9)
    assert compat.momentum_product(nadam) is None
    model.compile(nadam, "mse")
    model.train_on_batch(np.ones((1, 4)), np.ones((1, 2)))
    product = compat.momentum_product(nadam)
    assert any(one is product for one in nadam.variables)
    assert float(product) == pytest.approx(0.9 * (1 - 0.5 * 0.96))
    adam = keras.optimizers.Adam()
    adam.build(model.trainable_variables)
    assert compat.momentum_product(adam) is None


def test_safe_mode_refuses_code_also_where_it_was_allowed_for_all():
    def config():  # what reads it changes it
        return keras.saving.serialize_keras_object(keras.layers.Lambda(lambda x: x))

    keras.config.enable_unsafe_deserialization()
    try:
        assert keras.saving.deserialize_keras_object(config()).built is False
        with compat.safe_mode(), pytest.raises(ValueError, match="arbitrary code"):
            keras.saving.deserialize_keras_object(config(), safe_mode=True)
        assert keras.saving.deserialize_keras_object(config(), safe_mode=True)
    finally:
        keras.utils.clear_session()


def test_a_legacy_config_has_classes_by_name_and_tuples_as_objects():
    layers = [
        {"class_name": "InputLayer", "config": {"batch_input_shape": [None, 8, 8, 1]}},
        {"class_name": "MaxPooling2D", "config": {
            "pool_size": {"class_name": "__tuple__", "items": [4, 2]}, "name": "pool",
        }},
    ]  # fmt: skip
    model = compat.model_from_legacy_config({"class_name": "Sequential", "config": {
        "name": "old", "layers": layers,
    }})  # fmt: skip
    assert isinstance(model, keras.Sequential) and model.name == "old"
    assert model.output_shape == (None, 2, 4, 1)


def test_legacy_metadata_leaves_the_model_compiled_as_it_was():
    model = small()
    model.compile(keras.optimizers.Adam(0.25), "mse", metrics=["mae"])
    before = model.get_compile_config()
    found = compat.legacy_metadata(model)
    assert model.get_compile_config() == before and "optimizer" in before
    assert set(found) == {"keras_version", "backend", "model_config", "training_config"}
    assert found["training_config"]["loss"] == "mse"
    assert found["training_config"]["optimizer_config"]["config"]["learning_rate"] == 0.25
    assert "module" not in found["model_config"]["config"]["layers"][-1], "not the legacy format"
    assert "training_config" not in compat.legacy_metadata(small())


def test_legacy_json_has_plain_numbers_and_objects_by_class():
    value = [np.float32(0.5), np.arange(2), tf.float32, keras.layers.ReLU(name="r"), len]
    text = compat.legacy_json(value)
    assert text.startswith('[0.5, [0, 1], "float32", {"class_name": "ReLU", "config": {"name": "r"')
    assert text.endswith(', "len"]')


def test_names_that_do_not_fit_one_attribute_are_written_over_several(tmp_path):
    few, many = ["a", "b/kernel"], [f"{i:0100}" for i in range(2000)]
    with h5py.File(tmp_path / "names.h5", "w") as file:
        compat.write_names(file, "few", few)
        compat.write_names(file, "many", many)
        assert np.asarray(file.attrs["few"]).astype(str).tolist() == few
        parts = [file.attrs[f"many{i}"] for i in range(len(file.attrs) - 1)]
    assert len(parts) > 3 and np.concatenate(parts).astype(str).tolist() == many
