"""From measured curves to a label. Every threshold is here, with what it stands for."""

from dataclasses import dataclass, field

import numpy as np

from experiments.diagnosis.curves import Curve, Curves, ends_broken
from experiments.diagnosis.measures import Fall, Level, fall_at_end, level, medians_rise
from experiments.diagnosis.verdict import Label, Number

# Fewer validation losses than this show no trend.
FEWEST_POINTS = 5
# Overfitting: the end lies this far above the minimum, relative to the minimum, ...
RISE = 0.10
# ... and this many of its standard errors above zero; the minimum was chosen among many values.
RISE_ERRORS = 3.0
# Relative to what was learned at all, a rise below this is not worth a word.
RISE_OF_PROGRESS = 0.001
# A rise that could as well be half of the loss or nothing at all.
UNCERTAIN = 0.5
# Underfitting: the training loss covered less than this part of the way it could go.
LEARNED = 0.5
# A run that is still falling is given the benefit of the doubt down to this part.
LEARNED_WHILE_FALLING = 0.25
# A training error rate that is still this part of the first one was never left.
STUCK = 0.95
# Still improving: another quarter of the epochs, at the speed of the end, would add this part of
# what was gained so far; a straight line adds 0.25, exp(-3t) 0.06, exp(-4t) 0.03.
FALLING = 0.035
FALLING_ERRORS = 2.5
# Diverged: this far above the start, relative to it, or this many constant predictors.
BLOWN_UP = 0.5
CONSTANTS = 2.0
# One last epoch that is this much above the start is more than a spike.
EXPLODED = 100.0
# Training gave back this part of what it had learned.
GAVE_BACK = 0.5


@dataclass
class Finding:
    """A label with the name of the rule that fired and its numbers."""

    label: Label
    rule: str
    confidence: float
    numbers: dict[str, Number] = field(default_factory=dict)
    onset_epoch: int | None = None


def decide(pair: Curves, constant_loss: float | None, validation_samples: int | None) -> Finding:
    """The first of the rules that fires, from the gravest to the best."""
    train, val = pair.train, pair.val
    found = _diverged(train, val, constant_loss)
    if found:
        return found
    if val is None:
        return Finding(Label.cant_tell, "no_validation", 0.95)
    points = int(val.finite.sum())
    if points == 0:
        return Finding(Label.cant_tell, "validation_never_a_number", 0.95)
    if points < FEWEST_POINTS:
        return Finding(Label.cant_tell, "too_few_epochs", 0.95, {"validation_points": points})
    val_level = level(val)
    train_level = level(train) if train and train.finite.sum() >= FEWEST_POINTS else None
    numbers = _numbers(val_level, train_level)
    found = _overfitting(val, val_level, train_level, validation_samples, numbers)
    if found:
        return found
    return _fit(pair, val_level, train_level, constant_loss, numbers)


def _diverged(train: Curve | None, val: Curve | None, constant: float | None) -> Finding | None:
    for curve in (train, val):
        never = curve is val and val is not None and not val.finite.any()
        if curve is None or not ends_broken(curve) or (never and train is not None):
            continue
        at = curve.epochs[curve.finite]
        first = int(curve.epochs[curve.epochs > at[-1]][0]) if len(at) else int(curve.epochs[0])
        numbers: dict[str, Number] = {"curve": curve.name, "broken_from_epoch": first}
        return Finding(Label.diverged, "not_a_number", 0.99, numbers)
    curve = train or val
    if curve is None or curve.finite.sum() < 2:
        return None
    return _blown_up(curve, constant, val if train is not None else None)


