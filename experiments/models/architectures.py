"""The hidden layers of each kind of model: preprocessed samples in, a row of features out."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from experiments.spec.model_specs import (
    AugmentationSpec,
    BaseSpec,
    CNNSpec,
    LinearSpec,
    MLPSpec,
    ResNetSpec,
)

#: A symbolic tensor, as Keras' functional API passes it from layer to layer.
Tensor = Any

#: How the names of layers that augment begin.
AUGMENT = "augment_"


@dataclass(frozen=True)
class Layers:
    """Makes the layers of one model: named, with its penalties, dropout and activation."""

    spec: LinearSpec | MLPSpec | CNNSpec | ResNetSpec | BaseSpec
    seed: int

    def dense(self, units: int, name: str, **options: Any) -> keras.layers.Dense:
        """A Dense layer, with the model's penalty on its kernel."""
        return keras.layers.Dense(units, kernel_regularizer=self._penalty(), name=name, **options)

    def convolve(
        self, x: Tensor, filters: int, name: str, size: int = 3, stride: int = 1
    ) -> Tensor:
        """A convolution with padding, without activation; no bias before batch normalization."""
        return keras.layers.Conv2D(
            filters,
            size,
            strides=stride,
            padding="same",
            use_bias=not self._normalized,
            kernel_regularizer=self._penalty(),
            name=name,
        )(x)

    def activate(self, x: Tensor, name: str) -> Tensor:
        """Batch normalization if the model has it, then the activation (Ioffe & Szegedy 2015)."""
        if self._normalized:
            x = self.normalize(x, name)
        return self._activation(name)(x)

    def normalize(self, x: Tensor, name: str) -> Tensor:
        """Batch normalization."""
        return keras.layers.BatchNormalization(name=f"{name}_norm")(x)

    def drop(self, x: Tensor, number: int) -> Tensor:
        """Dropout if the model has it, with its own random stream made from the run's seed."""
        if not self.spec.dropout:
            return x
        seed = _stream(self.seed, number)
        return keras.layers.Dropout(self.spec.dropout, seed=seed, name=f"dropout_{number}")(x)

    def body(self, x: Tensor) -> Tensor:
        """Everything between preprocessing and the head."""
        match self.spec:
            case LinearSpec():
                return self.drop(_flat(x), 1)
            case MLPSpec():
                return self._mlp(_flat(x), self.spec)
            case CNNSpec():
                return self._cnn(x, self.spec)
            case ResNetSpec():
                return self._resnet(x, self.spec)
            case _:
                return self._on_features(x, self.spec)

    def _mlp(self, x: Tensor, spec: MLPSpec) -> Tensor:
        """Dropout after each hidden layer; without any it is a linear model, with the inputs'."""
        if not spec.layers:
            return self.drop(x, 1)
        for number, units in enumerate(spec.layers, 1):
            name = f"hidden_{number}"
            x = self.dense(units, name, use_bias=not spec.batch_norm)(x)
            x = self.drop(self.activate(x, name), number)
        return x

    def _cnn(self, x: Tensor, spec: CNNSpec) -> Tensor:
        """Images of one pixel are not pooled further. Dropout before and after ``dense``."""
        for number, filters in enumerate(spec.filters, 1):
            name = f"conv_{number}"
            x = self.activate(self.convolve(x, filters, name), name)
            if min(x.shape[1:3]) >= 2:
                x = keras.layers.MaxPooling2D(2, name=f"pool_{number}")(x)
        x = self.drop(_flat(x), 1)
        if spec.dense:
            x = self._activation("hidden")(self.dense(spec.dense, "hidden")(x))
            x = self.drop(x, 2)
        return x

    def _on_features(self, x: Tensor, spec: BaseSpec) -> Tensor:
        """What follows the features of a base."""
        if spec.dense:
            x = self._activation("hidden")(self.dense(spec.dense, "hidden")(x))
        return self.drop(x, 1)

    def _resnet(self, x: Tensor, spec: ResNetSpec) -> Tensor:
        """Residual blocks after He et al. 2015; each stage but the first halves sides of 4 or more.

        Dropout before the head.
        """
        x = self.activate(self.convolve(x, spec.filters[0], "stem"), "stem")
        for stage, filters in enumerate(spec.filters, 1):
            for block in range(1, spec.blocks + 1):
                halve = stage > 1 and block == 1 and min(x.shape[1:3]) >= 4
                x = self._residual(x, filters, 2 if halve else 1, f"stage_{stage}_block_{block}")
        return self.drop(keras.layers.GlobalAveragePooling2D(name="average")(x), 1)

    def _residual(self, x: Tensor, filters: int, stride: int, name: str) -> Tensor:
        shortcut = x
        if stride > 1 or x.shape[-1] != filters:
            shortcut = self.convolve(x, filters, f"{name}_shortcut", size=1, stride=stride)
            shortcut = self.normalize(shortcut, f"{name}_shortcut")
        x = self.activate(self.convolve(x, filters, f"{name}_a", stride=stride), f"{name}_a")
        x = self.normalize(self.convolve(x, filters, f"{name}_b"), f"{name}_b")
        x = keras.layers.Add(name=f"{name}_sum")([x, shortcut])
        return self._activation(name)(x)

    @property
    def _normalized(self) -> bool:
        return isinstance(self.spec, ResNetSpec) or getattr(self.spec, "batch_norm", False)

    def _activation(self, name: str) -> keras.layers.Activation:
        activation = getattr(self.spec, "activation", "linear")
        return keras.layers.Activation(activation, name=f"{name}_activation")

    def _penalty(self) -> keras.regularizers.Regularizer | None:
        if not self.spec.l1 and not self.spec.l2:
            return None
        return keras.regularizers.L1L2(self.spec.l1, self.spec.l2)


def augment(x: Tensor, spec: AugmentationSpec, seed: int) -> Tensor:
    """Images of 0…1, changed at random in training mode; what moves in repeats the edge."""
    make = keras.layers
    chosen: dict[str, tuple[bool | float, type[keras.Layer], dict[str, Any]]] = {
        "flip": (spec.flip, make.RandomFlip, {"mode": "horizontal"}),
        "translation": (
            spec.translation,
            make.RandomTranslation,
            {
                "height_factor": spec.translation,
                "width_factor": spec.translation,
                "fill_mode": "nearest",
            },
        ),
        "rotation": (
            spec.rotation,
            make.RandomRotation,
            {"factor": spec.rotation, "fill_mode": "nearest"},
        ),
        "zoom": (
            spec.zoom,
            make.RandomZoom,
            {"height_factor": spec.zoom, "fill_mode": "nearest"},
        ),
        # Keras 3.15 takes a single factor for 0…factor, and would only raise the contrast
        "contrast": (
            spec.contrast,
            make.RandomContrast,
            {"factor": (spec.contrast, spec.contrast), "value_range": (0, 1)},
        ),
    }
    for number, (name, (amount, layer, options)) in enumerate(chosen.items()):
        if amount:
            stream = _stream(seed, 1000 + number)  # below are those of dropout
            x = layer(**options, seed=stream, name=f"{AUGMENT}{name}")(x)
    return x


def _stream(seed: int, number: int) -> int:
    """The seed of one of the random streams of a run."""
    return int(np.random.SeedSequence([seed, number]).generate_state(1)[0]) % 2**31


def _flat(x: Tensor) -> Tensor:
    return keras.layers.Flatten(name="flat")(x) if len(x.shape) > 2 else x
