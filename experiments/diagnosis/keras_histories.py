"""A Keras history dict, of ours or from elsewhere, as the DataFrame that diagnose() takes."""

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.core.errors import HistoryError
from experiments.diagnosis.naming import keras_names

ALLOWED = (
    'It must be what model.fit() returns as .history: {"loss": [0.9, 0.7], "val_loss": [1.0, 0.8]},'
    " one list of numbers per metric; null or NaN stands for a broken value."
)


def history_from_keras(mapping: Mapping[str, object]) -> pd.DataFrame:
    """DataFrame indexed by epoch, one column per metric under its Keras name.

    `train_loss`, `training_loss` and `train/loss` become `loss`; `validation_loss`, `eval/loss`
    and the like become `val_loss`. A list n times shorter than the longest was measured every
    n-th epoch, as with `validation_freq=n`, and gets epochs n-1, 2n-1, ...; one that is a single
    value short is of a run that was stopped in the middle of its last epoch. `epoch`, if there,
    labels the epochs; they count from 0 otherwise. Raises HistoryError for what is no history.
    """
    if not isinstance(mapping, Mapping):
        raise HistoryError(f"Received {_described(mapping)} as a history. {ALLOWED}")
    if isinstance(mapping.get("history"), Mapping):
        raise HistoryError(
            f"Received a dict with a nested 'history'. {ALLOWED} Use what is under 'history'."
        )
    columns: dict[str, NDArray[np.float64]] = {}
    renamed = keras_names(str(key) for key in mapping)
    for key, values in mapping.items():
        columns[renamed.get(str(key), str(key))] = _numbers(key, values)
    labels = next((columns.pop(name) for name in ("epoch", "epochs") if name in columns), None)
    epochs = max((len(values) for values in columns.values()), default=0)
    if epochs == 0:
        raise HistoryError(f"Received {_described(mapping)} without any epoch. {ALLOWED}")
    index = pd.Index(_labels(labels, epochs), name="epoch")
    history = pd.DataFrame(
        {name: _placed(name, values, epochs) for name, values in columns.items()}, index=index
    )
    return _without_half_epoch(history, {len(values) for values in columns.values()})


def _numbers(key: object, values: object) -> NDArray[np.float64]:
    if not isinstance(values, list | tuple | np.ndarray | pd.Series):
        raise HistoryError(f"Received {_described(values)} under {key!r}. {ALLOWED}")
    return np.array([_number(key, value) for value in values], dtype=np.float64)


def _number(key: object, value: object) -> float:
    if value is None:
        return math.nan
    if not isinstance(value, bool | list | tuple | dict | np.ndarray):
        try:
            # Text too: "NaN" and "Infinity" is how some tools write what JSON cannot.
            return float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            pass
    raise HistoryError(
        f"Received {_described(value)} as a value of {key!r}. {ALLOWED} "
        f"Convert {key!r} to plain numbers, or leave it out."
    )


def _labels(labels: NDArray[np.float64] | None, epochs: int) -> NDArray[np.int64]:
    if labels is None:
        return np.arange(epochs)
    whole = np.isfinite(labels).all() and np.array_equal(labels, np.round(labels))
    if len(labels) != epochs or not whole or np.any(np.diff(labels) <= 0):
        raise HistoryError(
            f"Received {len(labels)} values under 'epoch' for {epochs} epochs. They must be "
            "increasing whole numbers, one per epoch; correct them, or leave 'epoch' out."
        )
    return labels.astype(np.int64)


def _placed(name: str, values: NDArray[np.float64], epochs: int) -> NDArray[np.float64]:
    """A list as long as the run, with NaN where nothing was measured."""
    count = len(values)
    placed = np.full(epochs, np.nan)
    every = epochs // count if count else 0
    if count == epochs:
        return values
    if count == 0:
        return placed
    if every >= 2 and epochs // every == count:
        placed[every - 1 :: every] = values
    elif count == epochs - 1:
        placed[:count] = values
    elif -(-epochs // (every + 1)) == count:
        placed[:: every + 1] = values
    else:
        raise HistoryError(
            f"Received {count} values of {name!r} and {epochs} epochs. A list must have one value "
            "per epoch or one every n-th epoch; fill the epochs that were not measured with null."
        )
    return placed


def _without_half_epoch(history: pd.DataFrame, lengths: set[int]) -> pd.DataFrame:
    """Drop a last epoch that was never validated, lest its missing value look like a NaN loss."""
    epochs = len(history)
    if epochs <= 2 or epochs - 1 not in lengths:
        return history
    last = history.iloc[-1]
    complete = history.columns[history.iloc[-2].notna()]
    half = last[complete].isna().any() and last.notna().any() and not np.isinf(last).any()
    return history.iloc[:-1] if half else history


def _described(value: object) -> str:
    if isinstance(value, Mapping):
        return f"a dict with {len(value)} keys" if value else "an empty dict"
    if isinstance(value, str):
        return f"the text {value[:40]!r}"
    if isinstance(value, bool | int | float | None):
        return f"{value!r}"
    return f"a {type(value).__name__}"
