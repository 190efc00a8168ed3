"""A pretrained network as the base of a model: samples in, features out."""

import inspect
import re
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from experiments.core.errors import SpecError, unknown
from experiments.core.keras_compat import keep_call_mode, names_from_the_beginning
from experiments.models.application_weights import fetching_weights
from experiments.models.architectures import Tensor
from experiments.models.blocks import blocks_of, find_layer
from experiments.models.saved_bases import (
    Size,
    find_white,
    pool,
    sketch_saved,
    take_saved,
    values_for,
)
from experiments.spec.applications import application_names
from experiments.spec.model_specs import ApplicationSpec, BaseSpec

#: The layers that every such model has: its own input, the network, and what it says of an image.
INPUT, BASE, FEATURES = "application_input", "base", "features"
_FRESH_MOMENTUM = 0.9


def extract(x: Tensor, spec: BaseSpec, *, sketched: bool, training: bool | None = False) -> Tensor:
    """Samples to features, (batch, n): images of 0…1, (batch, height, width, channels), or rows.

    Images are resized where the spec or the network wants it, and brought to the values that the
    network was trained on by a 1×1 convolution that never trains, which loads from .h5 anywhere.
    With ``training`` False the network is always in inference mode, also while it is fine-tuned;
    None leaves that to the call. ``sketched``
    leaves its weights random. Raises SpecError and ArtifactError.
    """
    with names_from_the_beginning():
        if isinstance(spec, ApplicationSpec):
            base, size = _make_base(spec, spec.size or max(x.shape[1:3]), sketched=sketched)
        else:
            base, size = sketch_saved(spec, x) if sketched else take_saved(spec, x)
    if len(x.shape) == 4:
        height, width, channels = size
        if x.shape[1:3] != (height, width):
            x = keras.layers.Resizing(height, width, name="resize")(x)
        x = keras.layers.Conv2D(channels, 1, trainable=False, name=INPUT)(x)
    if training is False:
        keep_call_mode(base)
    return pool(base(x, training=training), FEATURES)


def set_input_values(model: keras.Model, spec: BaseSpec) -> None:
    """Give the convolution before the base the numbers that bring pixels to what it knows."""
    if INPUT not in {layer.name for layer in model.layers}:
        return
    layer = model.get_layer(INPUT)
    channels = layer.kernel.shape[2]
    values = (
        input_values(spec.application, channels)
        if isinstance(spec, ApplicationSpec)
        else values_for(spec, model.get_layer(BASE), channels)
    )
    layer.set_weights(values)


def input_values(application: str, channels: int) -> list[np.ndarray]:
    """The kernel (1, 1, channels, 3) and bias (3,) that do to pixels of 0…1 what preprocess_input
    does to pixels of 0…255, found by asking it: all of Keras' are affine.

    One channel is gray and counts for all three; of four the last one, alpha, counts for nothing.
    """
    module: Any = inspect.getmodule(getattr(keras.applications, application))
    probes = np.vstack([np.zeros(3), 255.0 * np.eye(3)]).reshape(4, 1, 1, 3)
    answers = np.asarray(module.preprocess_input(probes.copy()), np.float64).reshape(4, 3)
    kernel, bias = answers[1:] - answers[0], answers[0]
    if channels == 1:
        kernel = kernel.sum(axis=0, keepdims=True)
    kernel = np.vstack([kernel, np.zeros((max(0, channels - 3), 3))])
    return [kernel.reshape(1, 1, channels, 3).astype("float32"), bias.astype("float32")]


