"""The phases of a run on one epoch axis: the head alone, then the base too, block by block."""

from functools import cached_property
from typing import Any, NamedTuple

import keras

from experiments.core.keras_compat import scale_rates
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


class PhaseInput(NamedTuple):
    """What ``fit`` gets in a phase: the model, or its head alone with features for samples.

    ``copies`` is trained on in place of them: the features of each image augmented in several
    ways, for the epochs in turn, (copies of all samples, features).
    """

    model: keras.Model
    dataset: Dataset
    copies: Samples | None = None


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


class Schedule:
    """What of a model trains when, by a spec: its phases, and the model in each of them.

    Raises SpecError for a layer to train from that the model does not have.
    """

    def __init__(self, spec: RunSpec, model: keras.Model) -> None:
        self._spec, self.model = spec, model
        self._tune = spec.finetune

    @property
    def epochs(self) -> int:
        """How many the run shall have."""
        return self._spec.training.epochs

    @property
    def is_gradual(self) -> bool:
        """Whether the base is unfrozen block by block."""
        return self._tune is not None and self._tune.unfreeze_every is not None

    @cached_property
    def blocks(self) -> dict[str, list[keras.Layer]]:
        """The blocks of the base that will train at some time, with their layers, last first."""
        return blocks_to_train(self.model, self._tune.from_layer) if self._tune else {}

    def left_after(self, epoch: int) -> list[Phase]:
        """The phases that are left after ``epoch`` whole epochs."""
        return phases_from(self._spec, epoch, len(self.blocks))

    @property
    def borders(self) -> dict[int, str]:
        """The epochs, from 0, with which a phase begins, and what trains from there on, in
        words."""
        return {
            phase.first: f"{list(self._in(phase))[-1]} trains" if self.is_gradual else "base trains"
            for phase in self.left_after(0)
            if phase.blocks and phase.first
        }

    def enter(self, phase: Phase) -> None:
        """Compile the model for a phase, with an optimizer that begins anew."""
        if isinstance(self._spec.model, BaseSpec):
            layers = [layer for block in self._in(phase).values() for layer in block]
            norm = bool(self._tune and self._tune.train_batch_norm)
            freeze(self.model, layers, batch_norm=norm)
        compile_model(self.model, self._spec, self.rate(phase))

    def rate(self, phase: Phase) -> float:
        """The learning rate of a phase, of the head and the last block."""
        if phase.blocks and self._tune:
            return self._tune.learning_rate
        return self._spec.training.learning_rate

    def trained(self, phase: Phase, dataset: Dataset) -> PhaseInput:
        """What is trained in a phase. While the base is frozen its features of an image never
        change, so the head is trained on those: it shares the model's layers, weights and
        optimizer, and gets the numbers that the whole model would. Images that are augmented anew
        in each epoch are the exception, unless so many copies of them were asked for."""
        spec, model = self._spec, self.model
        augmented = spec.augmentation
        runs_base = phase.blocks or (augmented and not augmented.cached_copies)
        if not isinstance(spec.model, BaseSpec) or runs_base:
            if phase.blocks and self._tune:
                _slow_down(model, list(self._in(phase).values()), self._tune.rate_decay)
            return PhaseInput(model, dataset)
        head = head_of(model)
        compile_model(head, spec)
        head.optimizer = model.optimizer
        folder = settings_in_use().features
        copies = augmented_features(folder, spec, dataset, model) if augmented else None
        return PhaseInput(head, with_features(folder, spec, dataset, model), copies)

    def warm_up(self, batches: int) -> "list[WarmUp]":
        """The callback that lets the rate rise where the base begins to train, if it does."""
        return [WarmUp(self._tune, batches)] if self._tune else []

    def _in(self, phase: Phase) -> dict[str, list[keras.Layer]]:
        """The blocks that train in a phase."""
        return dict(list(self.blocks.items())[: phase.blocks])


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


def _slow_down(model: keras.Model, blocks: list[list[keras.Layer]], decay: float) -> None:
    """Let each block learn at ``decay`` times the rate of the one after it (Howard & Ruder 2018).

    Scaled gradients would not do, since Adam's steps do not depend on their size.
    """
    if decay == 1.0:
        return
    shares = {
        id(variable): decay**number
        for number, block in enumerate(blocks)
        for layer in block
        for variable in layer.trainable_variables
    }
    in_order = [shares.get(id(variable), 1.0) for variable in model.trainable_variables]
    scale_rates(model.optimizer, in_order)
