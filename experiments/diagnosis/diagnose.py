"""diagnose(): a history in, a Verdict out."""

from dataclasses import replace

import numpy as np
import pandas as pd

from experiments.diagnosis.curves import Curves, curves, higher_is_better
from experiments.diagnosis.rules import decide
from experiments.diagnosis.verdict import Label, Number, Verdict
from experiments.diagnosis.wording import advice, reason

# Accuracy is said to have risen when it rose by this much since the loss was best.
ACCURACY_RISE = 0.01


def diagnose(
    history: pd.DataFrame,
    *,
    constant_loss: float | None = None,
    validation_samples: int | None = None,
    epoch_seconds: float | None = None,
) -> Verdict:
    """What a history shows, why, and what to do.

    `history` is indexed by epoch with Keras column names; `train_eval_loss` is preferred to
    `loss` as the training curve. `constant_loss` is the loss of the best constant prediction
    (first training loss by default), `validation_samples` how many samples each validation loss
    is a mean of, `epoch_seconds` what an epoch takes. Raises HistoryError if it is no DataFrame
    of numbers; a short or broken history is no error but a verdict.
    """
    pair = curves(history)
    finding = decide(pair, constant_loss, validation_samples)
    best = _best_epoch(pair)
    last = _last_epoch(pair)
    wasted = 0
    if best is not None and finding.label not in (Label.still_improving, Label.cant_tell):
        wasted = last - best
    monitored = pair.val or pair.train
    named = {"rule": finding.rule, "monitored": monitored.name if monitored else None}
    numbers: dict[str, Number] = {**named, **finding.numbers}
    numbers |= _accuracy_rise(history, best)
    seconds = epoch_seconds if epoch_seconds is not None else _seconds(history)
    if seconds is not None:
        numbers["wasted_seconds"] = wasted * seconds
    finding = replace(finding, numbers=numbers)
    name = monitored.name.removeprefix("val_").removeprefix("train_eval_") if monitored else "loss"
    unit = f"error (1 − {name})" if higher_is_better(name) else name
    return Verdict(
        label=finding.label,
        best_epoch=best,
        onset_epoch=finding.onset_epoch,
        gap_at_best=_gap(pair, best),
        gap_at_end=_gap(pair, None),
        wasted_epochs=wasted,
        confidence=round(finding.confidence, 3),
        reason=reason(finding, unit),
        evidence=numbers,
        advice=advice(finding, best, more=max(5, (last + 1) // 4)),
    )


def _best_epoch(pair: Curves) -> int | None:
    for curve in (pair.val, pair.train):
        if curve is not None and curve.finite.any():
            return int(curve.epochs[np.argmin(np.where(curve.finite, curve.values, np.inf))])
    return None


def _last_epoch(pair: Curves) -> int:
    return max(
        (int(c.epochs[-1]) for c in (pair.train, pair.val) if c and len(c.epochs)), default=0
    )


def _gap(pair: Curves, epoch: int | None) -> float | None:
    """Validation minus training loss as measured at an epoch, or at the last that has both."""
    if pair.train is None or pair.val is None:
        return None
    both = pair.train.finite & pair.val.finite
    if epoch is not None:
        both &= pair.train.epochs == epoch
    at = np.flatnonzero(both)
    return float(pair.val.values[at[-1]] - pair.train.values[at[-1]]) if len(at) else None


def _accuracy_rise(history: pd.DataFrame, best: int | None) -> dict[str, Number]:
    """How far validation accuracy rose from the best epoch to the end, if it did."""
    names = [str(n) for n in history.columns if str(n).startswith("val_") and "acc" in str(n)]
    if not names or best is None:
        return {}
    accuracy = history[names[0]].sort_index().loc[best:].to_numpy(dtype=np.float64)
    accuracy = accuracy[np.isfinite(accuracy)]
    if len(accuracy) < 2:
        return {}
    rise = float(np.median(accuracy[-3:]) - accuracy[0])
    return {"val_accuracy_rise": rise} if rise >= ACCURACY_RISE else {}


def _seconds(history: pd.DataFrame) -> float | None:
    if "epoch_seconds" not in history.columns or not history["epoch_seconds"].notna().any():
        return None
    return float(history["epoch_seconds"].median())
