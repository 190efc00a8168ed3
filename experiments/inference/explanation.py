"""Where a model of images looks: heat maps of one sample, for the classes that one asks about."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from experiments.core.errors import DatasetError, InputError, unknown
from experiments.core.keras_compat import Call, calls_inside
from experiments.data.catalog import Kind, Source, Task
from experiments.data.loading import on_this_machine
from experiments.data.stored import is_known
from experiments.inference.loaded_models import LoadedRun, load_run
from experiments.models.bases import INPUT
from experiments.tracking.run_specs import get_spec
from experiments.tracking.store import Store

HEAD = "head"
#: How gradients become heat: averaged over the places of each map, or place by place.
METHODS = ("Grad-CAM", "HiResCAM")

_MOST_ROWS = 48
_CONVOLUTIONS = (
    keras.layers.Conv2D,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv2D,
    keras.layers.Conv2DTranspose,
)
#: Layers after which the places of the maps before are still those; padding would move them.
_POOLING = (
    keras.layers.ZeroPadding2D,
    keras.layers.MaxPooling2D,
    keras.layers.AveragePooling2D,
    keras.layers.GlobalAveragePooling2D,
    keras.layers.GlobalMaxPooling2D,
    keras.layers.Dropout,
    keras.layers.SpatialDropout2D,
)


class Maps(NamedTuple):
    """The feature maps that heat is made of: ``path`` names their layer, the models around it
    first; ``forward`` takes (n, *sample) float32 to the maps (n, h, w, k) and the input of the
    head (n, features)."""

    path: tuple[str, ...]
    forward: Callable[[Any], tuple[Any, Any]]


def load_classifier(store: Store, run_id: str) -> LoadedRun:
    """The model of a run that classifies, with its data; nothing is downloaded for it.

    Raises InputError for a regression, DatasetError where the data is not on this machine, and
    ArtifactError for a run without a model.
    """
    spec = get_spec(store, run_id)
    if is_known(spec.dataset.name):
        info = spec.dataset.info
        if info.task is Task.REGRESSION:
            raise InputError(
                "The run predicts values, but this view is for classes. Choose a run that "
                "classifies."
            )
        if info.source is Source.DOWNLOAD and not on_this_machine(info):
            raise DatasetError(
                f"The samples of {info.name} are not on this machine. Open the dataset on the "
                "Data page, or train on it once, and they will be."
            )
    return load_run(store, run_id)


def read_samples(store: Store, run_id: str, rows: Sequence[int]) -> dict[str, Any]:
    """Samples of the run's dataset by row, at most 48: ``inputs`` as nested lists, with the
    ``feature_names`` and the ``categories`` of rows of a table."""
    loaded = load_classifier(store, run_id)
    info = loaded.dataset.info
    return {
        "inputs": _samples(loaded, rows[:_MOST_ROWS]).tolist(),
        "feature_names": list(loaded.dataset.feature_names),
        "categories": [list(some) for some in info.categories] if any(info.categories) else [],
    }


def explain(
    store: Store,
    run_id: str,
    row: int,
    classes: Sequence[int] | None = None,
    method: str = "Grad-CAM",
) -> dict[str, Any]:
    """Heat maps of one image of the run's dataset, for its answer and its truth if None.

    ``heats`` has for each class its number, its ``score`` before softmax and its ``heat``, nested
    lists (h, w) that are nowhere below 0; ``layer`` is whose maps they are made of. Raises
    InputError for a model that has no convolution, and for a row or class that there is not.
    """
    loaded = load_classifier(store, run_id)
    if loaded.dataset.info.kind is not Kind.IMAGE:
        raise InputError("Heat maps lie over images, and the run's samples are rows of a table.")
    sample = _samples(loaded, [row])
    scores = class_scores(loaded.model, sample)[0]
    answer, truth = int(scores.argmax()), int(loaded.dataset.y[row].item())
    wanted = list(dict.fromkeys([answer, truth] if classes is None else classes))
    for number in wanted:
        if not 0 <= number < len(scores):
            raise InputError(f"Received class {number}. Allowed: 0 to {len(scores) - 1}.")
    path, heats = heat_maps(loaded.model, sample, wanted, method)
    return {
        "input": sample[0].tolist(),
        "answer": answer,
        "truth": truth,
        "layer": " / ".join(path),
        "heats": [
            {"class": number, "score": float(scores[number]), "heat": heat.tolist()}
            for number, heat in zip(wanted, heats, strict=True)
        ],
    }


def heat_maps(
    model: keras.Model, sample: np.ndarray, classes: Sequence[int], method: str = "Grad-CAM"
) -> tuple[tuple[str, ...], np.ndarray]:
    """The layer that was looked at, and heat (len(classes), h, w) for a sample (1, h, w, c).

    Grad-CAM (Selvaraju et al. 2017): each map counts by the mean over its places of the gradient
    of the class's score before softmax, and what speaks against the class is cut off. HiResCAM
    (Draelos and Carin 2020) multiplies map and gradient place by place.
    """
    if method not in METHODS:
        raise InputError(unknown("method", method, METHODS))
    maps = find_maps(model)
    with tf.GradientTape(persistent=True) as tape:
        x = tf.constant(sample, tf.float32)
        tape.watch(x)  # a frozen base has nothing else that the tape would follow
        activations, features = maps.forward(x)
        scores = [_score(model, features, number) for number in classes]
    heats = []
    for score in scores:
        gradient = tape.gradient(score, activations)
        if gradient is None:
            raise InputError("The score of a class does not depend on the maps of the model.")
        if method == "Grad-CAM":
            gradient = tf.reduce_mean(gradient, axis=(1, 2), keepdims=True)
        heats.append(tf.nn.relu(tf.reduce_sum(gradient * activations, axis=-1))[0].numpy())
    heat = np.stack(heats)
    if not np.isfinite(heat).all():
        raise InputError("The model gives NaN or infinity for this sample: it has diverged.")
    return maps.path, heat


def class_scores(model: keras.Model, x: np.ndarray) -> np.ndarray:
    """The scores of all classes before softmax, (n, classes); a single output is the score of the
    second class, and its negative is that of the first."""
    features = keras.Model(model.inputs[0], model.get_layer(HEAD).input)(x, training=False)
    scores = np.asarray(_scores(model, features))
    return np.hstack([-scores, scores]) if scores.shape[1] == 1 else scores


def find_maps(model: keras.Model) -> Maps:
    """The last maps of a model before its head; pooling that follows them is passed over.

    Maps of a single cell tell of no place, so finer ones before them are taken. Where only the base
    has maps, those inside it. Raises InputError for a model without a convolution.
    """
    path = _find(model, 2) or _find(model, 1)
    if path is None:
        raise InputError(
            f"The model ({model.name}) has no convolution, so there are no maps of the image to "
            "look at. Heat maps are for cnn, resnet and pretrained networks."
        )
    names = tuple(layer.name for layer in path)
    return Maps(names, _forward(model, path, model.get_layer(HEAD).input))


def _find(model: keras.Model, least: int) -> list[keras.Layer] | None:
    """The layer that gives the last maps of so many cells a side, the models around it first."""
    if not _convolves(model):
        return None
    for layer in reversed(model.layers):
        if isinstance(layer, keras.Model):
            pooled = isinstance(layer.layers[-1], _POOLING)
            if not pooled and _cells(layer.outputs[0]) >= least:
                return [layer]
            if inside := _find(layer, least):
                return [layer, *inside]
        elif not isinstance(layer, _POOLING) and _cells(layer.output) >= least:
            return [layer]
    return None


def _cells(tensor: Any) -> int:
    """The shorter side of maps; 0 for what are none. A side that is left open counts as long."""
    shape = getattr(tensor, "shape", ())
    return min(side or 1000 for side in shape[1:3]) if len(shape) == 4 else 0


def _convolves(model: keras.Model) -> bool:
    """Whether there is a convolution that sees more than the values of a pixel were adapted by."""
    return any(
        _convolves(layer)
        if isinstance(layer, keras.Model)
        else isinstance(layer, _CONVOLUTIONS) and layer.name != INPUT
        for layer in model.layers
    )


def _forward(
    model: keras.Model, path: list[keras.Layer], end: Any
) -> Callable[[Any], tuple[Any, Any]]:
    """From the input of a model to the maps of a path and the tensor ``end``, in inference mode."""
    layer, *inner = path
    call = _call_of(model, layer)
    if not inner:
        whole = keras.Model(model.inputs[0], [call.outputs[0], end])
        return lambda x: tuple(whole(x, training=False))
    before = keras.Model(model.inputs[0], call.inputs[0])
    inside = _forward(layer, inner, layer.outputs[0])
    after = keras.Model(call.outputs[0], end)

    def forward(x: Any) -> tuple[Any, Any]:
        maps, out = inside(before(x, training=False))
        return maps, after(out, training=False)

    return forward


def _call_of(model: keras.Model, layer: keras.Layer) -> Call:
    return next(call for call in calls_inside(model) if call.operation is layer)


def _score(model: keras.Model, features: Any, number: int) -> Any:
    scores = _scores(model, features)
    if scores.shape[1] == 1:
        return scores[0, 0] if number == 1 else -scores[0, 0]
    return scores[0, number]


def _scores(model: keras.Model, features: Any) -> Any:
    head = model.get_layer(HEAD)
    return keras.ops.matmul(features, head.kernel) + head.bias


def _samples(loaded: LoadedRun, rows: Sequence[int]) -> np.ndarray:
    total = len(loaded.dataset.x)
    for row in rows:
        if not 0 <= row < total:
            raise InputError(f"Received sample {row}. Allowed: 0 to {total - 1:,}.")
    return np.asarray(loaded.dataset.x[np.asarray(rows, dtype=int)])
