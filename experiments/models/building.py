"""From a spec to a Keras model: raw samples in, probabilities or the target's own units out."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
import psutil

from experiments.core.errors import SpecError
from experiments.core.keras_compat import calls_inside
from experiments.data.catalog import Kind, Task
from experiments.data.loading import Dataset
from experiments.data.samples import StoredSamples
from experiments.data.split.splits import Split
from experiments.models.architectures import Layers, Tensor, augment
from experiments.models.bases import extract, freeze, set_input_values
from experiments.models.row_encoding import encode_row
from experiments.spec.metrics import METRICS, Metric
from experiments.spec.model_specs import BaseSpec, SavedBaseSpec
from experiments.spec.optimizers import OPTIMIZERS
from experiments.spec.run_spec import RunSpec

_SURELY_FITS = 4096  # no layer wider than this: not worth counting
_TRAINING_BYTES = 16  # a float32 weight, its gradient, and the two slots of Adam


class _Statistics(NamedTuple):
    """What preprocessing takes from the training part: plain numbers, which .h5 can hold."""

    mean: list[float]
    variance: list[float]
    target_mean: float = 0.0
    target_std: float = 1.0


def build_model(spec: RunSpec, dataset: Dataset, split: Split) -> keras.Model:
    """The uncompiled functional model of a spec, its weights drawn with Keras' current seed.

    It takes raw samples, (batch, *info.shape) of any numeric type, and its first layer scales
    images to 0…1 or standardizes features by the training part's mean and variance. It gives
    probabilities, (batch, 1) or (batch, classes), or for regression (batch, 1) in the target's
    units. Raises SpecError for a model too deep for Keras to build.
    """
    model = _build(spec, _measure(dataset, split))
    if isinstance(spec.model, BaseSpec):
        set_input_values(model, spec.model)
        freeze(model)
    return model


def outline_spec(spec: RunSpec) -> list[dict[str, Any]]:
    """model_outline of the model of a spec, without allocating anything.

    So it also answers for a model that no memory could hold. Raises SpecError as build_model.
    """
    return model_outline(sketch_model(spec))


def sketch_model(spec: RunSpec) -> keras.Model:
    """The model of a spec with the names and shapes of its weights, but without any values."""
    features = spec.dataset.info.shape[-1]
    with keras.StatelessScope(initialize_variables=False):
        return _build(spec, _Statistics([0.0] * features, [1.0] * features), sketched=True)


def count_parameters(spec: RunSpec) -> int:
    """How many numbers the model of a spec has, trained or not; nothing is allocated."""
    return sum(row["parameters"] for row in outline_spec(spec))


def refuse_too_large(spec: RunSpec) -> None:
    """Raise SpecError for a model that cannot be trained in this machine's memory.

    TensorFlow would be ended by the system, or raise one of three errors, depending on the size.
    """
    if max(spec.model.widths, default=0) <= _SURELY_FITS:
        return
    parameters = count_parameters(spec)
    needed, total = parameters * _TRAINING_BYTES, psutil.virtual_memory().total
    if needed > total:
        raise SpecError(
            f"model: received a network of {parameters:,} parameters, which needs about "
            f"{needed / 1e9:,.0f} GB to train; this machine has {total / 1e9:,.0f} GB. "
            "Allowed: fewer or narrower layers."
        )


def compile_model(model: keras.Model, spec: RunSpec, learning_rate: float | None = None) -> None:
    """Give a model its optimizer, loss and metrics; histories carry the spec's own names.

    ``learning_rate`` is the spec's if left out.
    """
    training = spec.training
    optimizer = OPTIMIZERS[training.optimizer]
    options = {"learning_rate": learning_rate or training.learning_rate}
    if optimizer.takes_momentum:
        options["momentum"] = training.momentum
    model.compile(
        optimizer=getattr(keras.optimizers, optimizer.keras_class)(**options),
        loss=spec.loss,
        metrics=[_metric(METRICS[name]) for name in spec.metrics],
    )


def _metric(metric: Metric) -> str | keras.metrics.Metric:
    if not metric.keras_class:
        return metric.name
    made: type[keras.metrics.Metric] = getattr(keras.metrics, metric.keras_class)
    return made(**dict(metric.settings), name=metric.name)


def constant_loss(spec: RunSpec, y_train: np.ndarray) -> float:
    """The loss of the best constant prediction for the training targets, without regularization.

    A model that does not get below it has learned nothing from its inputs.
    """
    y = y_train.reshape(-1).astype(np.float64)
    match spec.loss:
        case "mean_squared_error":
            return float(y.var())
        case "mean_absolute_error":
            return float(np.abs(y - np.median(y)).mean())
        case "huber":
            error = np.abs(y - _root(lambda c: np.clip(y - c, -1, 1).mean(), y))
            return float(np.where(error <= 1, error**2 / 2, error - 0.5).mean())
        case "log_cosh":
            error = np.abs(y - _root(lambda c: np.tanh(y - c).mean(), y))
            return float((error + np.log1p(np.exp(-2 * error)) - math.log(2)).mean())
        case "binary_crossentropy" | "sparse_categorical_crossentropy":
            shares = np.unique(y, return_counts=True)[1] / len(y)
            return float(-(shares * np.log(shares)).sum()) + 0.0  # no -0.0 for a single class
    raise ValueError(f"No constant loss is known for {spec.loss!r}.")


def model_outline(model: keras.Model) -> list[dict[str, Any]]:
    """One row for each layer: name, type, output_shape (Keras' text), parameters, trainable,
    inbound (the names of the layers before it), and for a nested model its rows as ``inside``.

    An operation between two layers that is none itself, such as ``a + b``, is passed over. A layer
    that was never built has the output_shape ``?`` and 0 parameters.
    """
    inbound = _inbound(model)
    return [
        {
            "name": layer.name,
            "type": type(layer).__name__,
            "output_shape": _output_shape(layer),
            "parameters": layer.count_params() if layer.built else 0,
            "trainable": layer.trainable,
            "inbound": inbound.get(layer.name, []),
            **({"inside": model_outline(layer)} if isinstance(layer, keras.Model) else {}),
        }
        for layer in model.layers
    ]


def _output_shape(layer: keras.Layer) -> str:
    try:
        output = layer.output
    except (AttributeError, ValueError):
        return "?"
    shapes = [str(tensor.shape) for tensor in keras.tree.flatten(output)]
    return ", ".join(shapes)


def _inbound(model: keras.Model) -> dict[str, list[str]]:
    """The layers whose outputs each layer takes inside ``model``, by name and in their order."""
    names = [layer.name for layer in model.layers]
    kept = set(names)
    before: dict[str, list[str]] = {}
    # a layer that is called in several places has a call for each; only this model's count
    for call in calls_inside(model):
        sources = [source.name for source in call.sources]
        before.setdefault(call.operation.name, []).extend(sources)

    def layers_behind(name: str) -> list[str]:
        found = (
            [source] if source in kept else layers_behind(source) for source in before.get(name, [])
        )
        return list(dict.fromkeys(layer for group in found for layer in group))

    return {name: layers_behind(name) for name in names}


def _measure(dataset: Dataset, split: Split) -> _Statistics:
    statistics = _Statistics([], [])
    if isinstance(dataset.x, StoredSamples):
        if dataset.info.kind is Kind.TABULAR:
            statistics = _standard(*_moments(dataset.x, split.train))
    elif dataset.info.kind is Kind.TABULAR:
        x = dataset.x[split.train].astype(np.float64)
        if dataset.info.categories:  # users' rows may lack values
            x = np.ma.masked_invalid(x)
        statistics = _standard(np.ma.filled(x.mean(axis=0), 0.0), np.ma.filled(x.var(axis=0), 0.0))
    if dataset.info.task is Task.REGRESSION:
        y = dataset.y[split.train].astype(np.float64)
        statistics = statistics._replace(
            target_mean=float(y.mean()), target_std=float(y.std()) or 1.0
        )
    return statistics


def _standard(mean: np.ndarray, variance: np.ndarray) -> _Statistics:
    # A feature that is constant in training must not be divided by (nearly) zero in validation:
    # the square of float32's resolution is what counts as zero.
    variance = np.where(variance > 1e-15 * mean**2, variance, 1.0)
    return _Statistics(mean.tolist(), variance.tolist())


def _moments(x: StoredSamples, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of the features, (features,) each, of the values that are not missing;
    part by part (Chan, Golub and LeVeque 1979)."""
    count, mean, squares = (np.zeros(x.shape[1]) for _ in range(3))
    for part in x.parts(rows):
        there = np.isfinite(part)
        values = np.where(there, part, 0.0).astype(np.float64)
        n = there.sum(axis=0)
        own = values.sum(axis=0) / np.maximum(n, 1)
        off = (np.square(values - own) * there).sum(axis=0)
        both, apart = np.maximum(count + n, 1), own - mean
        squares += off + np.square(apart) * count * n / both
        mean += apart * n / both
        count += n
    return mean, squares / np.maximum(count, 1)


def _build(spec: RunSpec, statistics: _Statistics, *, sketched: bool = False) -> keras.Model:
    info = spec.dataset.info
    inputs = keras.Input(info.shape, name="samples")
    try:
        if info.kind is Kind.IMAGE:
            x = keras.layers.Rescaling(1 / info.white, name="preprocessing")(inputs)
        elif isinstance(spec.model, SavedBaseSpec):
            x = inputs  # it has scaling and encoding of its own
        elif info.categories:
            x = encode_row(inputs, info, statistics.mean, statistics.variance)
        else:
            x = keras.layers.Normalization(
                mean=statistics.mean, variance=statistics.variance, name="preprocessing"
            )(inputs)
        if spec.augmentation:
            x = augment(x, spec.augmentation, spec.seed)
        if isinstance(spec.model, BaseSpec):
            training = None if spec.finetune and spec.finetune.train_batch_norm else False
            x = extract(x, spec.model, sketched=sketched, training=training)
        layers = Layers(spec.model, spec.seed)
        outputs = _head(spec, layers, layers.body(x), statistics)
        return keras.Model(inputs, outputs, name=spec.model.name)
    except RecursionError:
        raise SpecError(
            f"model: received a {spec.model.name} too deep for Keras to build: its limit is about "
            "1,000 layers in a row. Allowed: fewer layers or blocks."
        ) from None


def _head(spec: RunSpec, layers: Layers, x: Tensor, statistics: _Statistics) -> Tensor:
    info = spec.dataset.info
    if info.task is Task.BINARY:
        return layers.dense(1, "head", activation="sigmoid")(x)
    if info.task is Task.MULTICLASS:
        return layers.dense(info.classes, "head", activation="softmax")(x)
    return keras.layers.Rescaling(
        statistics.target_std, offset=statistics.target_mean, name="target_units"
    )(layers.dense(1, "head")(x))


def _root(slope: Callable[[float], float], y: np.ndarray) -> float:
    """Where a falling function crosses zero between the smallest and the largest target."""
    low, high = float(y.min()), float(y.max())
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) > 0 else (low, middle)
    return (low + high) / 2
