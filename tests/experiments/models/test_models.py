"""Models: what they take and give, that they come back from .h5, and what compiling names."""

import dataclasses

import keras
import numpy as np
import pytest

from experiments.core.errors import SpecError
from experiments.data.catalog import CATALOG, Task
from experiments.data.loading import Dataset, load_dataset
from experiments.data.split.splits import divide
from experiments.models.building import (
    build_model,
    compile_model,
    constant_loss,
    count_parameters,
    model_outline,
)
from experiments.spec.losses import losses_for
from experiments.spec.metrics import metrics_for
from experiments.spec.model_specs import MLPSpec
from experiments.spec.optimizers import OPTIMIZERS
from experiments.spec.run_spec import RunSpec
from experiments.spec.spec_files import parse_spec

HIDDEN = {"dropout": 0.2, "l1": 1e-4, "l2": 1e-3}
KINDS = {
    "linear": HIDDEN | {"name": "linear"},
    "mlp": HIDDEN | {"name": "mlp", "layers": [8, 4], "batch_norm": True},
    "no hidden layers": {"name": "mlp", "layers": []},
    "cnn": HIDDEN | {"name": "cnn", "filters": [2, 3], "dense": 5, "activation": "leaky_relu"},
    "cnn of five stages": {"name": "cnn", "filters": [2] * 5, "dense": 0, "batch_norm": True},
    "resnet": HIDDEN | {"name": "resnet", "filters": [2, 3, 3, 4], "blocks": 2},
}
PAIRS = [
    (kind, name)
    for kind, model in KINDS.items()
    for name in ("digits", "wine", "breast_cancer", "diabetes")
    if name == "digits" or model["name"] in ("linear", "mlp")
]


def make(name="digits", seed=1, **parts):
    """A spec, its dataset and split; the keyword arguments are parts of the spec."""
    spec = parse_spec({"dataset": {"name": name}, "seed": seed} | parts)
    dataset = load_dataset(spec.dataset, seed)
    return spec, dataset, divide(dataset.y, spec.split, seed)


def build(*arguments):
    keras.utils.set_random_seed(arguments[0].seed)
    return build_model(*arguments)


def call(model, x, training=False):
    return keras.ops.convert_to_numpy(model(x, training=training))


@pytest.mark.parametrize(("kind", "name"), PAIRS)
def test_a_model_comes_back_from_h5_with_identical_predictions(kind, name, tmp_path):
    spec, dataset, split = make(name, model=KINDS[kind])
    model = build(spec, dataset, split)
    outputs = dataset.info.classes if dataset.info.task is Task.MULTICLASS else 1
    assert model.output_shape == (None, outputs)
    assert model.input_shape == (None, *dataset.info.shape)
    model.save(tmp_path / "model.h5")
    again = keras.models.load_model(tmp_path / "model.h5", compile=False)
    assert np.array_equal(call(model, dataset.x[:50]), call(again, dataset.x[:50]))
    assert count_parameters(spec) == model.count_params()
    assert sum(row["parameters"] for row in model_outline(again)) == model.count_params()


@pytest.mark.parametrize(
    "activation", ["relu", "gelu", "silu", "elu", "selu", "tanh", "sigmoid", "leaky_relu"]
)
def test_every_activation_comes_back_from_h5(activation, tmp_path):
    spec, dataset, split = make("iris", model={"layers": [5], "activation": activation})
    model = build(spec, dataset, split)
    model.save(tmp_path / "model.h5")
    again = keras.models.load_model(tmp_path / "model.h5", compile=False)
    assert np.array_equal(call(model, dataset.x), call(again, dataset.x))


def test_the_same_seed_draws_the_same_weights_and_the_same_dropout():
    def outputs(seed):
        spec, dataset, split = make("wine", seed, model=KINDS["mlp"])
        model = build(spec, dataset, split)
        return call(model, dataset.x), call(model, dataset.x, training=True)

    first, second, other = outputs(1), outputs(1), outputs(2)
    assert np.array_equal(first[0], second[0]) and np.array_equal(first[1], second[1])
    assert not np.array_equal(first[0], other[0])


