"""The phases of a run on one epoch axis: the head alone, then the base too, block by block."""

from typing import Any, NamedTuple

import keras

from experiments.core.settings import settings_in_use
from experiments.data.loading import Dataset
from experiments.data.samples import Samples
from experiments.models.bases import blocks_to_train, freeze
from experiments.models.building import compile_model
from experiments.spec.model_specs import BaseSpec
from experiments.spec.run_spec import RunSpec
from experiments.spec.training_specs import FinetuneSpec
from experiments.training.feature_cache import augmented_features, head_of, with_features


class Phase(NamedTuple):
    """Epochs ``first`` to before ``end``, counted from 0, and how many blocks of the base train in
    them, from its end."""

    first: int
    end: int
    blocks: int = 0


class Trained(NamedTuple):
    """What ``fit`` gets in a phase: the model, or its head alone with features for samples.

    ``copies`` is trained on in place of them: the features of each image augmented in several
    ways, for the epochs in turn, (copies of all samples, features).
    """

    model: keras.Model
    dataset: Dataset
    copies: Samples | None = None


def count_blocks(spec: RunSpec, model: keras.Model) -> int:
    """How many blocks of the base of a model will train at some time; raises SpecError for a
    layer that it does not have."""
    return len(blocks_to_train(model, spec.finetune.from_layer)) if spec.finetune else 0


def phases_from(spec: RunSpec, epoch: int, blocks: int = 0) -> list[Phase]:
    """The phases that are left after ``epoch`` whole epochs, for ``blocks`` of the base."""
    end, tune = spec.training.epochs, spec.finetune
    if tune is None:
        return [Phase(epoch, end)]
    phases = [Phase(0, tune.after)]
    if tune.unfreeze_every is None:
        phases.append(Phase(tune.after, end, blocks))
    else:
        starts = range(tune.after, end, tune.unfreeze_every)[: max(blocks, 1)]
        ends = [*starts[1:], end]
        phases += [
            Phase(first, last, number)
            for number, (first, last) in enumerate(zip(starts, ends, strict=True), 1)
        ]
    left = [phase._replace(first=max(epoch, phase.first)) for phase in phases if phase.end > epoch]
    return [phase for phase in left if phase.first < phase.end] or phases[-1:]


def enter(phase: Phase, spec: RunSpec, model: keras.Model) -> None:
    """Compile a model for a phase, with an optimizer that begins anew."""
    if isinstance(spec.model, BaseSpec):
        layers = [layer for block in _blocks(phase, spec, model).values() for layer in block]
        norm = bool(spec.finetune and spec.finetune.train_batch_norm)
        freeze(model, layers, batch_norm=norm)
    compile_model(model, spec, rate_in(phase, spec))


def borders_of(spec: RunSpec, model: keras.Model) -> dict[int, str]:
    """The epochs, from 0, with which a phase begins, and what trains from there on, in words."""
    later = [phase for phase in phases_from(spec, 0, count_blocks(spec, model)) if phase.blocks]
    gradual = spec.finetune is not None and spec.finetune.unfreeze_every is not None
    return {
        phase.first: f"{list(_blocks(phase, spec, model))[-1]} trains" if gradual else "base trains"
        for phase in later
        if phase.first
    }


def rate_in(phase: Phase, spec: RunSpec) -> float:
    """The learning rate of a phase, of the head and the last block."""
    return spec.finetune.learning_rate if phase.blocks and spec.finetune else (
        spec.training.learning_rate
    )  # fmt: skip


def trained_in(phase: Phase, spec: RunSpec, model: keras.Model, dataset: Dataset) -> Trained:
    """What is trained in a phase. While the base is frozen its features of an image never change,
    so the head is trained on those: it shares the model's layers, weights and optimizer, and gets
    the numbers that the whole model would. Images that are augmented anew in each epoch are the
    exception, unless so many copies of them were asked for."""
    augmented = spec.augmentation
    runs_base = phase.blocks or (augmented and not augmented.cached_copies)
    if not isinstance(spec.model, BaseSpec) or runs_base:
        if phase.blocks and spec.finetune:
            blocks = list(_blocks(phase, spec, model).values())
            _slow_down(model, blocks, spec.finetune.rate_decay)
        return Trained(model, dataset)
    head = head_of(model)
    compile_model(head, spec)
    head.optimizer = model.optimizer
    folder = settings_in_use().features
    copies = augmented_features(folder, spec, dataset, model) if augmented else None
    return Trained(head, with_features(folder, spec, dataset, model), copies)


class WarmUp(keras.callbacks.Callback):
    """Lets the learning rate rise, batch by batch, from 0 to its full value in the first epochs of
    fine-tuning. What it is follows from epoch and batch alone, so a resumed run goes on with it."""

    def __init__(self, tune: FinetuneSpec, batches: int) -> None:
        super().__init__()
        self._first, self._rate = tune.after, tune.learning_rate
        self._epochs, self._batches = tune.warmup_epochs, batches
        self._done = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Count the epochs of fine-tuning that are behind."""
        self._done = epoch - self._first

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Set the rate of the next step."""
        if 0 <= self._done < self._epochs:
            share = (self._done * self._batches + batch + 1) / (self._epochs * self._batches)
            self.model.optimizer.learning_rate = self._rate * share


def _blocks(phase: Phase, spec: RunSpec, model: keras.Model) -> dict[str, list[keras.Layer]]:
    if not phase.blocks or not spec.finetune:
        return {}
    blocks = blocks_to_train(model, spec.finetune.from_layer)
    return dict(list(blocks.items())[: phase.blocks])


def _slow_down(model: keras.Model, blocks: list[list[keras.Layer]], decay: float) -> None:
    """Let each block learn at ``decay`` times the rate of the one after it (Howard & Ruder 2018).

    Keras' optimizers have one rate. They pass it on with each variable, where it is made smaller
    here; scaled gradients would not do, since Adam's steps do not depend on their size. The
    decoupled weight decay of AdamW keeps the one rate.
    """
    if decay == 1.0:
        return
    shares = {
        id(variable): decay**number
        for number, block in enumerate(blocks)
        for layer in block
        for variable in layer.trainable_variables
    }
    optimizer = model.optimizer
    by_index = [shares.get(id(variable), 1.0) for variable in model.trainable_variables]
    step = optimizer.update_step

    def slower(gradient: Any, variable: Any, learning_rate: Any) -> None:
        share = by_index[optimizer._get_variable_index(variable)]
        step(gradient, variable, learning_rate * share)

    optimizer.update_step = slower
