"""Which columns of a history are judged, and where they are broken."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.core.errors import HistoryError, unknown
from experiments.diagnosis.naming import TRAIN_EVAL, Pair, find_pairs, keras_names
from experiments.diagnosis.smoothing import Floats

HUGE = 1e100


class Curve(NamedTuple):
    """One column of a history: epoch labels and values, None of them left out.

    Values of higher-is-better metrics are turned into an error: 1 (or 100) minus the metric.
    """

    name: str
    epochs: NDArray[np.int64]
    values: Floats
    error_of: float | None = None

    @property
    def finite(self) -> NDArray[np.bool_]:
        return np.isfinite(self.values)

    @property
    def lowest_epoch(self) -> int | None:
        """The epoch with the lowest finite value; None without any."""
        if not self.finite.any():
            return None
        return int(self.epochs[np.argmin(np.where(self.finite, self.values, np.inf))])

    def until(self, epoch: int) -> "Curve":
        """The curve up to an epoch, that epoch included."""
        kept = self.epochs <= epoch
        return self._replace(epochs=self.epochs[kept], values=self.values[kept])


class Curves(NamedTuple):
    """The training and validation curves of what is monitored, and a training error rate."""

    train: Curve | None = None
    val: Curve | None = None
    train_error: Curve | None = None
    unit: str = "loss"

    def until(self, epoch: int) -> "Curves":
        """All curves up to an epoch, that epoch included."""
        train, val, error = (
            curve.until(epoch) if curve else None
            for curve in (self.train, self.val, self.train_error)
        )
        return Curves(train, val, error, self.unit)


def curves(history: pd.DataFrame, pair: Pair | None = None) -> Curves:
    """The curves of a pair of columns; by default of loss, or else of the first validated metric.

    Raises HistoryError where the history is no DataFrame of numbers or lacks a column named.
    """
    if not isinstance(history, pd.DataFrame):
        raise HistoryError(
            f"Received {type(history).__name__} as a history. It must be a DataFrame indexed by "
            "epoch; turn a Keras history dict into one with history_from_keras."
        )
    if not history.index.is_monotonic_increasing:
        history = history.sort_index(kind="stable")
    if not history.index.is_unique:
        history = history[~history.index.duplicated(keep="last")]
    history = history.set_axis([str(name) for name in history.columns], axis=1)
    pair = monitored(history) if pair is None else pair
    if pair is None:
        return Curves()
    for name in (pair.train, pair.val):
        if name is not None and name not in history.columns:
            raise HistoryError(unknown("column", name, history.columns))
    higher = pair.higher_is_better
    return Curves(
        _curve(history, pair.train, higher) if pair.train else None,
        _curve(history, pair.val, higher) if pair.val else None,
        None if higher else _training_error(history),
        f"error (1 − {pair.metric})" if higher else pair.metric,
    )


def monitored(history: pd.DataFrame) -> Pair | None:
    """The pair that is judged where none is named; measured columns before empty ones."""
    empty = {name for name in history.columns if not history[name].notna().any()}
    pairs = find_pairs(
        name for name in history.columns if not (name.startswith(TRAIN_EVAL) and name in empty)
    )
    if not pairs or pairs[0].metric == "loss":
        return pairs[0] if pairs else None
    return next((pair for pair in pairs if pair.val not in empty), pairs[0])


def _training_error(history: pd.DataFrame) -> Curve | None:
    """The training error rate, where there is an accuracy beside the loss."""
    renamed = keras_names(history.columns)
    for name in history.columns:
        metric = renamed.get(name, name)
        if "acc" in metric.lower() and not metric.startswith(("val_", TRAIN_EVAL)):
            return _curve(history, name, True)
    return None


def ends_broken(curve: Curve) -> bool:
    """Whether the curve ends in NaN or infinity, rather than between two measurements.

    With validation every n-th epoch, up to n - 1 rows at the end have no value; a NaN in the
    middle is a gap as well.
    """
    if len(curve.values) == 0 or curve.finite[-1]:
        return False
    if np.isinf(curve.values[-1]):
        return True
    at = curve.epochs[curve.finite]
    if len(at) == 0:
        return True
    # Where epochs 0, 10, 20 are measured the usual step is 10; a lone NaN does not raise it.
    usual = float(np.median(np.diff(at))) if len(at) > 1 else float(at[0] + 1)
    return bool(curve.epochs[-1] - at[-1] >= usual)


def _curve(history: pd.DataFrame, name: str, higher_is_better: bool) -> Curve:
    try:
        values = history[name].to_numpy(dtype=np.float64, na_value=np.nan)
        epochs = history.index.to_numpy().astype(np.int64)
    except (TypeError, ValueError) as problem:
        raise HistoryError(
            f"Column {name!r} of the history holds {history[name].dtype} values ({problem}). "
            "Columns must be numbers and the index whole epochs; convert them first."
        ) from problem
    # Squares of such numbers overflow, and no loss comes back from there to mean anything.
    values = np.where(np.abs(values) > HUGE, np.inf, values)
    if not higher_is_better:
        return Curve(name, epochs, values)
    finite = values[np.isfinite(values)]
    top = 100.0 if len(finite) and 1.5 < finite.max() <= 100 else 1.0
    return Curve(name, epochs, top - values, top)