def test_dropout_layers_of_one_model_draw_independently():
    spec, dataset, split = make("wine", model={"layers": [8, 8], "dropout": 0.5})
    model = build(spec, dataset, split)
    ones = np.ones((4, 8), np.float32)
    drops = [call(model.get_layer(f"dropout_{i}"), ones, training=True) for i in (1, 2)]
    assert not np.array_equal(*drops)


def test_features_are_standardized_by_the_training_part_only():
    spec, dataset, split = make("wine", model=KINDS["linear"])
    layer = build(spec, dataset, split).get_layer("preprocessing")
    train = call(layer, dataset.x[split.train])
    assert np.allclose(train.mean(axis=0), 0, atol=1e-4)
    assert np.allclose(train.std(axis=0), 1, atol=1e-4)
    assert not np.allclose(call(layer, dataset.x).mean(axis=0), 0, atol=1e-2)


def test_a_feature_that_is_constant_in_training_is_not_divided_by_zero():
    spec, dataset, split = make("wine", model=KINDS["linear"])
    x = dataset.x.copy()
    x[:, 3], x[split.validation, 3] = 0.1, 0.2
    layer = build(spec, dataclasses.replace(dataset, x=x), split).get_layer("preprocessing")
    assert np.allclose(call(layer, x[split.train])[:, 3], 0, atol=1e-6)
    assert np.allclose(call(layer, x[split.validation])[:, 3], 0.1, atol=1e-6)


def test_uint8_images_give_what_the_same_floats_give():
    spec = parse_spec({"dataset": {"name": "fashion_mnist"}, "model": {"name": "cnn"}})
    x = np.random.default_rng(1).integers(0, 256, (20, 28, 28, 1), dtype=np.uint8)
    x[0, 0, 0], y = 255, np.arange(20, dtype=np.int32) % 10
    dataset = Dataset(spec.dataset.info, x, y, None, None, (), "")
    model = build(spec, dataset, divide(y, spec.split, 1))
    assert np.array_equal(call(model, x), call(model, x.astype(np.float32)))
    assert call(model.get_layer("preprocessing"), x).max() == 1
    digits = make("digits", model={"name": "linear"})
    assert call(build(*digits).get_layer("preprocessing"), digits[1].x).max() == 1


def test_regression_predicts_in_the_targets_units():
    spec, dataset, split = make("diabetes")
    model = build(spec, dataset, split)
    head = model.get_layer("head")
    head.kernel.assign(np.zeros(head.kernel.shape))
    assert np.allclose(call(model, dataset.x), dataset.y[split.train].mean())
    head.bias.assign([1.0])
    assert np.allclose(
        call(model, dataset.x), dataset.y[split.train].mean() + dataset.y[split.train].std()
    )


def test_a_constant_regression_target_still_builds_a_model():
    spec, dataset, split = make("diabetes")
    dataset = dataclasses.replace(dataset, y=np.full_like(dataset.y, 3))
    assert np.isfinite(call(build(spec, dataset, split), dataset.x)).all()


def test_penalties_are_on_every_kernel_and_only_where_asked():
    spec, dataset, split = make(model=KINDS["cnn"])
    assert len(build(spec, dataset, split).losses) == 4
    spec, dataset, split = make(model={"name": "cnn"})
    assert build(spec, dataset, split).losses == []


def test_images_shrink_to_one_pixel_and_no_further():
    spec, dataset, split = make(model=KINDS["cnn of five stages"])
    rows = model_outline(build(spec, dataset, split))
    pools = [row["output_shape"] for row in rows if row["type"] == "MaxPooling2D"]
    assert pools == ["(None, 4, 4, 2)", "(None, 2, 2, 2)", "(None, 1, 1, 2)"]


def test_residual_stages_halve_the_image_while_a_side_is_at_least_four():
    spec, dataset, split = make(model=KINDS["resnet"])
    rows = {row["name"]: row for row in model_outline(build(spec, dataset, split))}
    shapes = [rows[f"stage_{stage}_block_1_sum"]["output_shape"] for stage in (1, 2, 3, 4)]
    assert shapes == ["(None, 8, 8, 2)", "(None, 4, 4, 3)", "(None, 2, 2, 3)", "(None, 2, 2, 4)"]
    assert "stage_1_block_1_shortcut" not in rows and "stage_4_block_1_shortcut" in rows


