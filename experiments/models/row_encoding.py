"""The layers that take a raw row of a stored table: numbers, categories, and missing values.

They are stock layers, so that the saved .h5 opens without this project; Keras' operations on
tensors do not load from .h5 (checked up to 3.15.1).
"""

import keras

from experiments.data.catalog import DatasetInfo
from experiments.models.architectures import Tensor

#: hard_shrink makes 0 of NaN, and of what lies within 0.5 of 0: of nothing after this factor.
_AWAY_FROM_ZERO = 1e6


def encode_row(
    inputs: Tensor, info: DatasetInfo, mean: list[float], variance: list[float]
) -> Tensor:
    """A row of features, (batch, features), as numbers that a network can take.

    Numbers are standardized by ``mean`` and ``variance``, a missing one (NaN) becomes the mean. A
    category, given by its number, becomes one-hot; missing and unknown ones share a column.
    """
    features = info.shape[0]
    parts: dict[int, Tensor] = {}
    for first, last in info.number_columns:
        taken = _columns(inputs, features, first, last)
        parts[first] = _standardize(taken, first, mean[first:last], variance[first:last])
    for i, categories in enumerate(info.categories):
        if categories:
            lookup = keras.layers.IntegerLookup(
                vocabulary=list(range(len(categories))), output_mode="one_hot", name=f"one_hot_{i}"
            )
            parts[i] = lookup(_columns(inputs, features, i, i + 1))
    row = [parts[i] for i in sorted(parts)]
    return row[0] if len(row) == 1 else keras.layers.Concatenate(name="row")(row)


def _standardize(x: Tensor, first: int, mean: list[float], variance: list[float]) -> Tensor:
    x = keras.layers.Normalization(mean=mean, variance=variance, name=f"preprocessing_{first}")(x)
    x = keras.layers.Rescaling(_AWAY_FROM_ZERO, name=f"away_from_zero_{first}")(x)
    x = keras.layers.Activation("hard_shrink", name=f"missing_to_mean_{first}")(x)
    return keras.layers.Rescaling(1 / _AWAY_FROM_ZERO, name=f"back_to_scale_{first}")(x)


def _columns(inputs: Tensor, features: int, first: int, last: int) -> Tensor:
    if last - first == features:
        return inputs
    column = keras.layers.Reshape((features, 1), name=f"as_columns_{first}")(inputs)
    column = keras.layers.Cropping1D((first, features - last), name=f"columns_{first}")(column)
    return keras.layers.Reshape((last - first,), name=f"as_row_{first}")(column)
