"""What is measured each epoch so that loss and val_loss can be taken apart (docs/gap.md)."""

import math
import time
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from experiments.core.keras_compat import all_layers
from experiments.saving.training_state import seed_variables

#: A symbolic or eager tensor.
Tensor = Any


class Sample(NamedTuple):
    """Samples that are measured each epoch, drawn from a part of ``total`` samples."""

    x: np.ndarray
    y: np.ndarray
    total: int


class GapRecording(keras.callbacks.Callback):
    """Adds to each epoch what ``experiments.diagnosis.gap`` needs, measured at its end.

    ``loss_training_mode``: the training sample in training mode. ``loss_penalty``: what L1 and L2
    add to every loss. ``se_val_loss``, ``se_train_eval_loss`` and ``se_loss_training_mode``:
    standard errors, of the loss of the whole validation part, of train_eval_loss as the loss of the
    whole training part, and of loss_training_mode − train_eval_loss. What would be nothing is left
    out: a model that does the same in both modes has no loss_training_mode.

    Nothing is changed by it: training mode runs in Keras' stateless_call, which leaves the moving
    averages of batch normalization and the random streams as they are. Its random numbers are
    those that the next batch will draw too. Its time is added to ``evaluation_seconds``.

    Comes after TrainEvaluation, which has measured the same sample in test mode. Batch
    normalization makes the loss depend on the size of a batch, so with it batches of
    ``batch_size`` are measured, as in training.
    """

    def __init__(
        self, train: Sample, validation: Sample | None, loss: str, batch_size: int
    ) -> None:
        super().__init__()
        self._train, self._validation = train, validation
        self._batch_size = batch_size
        self._loss = keras.losses.get(loss)
        self._prepared: keras.Model | None = None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Choose what there is to measure, and put the samples where TensorFlow needs them once."""
        if self._prepared is self.model:  # a second fit needs no second tracing
            return
        self._prepared = self.model
        normalizes = any(
            isinstance(layer, keras.layers.BatchNormalization) for layer in all_layers(self.model)
        )
        self._differs = normalizes or bool(seed_variables(self.model))
        count = len(self._train.x) // self._batch_size if normalizes else 0
        self._batches, self._size = (count, self._batch_size) if count else (1, len(self._train.x))
        self._train_tensors = _tensors(self._train)
        self._validation_tensors = _tensors(self._validation) if self._validation else None
        # without autograph: there is nothing to convert, and converting takes most of the time
        self._measure = tf.function(self._measure_all, autograph=False)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Measure, and add the values to ``logs``."""
        if logs is None:
            return
        started = time.perf_counter()
        train, validation, trained, penalty = (np.asarray(t, np.float64) for t in self._measure())
        logs |= _standard_error("se_train_eval_loss", train, self._train.total, all_count=False)
        if self._validation:
            logs |= _standard_error("se_val_loss", validation, self._validation.total)
        if penalty:
            logs["loss_penalty"] = float(penalty)
        if self._differs:
            added = trained - train[: len(trained)]
            logs["loss_training_mode"] = logs["train_eval_loss"] + float(added.mean())
            logs |= _standard_error("se_loss_training_mode", added, len(added))
        spent = time.perf_counter() - started
        logs["evaluation_seconds"] = logs.get("evaluation_seconds", 0.0) + spent

    def _measure_all(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Losses of each training and each validation sample in test mode, of the training samples
        in training mode, and the penalty; zero for what is not there."""
        nothing = tf.constant(0.0)
        validation = self._validation_tensors
        return (
            self._losses(*self._train_tensors),
            self._losses(*validation) if validation else nothing,
            self._losses_in_training_mode() if self._differs else nothing,
            sum(self.model.losses, start=nothing),
        )

    def _losses(self, x: Tensor, y: Tensor) -> Tensor:
        return self._loss(y, self.model(x, training=False))

    def _losses_in_training_mode(self) -> Tensor:
        """Batch after batch, each with the random streams as the one before has left them."""
        model, size = self.model, self._size

        def measure(i: Tensor, losses: Tensor, state: list[Tensor]) -> tuple[Tensor, ...]:
            x, y = (array[i * size : (i + 1) * size] for array in self._train_tensors)
            # Alone, the call would initialize variables of any model that was only sketched
            # (models.sketch_model), however large; within another scope Keras does not.
            with keras.StatelessScope(initialize_variables=False):
                outputs, after = model.stateless_call(
                    model.trainable_variables, state, x, training=True
                )
            return i + 1, losses.write(i, self._loss(y, outputs)), after

        state = [tf.convert_to_tensor(variable.value) for variable in model.non_trainable_variables]
        losses = tf.TensorArray(tf.float32, self._batches, element_shape=(size,))
        _, losses, _ = tf.while_loop(
            lambda i, *_: i < self._batches, measure, (0, losses, state), parallel_iterations=1
        )
        return losses.concat()


def _tensors(sample: Sample) -> tuple[Tensor, Tensor]:
    return tf.convert_to_tensor(sample.x), tf.convert_to_tensor(sample.y)


def _standard_error(
    name: str, values: np.ndarray, total: int, *, all_count: bool = True
) -> dict[str, float]:
    """The standard error of a mean over ``total`` samples, from the values of some of them.

    With ``all_count`` false it is that of the mean of ``values`` as the mean of all ``total``:
    0 where they are all there. A single value tells none.
    """
    count = len(values)
    if count < 2:
        return {}
    deviation = float(values.std(ddof=1))
    if all_count:
        return {name: deviation / math.sqrt(total)}
    return {name: deviation * math.sqrt((1 - count / total) / count)}
