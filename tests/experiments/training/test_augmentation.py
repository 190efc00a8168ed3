"""Images that are changed at random: in training mode only, inside the model, from the seed."""

import keras
import numpy as np
import pytest

from experiments.core.errors import SpecError
from experiments.data.loading import load_dataset
from experiments.data.split.splits import divide
from experiments.models.building import build_model, compile_model
from experiments.running.inline_launcher import resume_inline, run_inline
from experiments.saving.training_state import seed_variables
from experiments.saving.whole_model import load_model, save_model
from experiments.spec.run_spec import RunSpec
from experiments.spec.spec_files import load_spec, parse_spec
from experiments.tracking.artifacts import fetch_artifact
from experiments.tracking.history_reader import get_history
from experiments.tracking.runs import get_run

ALL = {"flip": True, "translation": 0.1, "rotation": 0.1, "zoom": 0.1, "contrast": 0.3}
TEXT = """
dataset: {name: digits, max_samples: 200}
model: {name: mlp, layers: [8]}
augmentation: {flip: true, translation: 0.1, rotation: 0.05, zoom: 0.1, contrast: 0.2}
training: {epochs: 4, batch_size: 16}
"""
TIMES = ["epoch_seconds", "evaluation_seconds"]


def build(spec: RunSpec) -> keras.Model:
    dataset = load_dataset(spec.dataset, spec.data_seed)
    keras.utils.set_random_seed(spec.seed)
    model = build_model(spec, dataset, divide(dataset.y, spec.split, spec.data_seed))
    compile_model(model, spec)
    return model


def images() -> np.ndarray:
    return load_dataset(RunSpec().dataset, 1).x[:32]


def augmented(model: keras.Model, x: np.ndarray) -> np.ndarray:
    """What the network behind the augmentation sees in training mode."""
    name = [layer.name for layer in model.layers if layer.name.startswith("augment_")][-1]
    return np.asarray(keras.Model(model.input, model.get_layer(name).output)(x, training=True))


@pytest.mark.parametrize("kind", list(ALL))
def test_each_kind_changes_images_in_training_mode_alone(kind):
    plain = build(load_spec("model: {name: cnn, filters: [4]}"))
    changed = build(parse_spec({"model": {"name": "cnn", "filters": [4]},
                                "augmentation": {kind: ALL[kind]}}))  # fmt: skip
    x = images()
    assert np.array_equal(changed(x, training=False), plain(x, training=False))
    seen = augmented(changed, x)
    assert np.abs(seen - x / 16).max() > 0.02
    assert seen.min() >= 0
    assert seen.max() <= 1


def test_contrast_is_lowered_as_well_as_raised():
    x = images() / 2 + 4  # between 4 and 12 of 16: nothing is cut off
    model = build(parse_spec({"augmentation": {"contrast": 0.3}}))
    ratios = augmented(model, x).std(axis=(1, 2, 3)) / (x / 16).std(axis=(1, 2, 3))
    assert ratios.min() == pytest.approx(0.7, abs=0.1)
    assert ratios.max() == pytest.approx(1.3, abs=0.1)


def test_each_stream_follows_from_the_seed_of_the_run():
    one, same = (build(load_spec(TEXT)) for _ in range(2))
    other = build(load_spec(TEXT, ["seed=2"]))
    x = images()
    first = augmented(one, x)
    assert np.array_equal(first, augmented(same, x))
    assert not np.array_equal(first, augmented(other, x))
    seeds = [layer.seed for layer in one.layers if layer.name.startswith("augment_")]
    assert len(set(seeds)) == len(ALL)


def test_the_saved_model_takes_raw_images_and_augments_on(tmp_path):
    model = build(load_spec(TEXT))
    save_model(model, tmp_path / "model.h5")
    x = images()
    expected = model.predict(x, verbose=0)
    stock = keras.models.load_model(tmp_path / "model.h5", compile=False)
    ours = load_model(tmp_path / "model.h5")
    for loaded in (stock, ours):
        assert np.array_equal(loaded.predict(x, verbose=0), expected)
        assert np.array_equal(augmented(loaded, x), augmented(build(load_spec(TEXT)), x))


def test_a_resumed_run_draws_what_an_uninterrupted_one_draws(store):
    straight, _ = run_inline(store, load_spec(TEXT))
    resumed, _ = run_inline(store, load_spec(TEXT, ["training.epochs=2"]))
    resume_inline(store, resumed, 4)
    histories = [
        get_history(store, get_run(store, run_id)).drop(columns=TIMES)
        for run_id in (straight, resumed)
    ]
    assert histories[0].equals(histories[1][histories[0].columns])
    models = [load_model(fetch_artifact(store, run_id, "model/model.h5"))
              for run_id in (straight, resumed)]  # fmt: skip
    for one, other in zip(*(model.variables for model in models), strict=True):
        assert np.array_equal(one, other)
    assert len(seed_variables(models[0])) == len(ALL)
    # the network learns from images that are harder than those it is measured on
    assert (histories[0]["loss_training_mode"] > histories[0]["train_eval_loss"]).all()


def test_what_is_off_in_every_part_is_none():
    assert parse_spec({"augmentation": {"zoom": 0}}).augmentation is None
    spec = load_spec(TEXT)
    assert load_spec(spec.to_yaml()) == spec
    assert spec.flatten()["augmentation.zoom"] == "0.1"
    assert not any(name.startswith("augmentation") for name in RunSpec().flatten())


def test_rows_of_features_are_not_augmented():
    with pytest.raises(SpecError, match=r"augmentation: received one for iris.*only images"):
        load_spec("{dataset: {name: iris}, augmentation: {flip: true}}")


def test_a_split_seed_keeps_the_samples_when_the_seed_changes():
    def rows(seed: int, text: str) -> np.ndarray:
        spec = load_spec(text, [f"seed={seed}"])
        data = load_dataset(spec.dataset, spec.data_seed)
        return data.x[divide(data.y, spec.split, spec.data_seed).validation]

    drawn = "{dataset: {name: two_moons}, split: {method: shuffled, seed: 5}}"
    assert np.array_equal(rows(1, drawn), rows(2, drawn))
    own = "{dataset: {name: two_moons}, split: {method: shuffled}}"
    assert not np.array_equal(rows(1, own), rows(2, own))
    assert np.array_equal(rows(5, own), rows(1, drawn))
