"""Training as a loop that one can read: train_on_batch, test_on_batch, and Keras' callbacks."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras

Batches = Iterable[tuple[Any, Any]]


def train_by_batches(
    model: keras.Model,
    batches: Batches,
    validation: Batches | None,
    callbacks: Sequence[keras.callbacks.Callback],
    *,
    steps: int,
    initial_epoch: int,
    epochs: int,
    skip: int = 0,
) -> None:
    """What ``fit`` does, batch by batch: the same weights, the same history, the same callbacks.

    Every pass over ``batches`` and ``validation`` gives (x, y) of one epoch, of ``steps`` batches;
    the first epoch goes on after ``skip`` of them, with the model's running metrics.
    """
    around = keras.callbacks.CallbackList(callbacks, model=model, epochs=epochs, steps=steps)
    model.stop_training = False
    around.on_train_begin()
    for epoch in range(initial_epoch, epochs):
        model.reset_metrics()
        around.on_epoch_begin(epoch)
        logs: dict[str, float] = {}
        with _running_metrics(model):
            for step, (x, y) in enumerate(batches, start=skip):
                around.on_train_batch_begin(step)
                logs = model.train_on_batch(x, y, return_dict=True)
                around.on_train_batch_end(step, logs)
                if model.stop_training:
                    break
        skip = 0
        values = dict(logs)
        if validation is not None:
            values |= {f"val_{name}": value for name, value in _test(model, validation).items()}
        around.on_epoch_end(epoch, values)
        if model.stop_training:
            break
    around.on_train_end()


def _test(model: keras.Model, batches: Batches) -> dict[str, float]:
    model.reset_metrics()
    logs: dict[str, float] = {}
    with _running_metrics(model):
        for x, y in batches:
            logs = model.test_on_batch(x, y, return_dict=True)
    return logs


@contextmanager
def _running_metrics(model: keras.Model) -> Iterator[None]:
    """Metrics of all batches together, as ``fit`` has them: train_on_batch and test_on_batch would
    begin them anew with each batch (Keras 3.15, trainer.py), and then no mean of theirs is right
    for the smaller last batch, let alone for an AUC."""
    model.reset_metrics = lambda: None
    try:
        yield
    finally:
        del model.reset_metrics
