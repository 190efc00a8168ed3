"""Trains the small Keras models whose histories are in keras_histories.json (about 10 minutes).

    python tests/files/train_keras_histories.py

Every recipe is made so that its training goes one way: `intended`. What is recorded is what Keras
measured, all of it, for every seed.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_wine,
    make_circles,
    make_friedman1,
    make_moons,
)

OUT = Path(__file__).with_name("keras_histories.json")
SEEDS = (1, 2, 3)


class Recipe(NamedTuple):
    name: str
    intended: str
    data: Callable[[np.random.Generator], tuple[np.ndarray, np.ndarray]]
    train: int
    units: tuple[int, ...]
    epochs: int
    optimizer: Callable[[], keras.Optimizer]
    l2: float = 0.0
    dropout: float = 0.0
    scaled: bool = True


def bundled(load: Callable) -> Callable:
    return lambda rng: load(return_X_y=True)


def moons(rng):
    return make_moons(800, noise=0.15, random_state=int(rng.integers(1000)))


def noisy_moons(rng):
    return make_moons(400, noise=0.4, random_state=int(rng.integers(1000)))


def circles(rng):
    return make_circles(600, noise=0.1, factor=0.5, random_state=int(rng.integers(1000)))


def friedman(rng):
    x, y = make_friedman1(1500, noise=2.0, random_state=int(rng.integers(1000)))
    return x, y / 5


def coin_flips(rng):
    return rng.normal(size=(400, 20)), rng.integers(0, 2, 400)


def digits(rng):
    x, y = load_digits(return_X_y=True)
    return x / 16, y


def diabetes(rng):
    x, y = load_diabetes(return_X_y=True)
    return x, y / y.std()


def adam(rate: float) -> Callable[[], keras.Optimizer]:
    return lambda: keras.optimizers.Adam(rate)


def sgd(rate: float, momentum: float = 0.0) -> Callable[[], keras.Optimizer]:
    return lambda: keras.optimizers.SGD(rate, momentum)


cancer, wine = map(bundled, (load_breast_cancer, load_wine))
RECIPES = (
    Recipe("digits_small_set", "overfitting", digits, 100, (256, 256), 150, adam(3e-3)),
    Recipe("diabetes_wide", "overfitting", diabetes, 150, (128, 128), 150, adam(3e-3)),
    Recipe("coin_flips_wide", "overfitting", coin_flips, 200, (128, 64), 80, adam(1e-3)),
    Recipe("noisy_moons_wide", "overfitting", noisy_moons, 100, (256, 256), 300, adam(3e-3)),
    Recipe("digits_linear_slow", "underfitting", digits, 1200, (), 60, sgd(1e-4)),
    Recipe("circles_linear", "underfitting", circles, 400, (), 60, adam(1e-2)),
    Recipe("coin_flips_linear", "underfitting", coin_flips, 300, (), 40, sgd(1e-3)),
    Recipe("digits_one_unit", "underfitting", digits, 1200, (1,), 60, adam(1e-2)),
    Recipe("cancer_penalized", "underfitting", cancer, 400, (16,), 100, adam(3e-3), l2=3.0),
    Recipe("digits_dropout", "good_fit", digits, 1300, (64,), 100, adam(1e-3), dropout=0.3),
    Recipe("cancer_logistic", "good_fit", cancer, 400, (), 100, adam(1e-2), l2=1e-2),
    Recipe("wine_small", "good_fit", wine, 120, (8,), 150, adam(3e-3), l2=3e-3),
    Recipe("moons_small", "good_fit", moons, 500, (16,), 150, adam(1e-2), l2=1e-4),
    Recipe("friedman_noise", "good_fit", friedman, 1000, (8,), 80, adam(5e-3), l2=1e-4),
    Recipe("digits_few_epochs", "still_improving", digits, 1200, (32,), 12, adam(1e-3)),
    Recipe("wine_few_epochs", "still_improving", wine, 120, (16,), 25, adam(2e-3)),
    Recipe("moons_slow", "still_improving", moons, 500, (16,), 15, adam(1e-2)),
    Recipe("diabetes_hot", "diverged", diabetes, 300, (32,), 20, sgd(1.0, 0.9)),
    Recipe("digits_hot", "diverged", digits, 1200, (64, 64), 20, sgd(30.0, 0.9)),
    Recipe("cancer_dead_units", "underfitting", cancer, 400, (16,), 15, sgd(5.0), scaled=False),
    Recipe("friedman_hot", "diverged", friedman, 1000, (64,), 15, sgd(3.0)),
)


def histories(recipes: Sequence[Recipe] = RECIPES) -> Iterator[dict[str, object]]:
    for recipe in recipes:
        for seed in SEEDS:
            yield {"name": f"{recipe.name}_{seed}", "intended": recipe.intended} | run(recipe, seed)


def run(recipe: Recipe, seed: int) -> dict[str, object]:
    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    x, y = recipe.data(rng)
    order = rng.permutation(len(x))
    x, y = x[order].astype("float32"), y[order]
    train, val = slice(0, recipe.train), slice(recipe.train, None)
    if recipe.scaled and recipe.data is not digits:
        x = (x - x[train].mean(axis=0)) / (x[train].std(axis=0) + 1e-6)
    regression = y.dtype.kind == "f"
    classes = 1 if regression else len(np.unique(y))
    layers: list[keras.Layer] = []
    penalty = keras.regularizers.L2(recipe.l2) if recipe.l2 else None
    for units in recipe.units:
        layers.append(keras.layers.Dense(units, "relu", kernel_regularizer=penalty))
        layers.append(keras.layers.Dropout(recipe.dropout))
    layers.append(
        keras.layers.Dense(classes, None if regression else "softmax", kernel_regularizer=penalty)
    )
    model = keras.Sequential([keras.Input(x.shape[1:]), *layers])
    loss = "mean_squared_error" if regression else "sparse_categorical_crossentropy"
    model.compile(recipe.optimizer(), loss, metrics=[] if regression else ["accuracy"])
    fitted = model.fit(
        x[train], y[train], validation_data=(x[val], y[val]),
        epochs=recipe.epochs, batch_size=32, verbose=0,
    )  # fmt: skip
    if regression:
        constant = float(y[train].var())
    else:
        shares = np.unique(y[train], return_counts=True)[1] / recipe.train
        constant = float(-(shares * np.log(shares)).sum())
    history = {
        name: [float(f"{value:.6g}") for value in values] for name, values in fitted.history.items()
    }
    return {"constant_loss": constant, "val_samples": len(x) - recipe.train, "history": history}


if __name__ == "__main__":
    lines = [json.dumps(history) for history in histories()]
    OUT.write_text("[\n" + ",\n".join(lines) + "\n]\n")
