"""The phases of a run on one epoch axis: the head alone, then the base too."""

from typing import NamedTuple

import keras

from experiments.bases import freeze
from experiments.datasets.loading import Dataset
from experiments.feature_cache import head_of, with_features
from experiments.model_specs import ApplicationSpec
from experiments.models import compile_model
from experiments.specs import RunSpec


class Phase(NamedTuple):
    """Epochs ``first`` to before ``end``, counted from 0; whether the base trains in them."""

    first: int
    end: int
    base_trains: bool = False


class Trained(NamedTuple):
    """What ``fit`` gets in a phase: the model, or its head alone with features for samples."""

    model: keras.Model
    dataset: Dataset


def phases_from(spec: RunSpec, epoch: int) -> list[Phase]:
    """The phases that are left after ``epoch`` whole epochs."""
    end = spec.training.epochs
    if spec.finetune is None:
        return [Phase(epoch, end)]
    border = spec.finetune.after
    phases = [Phase(epoch, border), Phase(max(epoch, border), end, base_trains=True)]
    return [phase for phase in phases if phase.first < phase.end] or phases[-1:]


def enter(phase: Phase, spec: RunSpec, model: keras.Model) -> None:
    """Compile a model for a phase, with an optimizer that begins anew."""
    rate = None
    if isinstance(spec.model, ApplicationSpec):
        finetune = spec.finetune if phase.base_trains else None
        freeze(model, finetune is not None, finetune.from_layer if finetune else "")
        rate = finetune.learning_rate if finetune else None
    compile_model(model, spec, rate)


def trained_in(phase: Phase, spec: RunSpec, model: keras.Model, dataset: Dataset) -> Trained:
    """What is trained in a phase. While the base is frozen and pictures are not augmented its
    features never change, so the head is trained on those: it shares the model's layers, weights
    and optimizer, and gets the numbers that the whole model would."""
    if not isinstance(spec.model, ApplicationSpec) or phase.base_trains or spec.augmentation:
        return Trained(model, dataset)
    head = head_of(model)
    compile_model(head, spec)
    head.optimizer = model.optimizer
    return Trained(head, with_features(spec, dataset, model))
