"""The networks of a spec, and what is done to their images while they train."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from experiments.core.errors import unknown
from experiments.core.spec_part import Fraction, Penalty, Positive, SpecPart
from experiments.spec.applications import application_names

Activation = Literal["relu", "gelu", "silu", "elu", "selu", "tanh", "sigmoid", "leaky_relu"]


class AugmentationSpec(SpecPart):
    """How training images are changed at random, in training mode only; 0 and false are off.

    ``flip`` mirrors left and right. ``translation`` is in sides of the image, ``rotation`` in
    full turns, both either way; ``zoom`` and ``contrast`` are shares, more or less.

    A frozen base sees new images in each epoch, unless ``cached_copies`` says how many copies of
    each image are drawn once: its features are computed for those, and the epochs take turns.
    """

    flip: bool = False
    translation: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    rotation: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    zoom: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    contrast: Fraction = 0.0
    cached_copies: Annotated[int, Field(ge=1, le=100)] | None = None


class _ModelSpec(SpecPart):
    name: str
    dropout: Fraction = 0.0
    l1: Penalty = 0.0
    l2: Penalty = 0.0

    @property
    def widths(self) -> list[int]:
        """Units or filters of each hidden layer."""
        return []


class LinearSpec(_ModelSpec):
    """One Dense layer: linear, logistic or softmax regression."""

    name: Literal["linear"] = "linear"


class MLPSpec(_ModelSpec):
    """Dense layers of the given units, then the head."""

    name: Literal["mlp"] = "mlp"
    layers: Annotated[list[Positive], Field(max_length=200)] = [64, 32]  # noqa: RUF012 - pydantic copies it
    activation: Activation = "relu"
    batch_norm: bool = False

    @property
    def widths(self) -> list[int]:
        """Units of each hidden layer."""
        return self.layers


class CNNSpec(_ModelSpec):
    """A 3×3 convolution and a 2×2 pooling for each entry of ``filters``, a Dense layer, a head."""

    name: Literal["cnn"] = "cnn"
    filters: Annotated[list[Positive], Field(min_length=1, max_length=20)] = [16, 32]  # noqa: RUF012 - pydantic copies it
    dense: Annotated[int, Field(ge=0)] = 64
    activation: Activation = "relu"
    batch_norm: bool = False

    @property
    def widths(self) -> list[int]:
        """Filters of each convolution, then the units of the Dense layer."""
        return [*self.filters, self.dense]


class ResNetSpec(_ModelSpec):
    """A small residual network: ``blocks`` residual blocks at each width of ``filters``."""

    name: Literal["resnet"] = "resnet"
    filters: Annotated[list[Positive], Field(min_length=1, max_length=6)] = [16, 32]  # noqa: RUF012 - pydantic copies it
    blocks: Annotated[int, Field(ge=1, le=20)] = 1
    activation: Activation = "relu"

    @property
    def widths(self) -> list[int]:
        """Filters at each stage."""
        return self.filters


class ApplicationSpec(_ModelSpec):
    """A network of keras.applications without its head as the base, then a Dense layer of ``dense``
    units (0: none), dropout and a head.

    ``weights`` are the base's. Images are brought to ``size`` pixels a side; left out, they stay
    as they are if the network takes them. ``alpha`` is the width of the MobileNets.
    """

    name: Literal["application"] = "application"
    application: str = "MobileNetV2"
    weights: Literal["imagenet", "random"] = "imagenet"
    size: Annotated[int, Field(ge=32, le=1024)] | None = None
    alpha: Annotated[float, Field(gt=0, le=2)] = 1.0
    dense: Annotated[int, Field(ge=0)] = 0
    activation: Activation = "relu"

    @field_validator("application")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in application_names():
            raise ValueError(unknown("application", name, application_names()))
        return name

    @property
    def widths(self) -> list[int]:
        """Units of the Dense layer."""
        return [self.dense]


class SavedBaseSpec(_ModelSpec):
    """A saved model up to its layer ``layer`` as the base, then a Dense layer of ``dense`` units
    (0: none), dropout and a head.

    The model is the artifact ``file`` of the MLflow run ``run``, with its weights or with random
    ones. ``layer`` left out takes what goes into its last layer with weights, its head. ``white``
    is the brightest pixel that it was trained on; left out, its own scaling layer tells, and
    without one it is 1.
    """

    name: Literal["saved_base"] = "saved_base"
    run: Annotated[str, Field(min_length=1)]
    file: Annotated[str, Field(min_length=1)] = "model/model.h5"
    weights: Literal["saved", "random"] = "saved"
    layer: str = ""
    white: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    dense: Annotated[int, Field(ge=0)] = 0
    activation: Activation = "relu"

    @property
    def widths(self) -> list[int]:
        """Units of the Dense layer."""
        return [self.dense]


#: The specs of models that have a base, which can be frozen.
BaseSpec = ApplicationSpec | SavedBaseSpec
WITH_BASE = ("application", "saved_base")

ModelSpec = Annotated[
    LinearSpec | MLPSpec | CNNSpec | ResNetSpec | ApplicationSpec | SavedBaseSpec,
    Field(discriminator="name"),
]
