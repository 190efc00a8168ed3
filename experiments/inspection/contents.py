"""The nouns of what is found in a model file; all of them turn into JSON."""

import math
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class StoredArray:
    """One stored array."""

    name: str
    shape: tuple[int, ...]
    dtype: str

    @property
    def size(self) -> int:
        """How many numbers it has."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class LayerContents:
    """A layer as the file has it; ``type`` and ``trainable`` are None where it does not say.

    ``inputs`` are the names of the layers before it, in its own model; Sequential does not say.
    """

    name: str
    type: str | None
    trainable: bool | None
    inputs: tuple[str, ...]
    parameters: int
    weights: tuple[StoredArray, ...]


@dataclass(frozen=True)
class TrainingContents:
    """What the model was compiled with, in the words of the file."""

    optimizer: str | None
    optimizer_config: dict[str, Any]
    loss: Any
    metrics: Any


@dataclass(frozen=True)
class OptimizerContents:
    """The stored state of the optimizer; ``iterations`` is None where the file does not say."""

    variables: int
    iterations: int | None
    slots: tuple[StoredArray, ...]


@dataclass(frozen=True)
class StateContents:
    """Where training stood, which only files of this project have."""

    epoch: int | None
    batch: int | None
    callbacks: dict[str, Any]
    history: int
    seed_generators: int
    best_weights: bool


@dataclass(frozen=True)
class ModelFile:
    """What a model file holds; ``parameters`` is None where it holds no weights.

    ``saved`` is Keras' own date (``2026-11-23@19:13:54``), ``notes`` are sentences for people.
    """

    file: str
    format: str
    bytes: int
    keras_version: str | None
    backend: str | None
    saved: str | None
    name: str | None
    architecture: bool
    layers: tuple[LayerContents, ...]
    parameters: int | None
    training: TrainingContents | None
    optimizer: OptimizerContents | None
    training_state: StateContents | None
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)
