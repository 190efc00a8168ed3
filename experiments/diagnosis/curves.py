"""Which columns of a history are judged, and where they are broken."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.diagnosis.smoothing import Floats
from experiments.errors import HistoryError

HIGHER_IS_BETTER = ("acc", "auc", "precision", "recall", "f1", "f_score", "fbeta", "r2", "iou")
HUGE = 1e100
NO_CURVES = ("learning_rate", "lr", "epoch_seconds", "epoch")


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


class Curves(NamedTuple):
    """The training and validation curves of what is monitored, and a training error rate."""

    train: Curve | None
    val: Curve | None
    train_error: Curve | None


def curves(history: pd.DataFrame) -> Curves:
    """The pair that is judged: loss and val_loss, or else the first metric with a val_ twin."""
    if not isinstance(history, pd.DataFrame):
        raise HistoryError(
            f"Received {type(history).__name__} as a history. It must be a DataFrame indexed by "
            "epoch; turn a Keras history dict into one with history_from_keras."
        )
    if not history.index.is_monotonic_increasing:
        history = history.sort_index(kind="stable")
    if not history.index.is_unique:
        history = history[~history.index.duplicated(keep="last")]
    names = [str(name) for name in history.columns if str(name) not in NO_CURVES]
    metric = monitored(history, names)
    if metric is None:
        return Curves(None, None, None)
    train_name = next(
        (n for n in (f"train_eval_{metric}", metric) if _has_numbers(history, n)), None
    )
    val_name = f"val_{metric}" if f"val_{metric}" in names else None
    rates = [n for n in names if "acc" in n and not n.startswith(("val_", "train_eval_"))]
    return Curves(
        _curve(history, train_name) if train_name else None,
        _curve(history, val_name) if val_name else None,
        _curve(history, rates[0]) if rates and not higher_is_better(metric) else None,
    )


def monitored(history: pd.DataFrame, names: list[str]) -> str | None:
    """`loss` when it is validated; else a validated metric, accuracy first; else any loss."""
    validated = [n.removeprefix("val_") for n in names if n.startswith("val_")]
    if "loss" in validated:
        return "loss"
    validated.sort(key=lambda n: (not _has_numbers(history, f"val_{n}"), "acc" not in n))
    if validated:
        return validated[0]
    if "loss" in names or "train_eval_loss" in names:
        return "loss"
    return names[0].removeprefix("train_eval_") if names else None


def higher_is_better(metric: str) -> bool:
    return any(part in metric.lower() for part in HIGHER_IS_BETTER)


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


def _has_numbers(history: pd.DataFrame, name: str) -> bool:
    return name in history.columns and bool(history[name].notna().any())


def _curve(history: pd.DataFrame, name: str) -> Curve:
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
    metric = name.removeprefix("val_").removeprefix("train_eval_")
    if not higher_is_better(metric):
        return Curve(name, epochs, values)
    finite = values[np.isfinite(values)]
    top = 100.0 if len(finite) and 1.5 < finite.max() <= 100 else 1.0
    return Curve(name, epochs, top - values, top)