def test_the_outline_lists_each_layer():
    spec, dataset, split = make("iris", model={"layers": [8], "dropout": 0.1})
    assert model_outline(build(spec, dataset, split))[2] == {
        "name": "hidden_1",
        "type": "Dense",
        "output_shape": "(None, 8)",
        "parameters": 40,
        "trainable": True,
        "inbound": ["preprocessing"],
    }


@pytest.mark.parametrize("layers", [[65536, 65536], [10**30]])
def test_a_network_of_any_size_is_counted(layers):
    spec = parse_spec({"dataset": {"name": "iris"}, "model": {"layers": layers}})
    expected, inputs = 0, 4
    for units in (*layers, 3):
        expected, inputs = expected + (inputs + 1) * units, units
    assert count_parameters(spec) == expected


def test_a_model_too_deep_for_keras_is_refused():
    endless = MLPSpec.model_construct(name="mlp", layers=[1] * 1000)
    with pytest.raises(SpecError, match="too deep for Keras to build"):
        count_parameters(RunSpec().model_copy(update={"model": endless}))


@pytest.mark.parametrize("name", ["breast_cancer", "iris", "digits", "diabetes"])
def test_histories_carry_the_specs_names_for_every_metric(name):
    metrics = metrics_for(CATALOG[name].task)
    spec, dataset, split = make(
        name, model={"layers": [4]}, training={"metrics": list(metrics), "batch_size": 256}
    )
    model = build(spec, dataset, split)
    compile_model(model, spec)
    x, y = dataset.x[:200], dataset.y[:200]
    history = model.fit(x, y, batch_size=64, validation_split=0.2, verbose=0).history
    assert set(history) == set(spec.monitors())
    assert all(np.isfinite(values).all() for values in history.values())


@pytest.mark.parametrize(
    ("name", "loss"),
    [("two_moons", loss) for loss in losses_for(Task.BINARY)]
    + [("iris", loss) for loss in losses_for(Task.MULTICLASS)]
    + [("diabetes", loss) for loss in losses_for(Task.REGRESSION)],
)
def test_every_loss_loads_again_compiled_and_no_constant_beats_constant_loss(name, loss, tmp_path):
    spec, dataset, split = make(name, training={"loss": loss})
    model = build(spec, dataset, split)
    compile_model(model, spec)
    model.save(tmp_path / "model.h5")
    assert keras.models.load_model(tmp_path / "model.h5").loss.__name__ == loss

    y = dataset.y[split.train]
    best = constant_loss(spec, y)
    measure = keras.losses.get(loss)
    if dataset.info.task is Task.MULTICLASS:
        shares = np.bincount(y, minlength=3) / len(y)
        grid = [shares, np.full(3, 1 / 3), shares + np.array([0.02, -0.01, -0.01])]
    else:
        grid = np.linspace(y.min() + 1e-3, y.max() - 1e-3, 400).reshape(-1, 1)
    losses = [
        float(np.mean(measure(y, np.broadcast_to(constant, (len(y), len(constant))))))
        for constant in grid
    ]
    assert best == pytest.approx(min(losses), rel=1e-3)
    assert best <= min(losses) * (1 + 1e-5)


def test_the_constant_loss_of_a_single_class_is_zero():
    assert constant_loss(parse_spec({"dataset": {"name": "iris"}}), np.zeros(10, np.int32)) == 0


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_is_keras_own_with_the_specs_learning_rate(optimizer):
    momentum = 0.5 if OPTIMIZERS[optimizer].takes_momentum else 0.0
    training = {"optimizer": optimizer, "learning_rate": 0.25, "momentum": momentum}
    spec, dataset, split = make("iris", model={"name": "linear"}, training=training)
    model = build(spec, dataset, split)
    compile_model(model, spec)
    assert type(model.optimizer).__name__ == OPTIMIZERS[optimizer].keras_class
    assert float(model.optimizer.learning_rate) == 0.25
    assert getattr(model.optimizer, "momentum", 0.0) == momentum


def test_a_small_network_learns_digits_far_beyond_the_constant():
    spec, dataset, split = make(training={"epochs": 8})
    model = build(spec, dataset, split)
    compile_model(model, spec)
    x, y = dataset.x[split.train], dataset.y[split.train]
    history = model.fit(x, y, epochs=8, verbose=0).history
    assert history["loss"][-1] < constant_loss(spec, y) / 4
    assert history["accuracy"][-1] > 0.9
