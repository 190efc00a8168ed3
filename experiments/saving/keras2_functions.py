"""Functions that mean something else in Keras 3, as Keras 2 had them."""

from typing import Any

import keras

PACKAGE = "kerascope"


@keras.saving.register_keras_serializable(PACKAGE)
def hard_sigmoid_of_keras_2(x: Any) -> Any:
    """clip(0.2 x + 0.5, 0, 1); Keras 3 has clip(x / 6 + 0.5, 0, 1) under the name hard_sigmoid.

    See https://github.com/tensorflow/tensorflow/issues/65381.
    """
    return keras.ops.clip(0.2 * x + 0.5, 0.0, 1.0)
