"""Models of every kind that must go on exactly, and training them; also run as a new process.

``python -m tests.support.exact_resumes FOLDER`` loads each NAME.h5 of a folder, trains it to the
last epoch, and leaves what came of it as NAME.npz.
"""

import sys
from pathlib import Path

import h5py
import keras
import numpy as np
import tensorflow as tf

from experiments.saving.training_state import TrainingState, build_variables, capture, read_state
from experiments.saving.whole_model import load_model, save_model
from experiments.training.checkpoints import Continuation
from experiments.training.shuffling import ShuffledBatches

SAMPLES, EPOCHS = 60, 5
CUT, BATCHES = 2, 2  # saved after so many epochs, and in the middle of the next one
layers = keras.layers


def dropout_and_batch_norm():
    return keras.Sequential(
        [
            keras.Input((8,)),
            layers.Dense(16, activation="relu", kernel_regularizer="l2"),
            layers.BatchNormalization(),
            layers.Dropout(0.4),
            layers.GaussianNoise(0.1),
            layers.Dense(1),
        ]
    )


def augmented_images():
    return keras.Sequential(
        [
            keras.Input((6, 6, 1)),
            layers.RandomFlip("horizontal"),
            layers.RandomTranslation(0.2, 0.2),
            layers.Conv2D(4, 3, activation="relu"),
            layers.SpatialDropout2D(0.3),
            layers.Flatten(),
            layers.Dense(1),
        ]
    )


def shared_layers():
    a, b = keras.Input((8,)), keras.Input((8,))
    shared = layers.Dense(8, activation="tanh")
    drop = layers.Dropout(0.3)
    both = layers.Concatenate()([drop(shared(a)), drop(shared(b))])
    return keras.Model([a, b], layers.Dense(1)(both))


def nested_models():
    def inner(name):
        return keras.Sequential(
            [keras.Input((8,)), layers.Dense(8, name="dense"), layers.Dropout(0.3)], name=name
        )

    x = keras.Input((8,))
    both = layers.Add()([inner("a")(x), inner("b")(x)])
    return keras.Model(x, layers.Dense(1, name="dense")(both))


def two_outputs():
    x = keras.Input((8,))
    hidden = layers.Dropout(0.2)(layers.Dense(8, activation="relu")(x))
    return keras.Model(
        x, [layers.Dense(1, name="one")(hidden), layers.Dense(1, name="two")(hidden)]
    )


MODELS = {
    make.__name__: make
    for make in (
        dropout_and_batch_norm, augmented_images, shared_layers, nested_models, two_outputs
    )
}  # fmt: skip
o = keras.optimizers
OPTIMIZERS = {
    "sgd_momentum": lambda: o.SGD(0.01, momentum=0.9, nesterov=True),
    "adam": lambda: o.Adam(0.01),
    "amsgrad": lambda: o.Adam(0.01, amsgrad=True),
    "adamw_ema": lambda: o.AdamW(0.01, use_ema=True, ema_overwrite_frequency=3),
    "rmsprop": lambda: o.RMSprop(0.01, momentum=0.5, centered=True),
    "adagrad": lambda: o.Adagrad(0.1),
    "nadam": lambda: o.Nadam(0.01),
    "lion": lambda: o.Lion(0.001),
    "adafactor": lambda: o.Adafactor(0.01),
    "adamax": lambda: o.Adamax(0.01),
    "exponential_decay": lambda: o.Adam(o.schedules.ExponentialDecay(0.05, 4, 0.7)),
    "cosine_warmup": lambda: o.SGD(o.schedules.CosineDecay(0.0, 20, warmup_target=0.05,
                                                          warmup_steps=5)),
}  # fmt: skip
CASES = [(model, "adam") for model in MODELS] + [
    ("dropout_and_batch_norm", optimizer) for optimizer in OPTIMIZERS if optimizer != "adam"
]


def data(model):
    """Samples of the shapes that a model takes and gives."""
    random = np.random.default_rng(5)
    x = tuple(random.normal(size=(SAMPLES, *i.shape[1:])).astype("float32") for i in model.inputs)
    y = tuple(random.normal(size=(SAMPLES, *out.shape[1:])).astype("float32")
              for out in model.outputs)  # fmt: skip
    return (x if len(x) > 1 else x[0]), (y if len(y) > 1 else y[0])


class Save(keras.callbacks.Callback):
    """Saves as a run does after a whole epoch, and as one that is stopped in the middle of the
    next; the last callback, so that the others have counted."""

    def __init__(self, folder: Path, name: str, watching):
        super().__init__()
        self.folder, self.name, self.watching = folder, name, watching
        self.epoch = 0

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_epoch_end(self, epoch, logs=None):
        if epoch + 1 == CUT:
            self.save("whole", 0)

    def on_train_batch_end(self, batch, logs=None):
        if self.epoch == CUT and batch + 1 == BATCHES:
            self.save("mid", BATCHES)

    def save(self, kind, batch):
        state = capture(self.model, self.watching, epoch=CUT, batch=batch)
        save_model(self.model, self.folder / f"{self.name}-{kind}.h5", state)


def fit(model, state: TrainingState | None = None, save=None):
    """Train to the last epoch with callbacks that count; returns the history and the callbacks."""
    x, y = data(model)
    begin = state or TrainingState(epoch=0)
    batches = ShuffledBatches(x, y, 16, seed=3, skip=begin.batch)
    watching = [
        keras.callbacks.EarlyStopping("val_loss", patience=50, restore_best_weights=True),
        keras.callbacks.ReduceLROnPlateau("val_loss", patience=1, factor=0.5, min_delta=10),
    ]
    if not isinstance(model.optimizer._learning_rate, keras.Variable):
        watching.pop()  # a schedule decides alone
    extra = [Continuation(state, watching)] if state else []
    extra += [Save(*save, watching)] if save else []
    build_variables(model, x, y)
    validation = tf.data.Dataset.from_tensor_slices((x, y)).batch(32)  # arrays take a tracing more
    history = model.fit(
        batches.batches(), shuffle=False, verbose=0, epochs=EPOCHS, initial_epoch=begin.epoch,
        validation_data=validation, callbacks=[batches, *watching, *extra],
    )  # fmt: skip
    return history.history, watching


def everything(model, history, watching) -> dict[str, np.ndarray]:
    """All that training changes, to be compared."""
    found = {f"history {name}": np.asarray(values) for name, values in history.items()}
    found |= {f"weight {i}": np.asarray(v) for i, v in enumerate(model.variables)}
    found |= {f"optimizer {i}": np.asarray(v) for i, v in enumerate(model.optimizer.variables)}
    counters = [[c.wait, c.best] for c in watching]
    return found | {"counters": np.asarray(counters, dtype=float)}


def go_on(folder: Path) -> None:
    """What the new process does."""
    for path in sorted(folder.glob("*.h5")):
        model = load_model(path)
        with h5py.File(path) as file:
            state = read_state(file)
        assert state is not None
        np.savez(path.with_suffix(".npz"), **everything(model, *fit(model, state)))


if __name__ == "__main__":
    go_on(Path(sys.argv[1]))