def _blown_up(curve: Curve, constant: float | None, other: Curve | None) -> Finding | None:
    """Judged on the training loss: a validation loss may rise above its start by overfitting."""
    y = curve.values[curve.finite]
    start, last = float(y[0]), float(y[-1])
    end = float(np.median(y[-3:])) if len(y) > 3 else last
    best = float(y.min())
    reference = max(abs(start), start - best)
    numbers: dict[str, Number] = {"curve": curve.name, "start": start, "end": end}
    if last - start > EXPLODED * reference or _shoots_up(y, start, reference, other):
        return Finding(Label.diverged, "exploded", 0.95, numbers | {"end": last})
    noise = _scatter(y)
    may_overfit = curve.name.startswith("val_")
    rise = end - start
    blown_up = rise > BLOWN_UP * reference and rise > 4 * noise
    if may_overfit and start - best > 0.2 * reference and rise < 9 * reference:
        return None
    if blown_up:
        return Finding(
            Label.diverged, "above_start", _sure(rise / reference / BLOWN_UP - 1), numbers
        )
    if constant is not None and end > CONSTANTS * constant > 0 and end > start / 2:
        numbers["constant_loss"] = constant
        return Finding(Label.diverged, "above_constant_predictor", 0.85, numbers)
    lowest = float(np.min(np.convolve(y, np.ones(3) / 3, "valid"))) if len(y) > 3 else best
    learned = start - lowest
    # All of the last three values are asked, so that one bad last moment is not meant.
    if not may_overfit and len(y) >= FEWEST_POINTS and learned > max(6 * noise, 0.1 * reference):
        returned = (float(np.min(y[-3:])) - lowest) / learned
        if returned > GAVE_BACK:
            numbers |= {"lowest": lowest, "given_back": returned}
            return Finding(Label.diverged, "gave_back", _sure(returned - GAVE_BACK), numbers)
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


def _overfitting(
    val: Curve,
    val_level: Level,
    train: Level | None,
    validation_samples: int | None,
    numbers: dict[str, Number],
) -> Finding | None:
    gained = max(val_level.start - val_level.lowest, 0.0)
    lowest = val_level.lowest
    reference = max(lowest, RISE_OF_PROGRESS / RISE * gained) if lowest > 0 else 0.0
    reference = reference or max(gained, abs(lowest)) or 1.0
    rise = val_level.rise / reference
    error = val_level.rise_error / reference
    numbers |= {"rise": rise, "rise_error": error}
    needed = max(RISE, _sampling_error(val, lowest, validation_samples))
    # Few values estimate their own noise badly, and large noise is rarely symmetric.
    roughness = val_level.smooth.noise / reference
    errors = RISE_ERRORS * (1 + 4 / val.finite.sum()) * (1 + roughness)
    confirmed = val.finite.sum() < 12 or medians_rise(val_level) > val_level.rise / 4
    if rise >= RISE and rise > errors * error and confirmed:
        if rise < needed:
            numbers |= {"rise_needed": needed, "validation_samples": validation_samples}
            return Finding(Label.cant_tell, "too_few_validation_samples", 0.6, numbers)
        if train and train.end - _at(train, val_level) > 0.5 * val_level.rise:
            return Finding(Label.cant_tell, "both_rose", 0.6, numbers)
        sure = min(_sure(3 * (rise / needed - 1)), _sure(rise / error / RISE_ERRORS - 1))
        return Finding(Label.overfitting, "rise", sure, numbers, _onset(val_level))
    unsure = 2 * val_level.rise_error > 0.1 * (val_level.start - lowest)
    if rise + 2 * error > UNCERTAIN and rise < errors * error and unsure:
        return Finding(Label.cant_tell, "too_noisy", 0.7, numbers)
    return None


def _sampling_error(val: Curve, lowest: float, samples: int | None) -> float:
    """Relative change of the validation loss that a small validation set may show by chance.

    The same samples are measured every epoch, so that most of the sampling error cancels; half
    of it is a careful guess of what stays.
    """
    if not samples:
        return 0.0
    if val.error_of:
        rate = min(max(lowest / val.error_of, 0.5 / samples), 0.5)
        return float(np.sqrt(rate * (1 - rate) / samples) / rate)
    return float(0.5 / np.sqrt(samples))


def _at(train: Level, val: Level) -> float:
    """Smoothed training loss where the validation loss is lowest."""
    epoch = val.smooth.epochs[val.lowest_at]
    return float(np.interp(epoch, train.smooth.epochs, train.smooth.level))


def _onset(val: Level) -> int:
    """The last epoch at the bottom: from there the smoothed validation loss only rises."""
    smoothed = val.smooth
    bottom = val.lowest + max(0.02 * val.rise, val.lowest_error)
    # Near the end windows are short and levels uncertain: those are not asked.
    known = smoothed.error <= 2 * val.lowest_error
    at = int(np.flatnonzero((smoothed.level <= bottom) & known)[-1])
    nearest = int(np.argmin(np.abs(smoothed.kept_epochs - smoothed.epochs[at])))
    return int(smoothed.kept_epochs[nearest])