def describe_base(model: keras.Model, spec: BaseSpec) -> dict[str, Any]:
    """What the launch form wants to know of the base of a model, as plain data.

    ``blocks`` are name, first layer, layers and parameters of each; ``pixels`` the side of its
    images, None for rows; ``own_head`` whether the last layer of a saved model is in it;
    ``scales`` whether it is known which pixels it was trained on; ``normalizes`` whether it has
    batch normalization.
    """
    base = model.get_layer(BASE)
    layers = _leaves(base)
    saved = not isinstance(spec, ApplicationSpec)
    last = base.layers[-1]
    return {
        "blocks": [
            {"name": block.name, "first": block.layers[0], "layers": len(block.layers),
             "parameters": block.parameters}
            for block in blocks_of(_rows(layers))
        ],
        "pixels": max(base.inputs[0].shape[1:3]) if len(base.inputs[0].shape) == 4 else None,
        "own_head": saved and getattr(last, "activation", None) is keras.activations.softmax,
        "scales": isinstance(spec, ApplicationSpec) or bool(spec.white or find_white(base)),
        "normalizes": any(isinstance(x, keras.layers.BatchNormalization) for x in layers),
    }  # fmt: skip


def blocks_to_train(model: keras.Model, from_layer: str = "") -> dict[str, list[keras.Layer]]:
    """The layers of the base that may train, by block from its end, down to a layer or block.

    "" is all of them. Raises SpecError for a layer that it does not have.
    """
    layers = _leaves(model.get_layer(BASE))
    rows = _rows(layers)
    first = find_layer(rows, from_layer) if from_layer else 0
    if first is None:
        names = [block.name for block in blocks_of(rows)] + [layer.name for layer in layers]
        raise SpecError(f"finetune.from_layer: {unknown('layer of the base', from_layer, names)}")
    parts = {
        block.name: layers[max(block.first, first) : block.first + len(block.layers)]
        for block in reversed(blocks_of(rows))
    }
    return {name: part for name, part in parts.items() if part}


def freeze(
    model: keras.Model, training: list[keras.Layer] | None = None, *, batch_norm: bool = False
) -> None:
    """Let these layers of the base train, and no other ones; batch normalization only if
    ``batch_norm`` says so. The flags are saved with the model, so it stays like that elsewhere."""
    base = model.get_layer(BASE)
    base.trainable = bool(training)
    chosen = {id(layer) for layer in training or ()}
    for layer in _leaves(base):
        normalizes = isinstance(layer, keras.layers.BatchNormalization)
        layer.trainable = id(layer) in chosen and (batch_norm or not normalizes)


def _rows(layers: Sequence[keras.Layer]) -> list[dict[str, Any]]:
    """The layers as blocks_of wants them."""
    return [
        {
            "name": layer.name,
            "type": type(layer).__name__,
            "parameters": layer.count_params() if layer.built else 0,
        }
        for layer in layers
    ]


def _leaves(model: keras.Model) -> list[keras.Layer]:
    """The layers of a model, those of models inside it in their place."""
    found: list[keras.Layer] = []
    for layer in model.layers:
        found += _leaves(layer) if isinstance(layer, keras.Model) else [layer]
    return found


def _make_base(spec: ApplicationSpec, side: int, *, sketched: bool) -> tuple[keras.Model, Size]:
    """The network and the shape of its images: where the spec leaves it open, what fits."""
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
        with fetching_weights("Or train with model.weights: random."):
            base = make(input_shape=(side, side, 3), **options)
    except ValueError as error:
        least = re.search(r"at least (\d+)", str(error))
        if least and not spec.size and int(least[1]) > side:
            return _make_base(spec, int(least[1]), sketched=sketched)
        said = " ".join(str(error).split())[:300]
        raise SpecError(
            f"model: {spec.application} cannot be made for images of {side}×{side}: {said}"
        ) from None
    if spec.weights == "random":
        _quicken(base)
    return base, (side, side, 3)


def _quicken(base: keras.Model) -> None:
    """Let the averages of a fresh network follow its batches within some dozens of them.

    With MobileNetV2's momentum of 0.999 they are after 460 steps still mostly what they began with
    (0.999^460 = 0.63), and validation is at chance for a network that has learned its samples.
    """
    for layer in _leaves(base):
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = min(layer.momentum, _FRESH_MOMENTUM)
