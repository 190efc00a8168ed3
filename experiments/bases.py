"""A network of keras.applications as the base of a model: raw pictures in, features out."""

import inspect
import re
from typing import Any

import keras
import numpy as np

from experiments.application_weights import weights_brought
from experiments.applications import application_names
from experiments.architectures import Tensor
from experiments.errors import SpecError, unknown
from experiments.model_specs import ApplicationSpec

#: The layers that every such model has: its own input, the network, and what it says of a picture.
INPUT, BASE, FEATURES = "application_input", "base", "features"


def extract(x: Tensor, spec: ApplicationSpec, *, sketched: bool) -> Tensor:
    """Pictures of 0…1, (batch, height, width, channels), to features, (batch, n).

    They are resized where the spec or the network wants it, and brought to the values that the
    network was trained on by a 1×1 convolution that never trains, which loads from .h5 anywhere.
    The network is in inference mode, so its batch normalisation keeps ImageNet's averages also
    while it is fine-tuned. ``sketched`` leaves its weights random. Raises SpecError and
    ArtifactError.
    """
    side = spec.size or max(x.shape[1:3])
    base, side = _make_base(spec, side, sketched=sketched)
    if x.shape[1:3] != (side, side):
        x = keras.layers.Resizing(side, side, name="resize")(x)
    x = keras.layers.Conv2D(3, 1, trainable=False, name=INPUT)(x)
    x = base(x, training=False)
    return keras.layers.GlobalAveragePooling2D(name=FEATURES)(x)


def set_input_values(model: keras.Model, spec: ApplicationSpec) -> None:
    """Give the convolution before the base the numbers of the network's own preprocess_input."""
    layer = model.get_layer(INPUT)
    layer.set_weights(input_values(spec.application, layer.kernel.shape[2]))


def input_values(application: str, channels: int) -> list[np.ndarray]:
    """The kernel (1, 1, channels, 3) and bias (3,) that do to pixels of 0…1 what preprocess_input
    does to pixels of 0…255, found by asking it: all of Keras' are affine.

    One channel is grey and counts for all three; of four the last one, alpha, counts for nothing.
    """
    module: Any = inspect.getmodule(getattr(keras.applications, application))
    probes = np.vstack([np.zeros(3), 255.0 * np.eye(3)]).reshape(4, 1, 1, 3)
    answers = np.asarray(module.preprocess_input(probes.copy()), np.float64).reshape(4, 3)
    kernel, bias = answers[1:] - answers[0], answers[0]
    if channels == 1:
        kernel = kernel.sum(axis=0, keepdims=True)
    kernel = np.vstack([kernel, np.zeros((max(0, channels - 3), 3))])
    return [kernel.reshape(1, 1, channels, 3).astype("float32"), bias.astype("float32")]


def freeze(model: keras.Model, trains: bool, from_layer: str = "") -> None:
    """Let the base train from a layer of that name on, all of it for "", or none of it.

    Raises SpecError for a layer that it does not have.
    """
    base = model.get_layer(BASE)
    names = [layer.name for layer in base.layers]
    if trains and from_layer and from_layer not in names:
        raise SpecError(f"finetune.from_layer: {unknown('layer of the base', from_layer, names)}")
    first = names.index(from_layer) if trains and from_layer else 0
    base.trainable = trains
    for number, layer in enumerate(base.layers):
        layer.trainable = trains and number >= first


def _make_base(spec: ApplicationSpec, side: int, *, sketched: bool) -> tuple[keras.Model, int]:
    """The network and the side of its pictures: where the spec leaves it open, what fits."""
    if spec.application not in application_names():
        raise SpecError(
            f"model.application: {unknown('application', spec.application, application_names())}"
        )
    make = getattr(keras.applications, spec.application)
    options: dict[str, Any] = {"include_top": False, "name": BASE}
    options["weights"] = "imagenet" if spec.weights == "imagenet" and not sketched else None
    if spec.alpha != 1.0:
        if "alpha" not in inspect.signature(make).parameters:
            raise SpecError(
                f"model.alpha: received {spec.alpha:g} for {spec.application}, which has one width "
                "only. Allowed: 1."
            )
        options["alpha"] = spec.alpha
    try:
        with weights_brought():
            return make(input_shape=(side, side, 3), **options), side
    except ValueError as error:
        least = re.search(r"at least (\d+)", str(error))
        if least and not spec.size and int(least[1]) > side:
            return _make_base(spec, int(least[1]), sketched=sketched)
        said = " ".join(str(error).split())[:300]
        raise SpecError(
            f"model: {spec.application} cannot be made for pictures of {side}×{side}: {said}"
        ) from None
