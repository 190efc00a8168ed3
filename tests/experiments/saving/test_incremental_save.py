"""Checkpoints of a model of which little trains: only that is written, and no file is harmed."""

import keras
import numpy as np
import pytest

from experiments.core.checkpoint_files import link
from experiments.saving.incremental_save import Rewriter
from experiments.saving.legacy_h5 import describe
from experiments.saving.training_state import capture, read_state
from experiments.saving.whole_model import load_model, save_model

layers = keras.layers


@pytest.fixture
def model():
    keras.utils.set_random_seed(3)
    base = keras.Sequential(
        [keras.Input((40,)), layers.Dense(1200, "relu"), layers.BatchNormalization(),
         layers.Dense(1200, "relu")], name="base",
    )  # fmt: skip
    base.trainable = False
    inputs = keras.Input((40,))
    outputs = layers.Dense(3, "softmax", name="head")(layers.Dropout(0.2, seed=1)(base(inputs)))
    model = keras.Model(inputs, outputs)
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    return model


def train(model, epochs=1):
    random = np.random.default_rng(0)
    x, y = random.normal(size=(64, 40)), random.integers(0, 3, 64)
    model.fit(x, y, epochs=epochs, verbose=0)


def state_of(model, epoch):
    lines = [f'{{"epoch": {number}}}' for number in range(epoch)]
    return capture(model, epoch=epoch, history=lines)


def contents(path):
    import h5py

    loaded = load_model(path)
    with h5py.File(path) as file:
        state = read_state(file)
    optimizer = [np.array(variable) for variable in loaded.optimizer.variables]
    return loaded.get_weights(), optimizer, list(state.seed_generators), list(state.history)


def assert_same(one, other):
    for ours, theirs in zip(one[:3], other[:3], strict=True):
        assert len(ours) == len(theirs)
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(a, b)
    assert one[3] == other[3]


def test_what_is_written_in_place_is_what_is_written_anew(model, tmp_path):
    rewriter, description = Rewriter(tmp_path, model), describe(model)
    for epoch in range(1, 6):
        train(model)
        model.optimizer.learning_rate = 0.01 / epoch
        state = state_of(model, epoch)
        rewriter.save(tmp_path / "last.h5", state, description)
        save_model(model, tmp_path / "whole.h5", state)
        assert_same(contents(tmp_path / "last.h5"), contents(tmp_path / "whole.h5"))
        if epoch == 2:
            link(tmp_path / "last.h5", tmp_path / "best.h5")
            best = contents(tmp_path / "best.h5")
    assert_same(contents(tmp_path / "best.h5"), best)
    rates = [load_model(tmp_path / name).optimizer.learning_rate for name in ("last.h5", "best.h5")]
    np.testing.assert_allclose(rates, [0.002, 0.005])
    assert len(list(tmp_path.glob("unfinished.*"))) == 3
    rewriter.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["best.h5", "last.h5", "whole.h5"]


def test_a_save_that_breaks_off_leaves_the_checkpoint_before(model, tmp_path):
    rewriter, description = Rewriter(tmp_path, model), describe(model)
    for epoch in (1, 2, 3):
        train(model)
        rewriter.save(tmp_path / "last.h5", state_of(model, epoch), description)
    before = contents(tmp_path / "last.h5")
    train(model)
    with pytest.raises(TypeError):
        rewriter.save(
            tmp_path / "last.h5", capture(model, epoch=4, history=[object()]), description
        )
    assert_same(contents(tmp_path / "last.h5"), before)
    rewriter.save(tmp_path / "last.h5", state_of(model, 4), description)
    assert contents(tmp_path / "last.h5")[3] == [f'{{"epoch": {number}}}' for number in range(4)]


def test_a_file_does_not_grow_without_end(model, tmp_path):
    rewriter, description = Rewriter(tmp_path, model), describe(model)
    train(model)
    sizes = []
    for epoch in range(40):
        long = capture(model, epoch=epoch, history=[f'{{"epoch": "{"x" * 200_000}"}}'])
        rewriter.save(tmp_path / "last.h5", long, description)
        sizes.append((tmp_path / "last.h5").stat().st_size)
    assert max(sizes) < 1.5 * sizes[0]


def test_it_is_used_only_where_most_stays(model):
    assert Rewriter.is_worth_it(model)
    model.get_layer("base").trainable = True
    assert not Rewriter.is_worth_it(model)
    small = keras.Sequential([keras.Input((4,)), layers.Dense(2)])
    small.trainable = False
    assert not Rewriter.is_worth_it(small)
