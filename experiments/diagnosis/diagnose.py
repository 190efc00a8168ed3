"""diagnose(): a history in, a Verdict out."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from experiments.diagnosis.curves import Curves, curves
from experiments.diagnosis.divergence import FEWEST_POINTS
from experiments.diagnosis.forecast import forecast
from experiments.diagnosis.gap_size import GapSize, gap_at
from experiments.diagnosis.naming import Pair
from experiments.diagnosis.rules import decide
from experiments.diagnosis.ruling import Ruling
from experiments.diagnosis.smoothing import Smooth, smooth
from experiments.diagnosis.verdict import Label, Number, Verdict
from experiments.diagnosis.wording import advice, gap_sentence, reason, waste

# Accuracy is said to have risen when it rose by this much since the loss was best.
ACCURACY_RISE = 0.01
# The lowest of many noisy values is lucky. Values within this part of it, and within this many
# standard deviations of the noise, are as low as it is; the level around them tells which is best.
EQUALLY_LOW = 0.0199
NOISE = 2.0
# The lowest value is taken as it is unless the level around it is this many standard deviations
# of the noise above that around another.
LUCKY = 2.0
# How much an epoch's own value counts beside the level around it.
OWN_WEIGHT = 0.1


def diagnose(
    history: pd.DataFrame,
    *,
    pair: Pair | None = None,
    constant_loss: float | None = None,
    validation_samples: int | None = None,
    epoch_seconds: float | None = None,
    split_faults: Sequence[str] = (),
) -> Verdict:
    """What a history shows, why, and what to do.

    `history` is indexed by epoch, or by step if that is the index's name; `pair` names the columns
    to judge (one of `find_pairs`, or made by hand), by default `val_loss` with `train_eval_loss`
    or `loss`. `constant_loss` is the loss of the best constant prediction (first training loss by
    default), `validation_samples` how many samples each validation loss is a mean of,
    `epoch_seconds` what an epoch takes (by default the column of that name). `split_faults` are
    sentences on what makes the validation samples worthless, such as that all are of one class:
    then nothing good is said of a model. Raises HistoryError if it is no DataFrame of numbers or
    lacks a column of the pair; a short or broken history is no error but a verdict.
    """
    judged = curves(history, pair)
    ruling = decide(judged, constant_loss, validation_samples)
    if split_faults and ruling.label not in _SEEN_ALL_THE_SAME:
        ruling = Ruling(Label.cant_tell, "validation_worthless", 0.9, ruling.numbers)
    best = _best_epoch(judged, ruling.smoothed_val)
    last = _last_epoch(judged)
    wasted = 0
    if best is not None and ruling.label in _PAST_THE_BEST:
        wasted = last - best
    saved = judged.val.lowest_epoch if judged.val else None
    at_best, at_end = gap_at(judged, history, saved), gap_at(judged, history, None)
    numbers = _evidence(judged, ruling, history, best)
    seconds = _seconds_after(history, best, epoch_seconds) if wasted else 0.0
    if seconds is not None:
        numbers["wasted_seconds"] = seconds
    if validation_samples:
        numbers["validation_samples"] = validation_samples
    recent = numbers.get("recent_fall")
    more = forecast(ruling.label, recent if isinstance(recent, float) else None)
    ruling = replace(ruling, numbers=numbers)
    large = at_best is not None and at_best.is_large
    axis = "step" if history.index.name == "step" else "epoch"
    return Verdict(
        label=ruling.label,
        best_epoch=best,
        onset_epoch=ruling.onset_epoch,
        gap_at_best=at_best.gap if at_best else None,
        gap_at_end=at_end.gap if at_end else None,
        gap_error=at_best.error if at_best else None,
        gap_is_large=large,
        wasted_epochs=wasted,
        wasted_seconds=seconds,
        confidence=round(ruling.confidence, 3),
        chance_of_lower=more.chance if more else None,
        reason=_by(axis, _reason(ruling, judged, at_best, wasted, seconds, split_faults)),
        evidence=numbers,
        advice=_by(axis, advice(ruling, best, max(5, (last + 1) // 4), more, large)),
    )


# Worthless validation samples don't hide these, and epochs after the best one are wasted in some.
_SEEN_ALL_THE_SAME = (Label.overfitting, Label.unstable, Label.diverged)
_PAST_THE_BEST = (Label.overfitting, Label.underfitting, Label.good_fit, Label.diverged)


def _by(axis: str, text: str) -> str:
    """A text about epochs as one about what the history counts."""
    return text if axis == "epoch" else text.replace("epoch", axis)


def _evidence(
    judged: Curves, ruling: Ruling, history: pd.DataFrame, best: int | None
) -> dict[str, Number]:
    monitored = judged.val or judged.train
    named: dict[str, Number] = {
        "rule": ruling.rule, "monitored": monitored.name if monitored else None,
    }  # fmt: skip
    return {**named, **ruling.numbers, **_accuracy_rise(history, best)}


def _reason(
    ruling: Ruling,
    judged: Curves,
    gap: GapSize | None,
    wasted: int,
    seconds: float | None,
    split_faults: Sequence[str],
) -> str:
    said = [reason(ruling, judged.unit), waste(ruling.label, wasted, seconds)]
    if gap and gap.is_large and ruling.label not in (Label.overfitting, Label.diverged):
        said.append(gap_sentence(gap, judged.unit))
    said += split_faults
    return " ".join(sentence for sentence in said if sentence)


def _best_epoch(pair: Curves, smoothed: Smooth | None) -> int | None:
    """The epoch with the lowest level among those as low as the lowest value, within the noise."""
    curve = next((c for c in (pair.val, pair.train) if c and c.finite.any()), None)
    if curve is None:
        return None
    epochs, values = curve.epochs[curve.finite], curve.values[curve.finite]
    lowest = float(values.min())
    if len(values) < FEWEST_POINTS:
        return int(epochs[np.argmin(values)])
    smoothed = smoothed or smooth(epochs.astype(np.float64), values)
    tolerance = min(EQUALLY_LOW * abs(lowest), NOISE * smoothed.noise)
    low = np.flatnonzero(values <= lowest + tolerance)
    level = np.interp(epochs[low], smoothed.epochs, smoothed.level)
    lucky = float(level[np.argmin(values[low])] - level.min()) > LUCKY * smoothed.noise
    if not lucky:
        return int(epochs[np.argmin(values)])
    # The level alone would prefer either side of a narrow valley; the value decides near ties.
    return int(epochs[low[np.argmin(level + OWN_WEIGHT * (values[low] - level))]])


def _last_epoch(pair: Curves) -> int:
    return max(
        (int(c.epochs[-1]) for c in (pair.train, pair.val) if c and len(c.epochs)), default=0
    )


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


def _seconds_after(
    history: pd.DataFrame, best: int | None, epoch_seconds: float | None
) -> float | None:
    """Seconds spent in the epochs after the best one; an epoch not timed took the usual time."""
    after = history.index > best
    if epoch_seconds is not None:
        return float(after.sum() * epoch_seconds)
    if "epoch_seconds" not in history.columns or not history["epoch_seconds"].notna().any():
        return None
    seconds = history["epoch_seconds"]
    return float(seconds.fillna(seconds.median())[after].sum())
