"""Whether a training went off: NaN, infinity, or losses well above where they began."""

import numpy as np

from experiments.diagnosis.curves import Curve, ends_broken
from experiments.diagnosis.ruling import Ruling, sure
from experiments.diagnosis.verdict import Label, Number

# Fewer values than this show no trend.
FEWEST_POINTS = 5
# Diverged: this far above the start, relative to it, or this many constant predictors.
BLOWN_UP = 0.5
CONSTANTS = 2.0
# One last epoch that is this much above the start is more than a spike.
EXPLODED = 100.0
# Training gave back this part of what it had learned.
GAVE_BACK = 0.5


def diverged(train: Curve | None, val: Curve | None, constant: float | None) -> Ruling | None:
    for curve in (train, val):
        never = curve is val and val is not None and not val.finite.any()
        if curve is None or not ends_broken(curve) or (never and train is not None):
            continue
        at = curve.epochs[curve.finite]
        first = int(curve.epochs[curve.epochs > at[-1]][0]) if len(at) else int(curve.epochs[0])
        numbers: dict[str, Number] = {"curve": curve.name, "broken_from_epoch": first}
        return Ruling(Label.diverged, "not_a_number", 0.99, numbers)
    curve = train or val
    if curve is None or curve.finite.sum() < 2:
        return None
    return _blown_up(curve, constant, val if train is not None else None)


def _blown_up(curve: Curve, constant: float | None, other: Curve | None) -> Ruling | None:
    """Judged on the training loss: a validation loss may rise above its start by overfitting."""
    y = curve.values[curve.finite]
    start, last = float(y[0]), float(y[-1])
    end = float(np.median(y[-3:])) if len(y) > 3 else last
    best = float(y.min())
    reference = max(abs(start), start - best)
    numbers: dict[str, Number] = {"curve": curve.name, "start": start, "end": end}
    if last - start > EXPLODED * reference or _shoots_up(y, start, reference, other):
        return Ruling(Label.diverged, "exploded", 0.95, numbers | {"end": last})
    noise = _scatter(y)
    may_overfit = curve.name.startswith("val_")
    rise = end - start
    blown_up = rise > BLOWN_UP * reference and rise > 4 * noise
    if may_overfit and start - best > 0.2 * reference and rise < 9 * reference:
        return None
    if blown_up:
        return Ruling(Label.diverged, "above_start", sure(rise / reference / BLOWN_UP - 1), numbers)
    if constant is not None and end > CONSTANTS * constant > 0 and end > start / 2:
        numbers["constant_loss"] = constant
        return Ruling(Label.diverged, "above_constant_predictor", 0.85, numbers)
    lowest = float(np.min(np.convolve(y, np.ones(3) / 3, "valid"))) if len(y) > 3 else best
    learned = start - lowest
    # All of the last three values are asked, so that one bad last moment is not meant.
    if not may_overfit and len(y) >= FEWEST_POINTS and learned > max(6 * noise, 0.1 * reference):
        returned = (float(np.min(y[-3:])) - lowest) / learned
        if returned > GAVE_BACK:
            numbers |= {"lowest": lowest, "given_back": returned}
            return Ruling(Label.diverged, "gave_back", sure(returned - GAVE_BACK), numbers)
    return None


def _shoots_up(y: np.ndarray, start: float, reference: float, other: Curve | None) -> bool:
    """The last value is twice the start and no mere spike: it was climbing, or both curves do."""
    if len(y) < 3 or y[-1] - start < reference:
        return False
    if y[-1] > y[-2] and y[-2] - y[-3] > 0.1 * reference:
        return True
    if other is None or not other.finite.any():
        return False
    values = other.values[other.finite]
    return bool(other.finite[-1] and values[-1] - values[0] > max(abs(values[0]), reference))


def _scatter(y: np.ndarray) -> float:
    """Noise of single values from second differences, for curves too broken to be smoothed."""
    if len(y) < 5:
        return 0.0
    return 1.4826 * float(np.median(np.abs(np.diff(y, 2)))) / 6**0.5