def _fit(
    pair: Curves,
    val: Level,
    train: Level | None,
    constant: float | None,
    numbers: dict[str, Number],
) -> Finding:
    """Neither diverged nor overfitting: has it learned, and is it still learning?"""
    learning = train or val
    origin = constant if constant is not None else learning.start
    lowest_seen = float(learning.smooth.kept_values.min())
    progress = (origin - learning.end) / origin if origin > 0 and lowest_seen >= 0 else None
    numbers |= {"progress": progress, "constant_loss": constant}
    fall = fall_at_end(val.smooth)
    gained = max(max(val.start, learning.start) - val.lowest, 1e-300)
    falling = fall.amount / gained
    numbers |= {"falling": falling, "falling_error": fall.error / gained}
    is_falling = falling > FALLING and _shown(fall, val, train)
    needed = LEARNED_WHILE_FALLING if is_falling else LEARNED
    rates = _error_rates(pair)
    if rates is not None:
        numbers["train_error_rate"] = rates[1]
        # A loss with penalties in it can fall from 50 to 2 with nothing learned.
        if rates[1] > 0.5 and rates[1] > STUCK * rates[0]:
            return Finding(Label.underfitting, "accuracy_never_left", 0.8, numbers)
    if not _has_learned(progress, needed, rates, learning):
        shortfall = 1 - (progress or 0.0) / LEARNED
        rule = "little_progress" if train else "little_progress_in_validation"
        return Finding(Label.underfitting, rule, _sure(2 * shortfall), numbers)
    if is_falling:
        sure = min(_sure(falling / FALLING - 1), _sure(fall.amount / fall.error / 3 - 0.8))
        return Finding(Label.still_improving, "falling", sure, numbers)
    if progress is not None and progress > LEARNED and val.end > 0.9 * origin:
        return Finding(Label.cant_tell, "validation_never_moved", 0.6, numbers)
    sure = min(
        _sure(2 * (1 - falling / FALLING)), _sure(2 * (1 - float(numbers["rise"] or 0) / RISE))
    )
    return Finding(Label.good_fit, "levelled_off", sure, numbers)


def _shown(fall: Fall, val: Level, train: Level | None) -> bool:
    """Whether the fall is more than noise; a training loss that falls as fast helps to tell."""
    if fall.amount > FALLING_ERRORS * fall.error:
        return True
    if train is None or fall.amount < fall.error:
        return False
    training = fall_at_end(train.smooth)
    alike = abs(fall.amount - training.amount) < fall.error
    return alike and training.amount > FALLING_ERRORS * training.error


def _has_learned(
    progress: float | None, needed: float, rates: tuple[float, float] | None, train: Level
) -> bool:
    if progress is None:
        # Negative losses have no floor to measure progress against: only never having left counts.
        improved = train.start - train.end
        perfect = train.start == train.end == 0
        return perfect or improved > max(3 * train.smooth.noise, 0.05 * abs(train.start))
    if progress >= needed or rates is None:
        return progress >= needed
    # A first epoch that has learned most already says little about the way that could be gone;
    # a training accuracy that has grown much says that it was.
    first, last = rates
    return last < 0.8 * first and (last <= 0.1 or 1 - last / first > needed)


def _error_rates(pair: Curves) -> tuple[float, float] | None:
    """Training error rate (1 − accuracy) of the first epoch and at the end."""
    error = pair.train_error
    if error is None or error.finite.sum() < FEWEST_POINTS or not error.error_of:
        return None
    rates = error.values[error.finite] / error.error_of
    return float(rates[0]), float(np.median(rates[-3:]))


def _numbers(val: Level, train: Level | None) -> dict[str, Number]:
    numbers: dict[str, Number] = {
        "val_start": val.start,
        "val_lowest": val.lowest,
        "val_end": val.end,
        "val_noise": val.smooth.noise,
        "spikes": val.smooth.spikes,
    }
    if train:
        numbers |= {"train_start": train.start, "train_end": train.end}
    return numbers


def _sure(distance: float) -> float:
    """0.5 at a threshold, nearing 1 with the distance from it."""
    return float(0.5 + 0.49 * (1 - np.exp(-max(distance, 0.0))))
