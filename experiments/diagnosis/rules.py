"""From measured curves to a label. Every threshold is here, with what it stands for."""

from typing import NamedTuple

import numpy as np

from experiments.diagnosis.curves import Curves
from experiments.diagnosis.divergence import CONSTANTS, FEWEST_POINTS, diverged
from experiments.diagnosis.instability import unstable, wild
from experiments.diagnosis.measures import Fall, Level, fall_at_end, level, recent_fall
from experiments.diagnosis.naming import TRAIN_EVAL
from experiments.diagnosis.overfitting import RISE, Rise
from experiments.diagnosis.ruling import Ruling, sure
from experiments.diagnosis.verdict import Label, Number

# A run that went off is one that overfitted where it did so for this part of its epochs before.
MOST_OF_IT = 1 / 3
# Underfitting: the training loss covered less than this part of the way it could go.
LEARNED = 0.48
# A run that is still falling is given the benefit of the doubt down to this part.
LEARNED_WHILE_FALLING = 0.45
# A validation loss that ends above this part of its first value, or of what the training loss
# began with, has not moved; one that began at this many times that is measured in another unit.
STAYED = 0.95
UNTRAINED = 0.9
OTHER_UNIT = 3.0
# One that began below this part of it was good before, as that of a model that is fine-tuned is.
LOW_ALREADY = 0.5
# A gain below this part of the first loss is none, and what falls again after a rise above this
# part of the gain has first to make up for that.
HARDLY = 0.001
RECOVERED = 0.25
# Of the constant predictor's loss, what a validation loss below shows that something carries over.
CARRIED = 0.97
# Part of what was learned that is learned of the training samples alone.
BEYOND = 0.25
# A training error rate that is still this part of the first one was never left.
STUCK = 0.95
# Still improving: another quarter of the epochs, at the speed of the end, would add this part of
# what was gained so far; a straight line adds 0.25, exp(-3t) 0.06, exp(-4t) 0.03.
FALLING = 0.035
FALLING_ERRORS = 2.5
# ... or, of a loss that is small by now, this part came off in the last fifth of the run and it
# has not stopped; or this part will come off in another quarter of the epochs, without a doubt.
RECENT = 0.14
SLIGHTLY = 0.02
FAST = 0.20
FAST_ERRORS = 6.0


class _ErrorRates(NamedTuple):
    """Training error rate (1 − accuracy) of the first epoch and at the end.

    `constant`: the same in every epoch of the later half, as when always the same is predicted.
    """

    first: float
    last: float
    constant: bool


def decide(pair: Curves, constant_loss: float | None, validation_samples: int | None) -> Ruling:
    """The first of the rules that fires, from the gravest to the best."""
    train, val = pair.train, pair.val
    gone = diverged(train, val, constant_loss)
    if gone and gone.rule == "not_a_number":
        return gone
    if gone and not wild(train):
        return _overfitted_before(pair, constant_loss, validation_samples) or gone
    if val is None:
        return Ruling(Label.cant_tell, "no_validation", 0.95)
    points = int(val.finite.sum())
    if points == 0:
        return Ruling(Label.cant_tell, "validation_never_a_number", 0.95)
    if points < FEWEST_POINTS:
        return Ruling(Label.cant_tell, "too_few_epochs", 0.95, {"validation_points": points})
    val_level = level(val)
    train_level = level(train) if train and train.finite.sum() >= FEWEST_POINTS else None
    numbers = _numbers(val_level, train_level)
    rise = Rise(val, val_level, train_level, validation_samples)
    found = rise.clear(numbers) or unstable(train, val, numbers)
    found = found or rise.expected(numbers) or rise.unclear(numbers)
    found = found or _fit(pair, val_level, train_level, constant_loss, numbers)
    found.smoothed_val = val_level.smooth
    return found


def _overfitted_before(
    pair: Curves, constant_loss: float | None, validation_samples: int | None
) -> Ruling | None:
    """Overfitting in the epochs until training was at its best, in a run that went off later."""
    last = pair.train.lowest_epoch if pair.train else None
    best = pair.val.lowest_epoch if pair.val else None
    if pair.train is None or last is None or best is None:
        return None
    if best >= last or last == pair.train.epochs[-1]:
        return None
    before = decide(pair.until(last), constant_loss, validation_samples)
    if before.label != Label.overfitting or before.onset_epoch is None:
        return None
    if last - before.onset_epoch < MOST_OF_IT * (pair.train.epochs[-1] - pair.train.epochs[0]):
        return None
    before.numbers["until_epoch"] = last
    return before


def _fit(
    pair: Curves,
    val: Level,
    train: Level | None,
    constant: float | None,
    numbers: dict[str, Number],
) -> Ruling:
    """Neither diverged nor overfitting: has it learned, and is it still learning?"""
    learning = train or val
    origin = constant if constant is not None else learning.start
    progress = _progress(learning, origin)
    numbers |= {"progress": progress, "constant_loss": constant}
    if train and progress is not None:
        # Dropout and penalties hold a training loss up that the validation loss has none of.
        progress = max(progress, _progress(val, constant or val.start) or 0.0)
    fall = fall_at_end(val.smooth)
    gained = max(val.start, learning.start) - val.lowest
    some = gained > HARDLY * abs(val.start)
    falling = fall.amount / gained if some else 0.0
    numbers |= {"falling": falling, "falling_error": fall.error / gained if some else None}
    recent = recent_fall(val.smooth.kept_values)
    of_level = fall.amount / val.end if val.end > 0 else 0.0
    numbers |= {"recent_fall": recent, "falling_of_level": of_level}
    clearly = falling > FALLING and _shown(fall, val, train)
    lately = recent > RECENT and of_level > SLIGHTLY
    fast = of_level > FAST and fall.amount > FAST_ERRORS * fall.error
    is_falling = clearly or (len(val.smooth.kept_values) > FEWEST_POINTS and (lately or fast))
    is_falling = is_falling and val.rise <= RECOVERED * max(gained, 0.0)
    needed = LEARNED_WHILE_FALLING if is_falling else LEARNED
    rates = _error_rates(pair)
    if rates is not None:
        numbers["train_error_rate"] = rates.last
        # A loss with penalties in it can fall from 50 to 2 with nothing learned.
        never_left = rates.last > STUCK * rates.first
        if never_left and rates.last > 0.2 and constant and learning.end > CONSTANTS * constant:
            off: dict[str, Number] = {"curve": "loss", "end": learning.end}
            return Ruling(Label.diverged, "above_constant_predictor", 0.8, numbers | off)
        if never_left and (rates.last > 0.5 or (rates.last > 0.2 and rates.constant)):
            return Ruling(Label.underfitting, "accuracy_never_left", 0.8, numbers)
    if not _has_learned(progress, needed, rates, learning):
        if not is_falling and constant is not None and _noise_is_left(pair, val, train, constant):
            return Ruling(Label.good_fit, "noise_is_left", 0.6, numbers)
        rise = numbers["rise"]
        learned = _progress(learning, origin, learning.lowest) or 0.0
        if isinstance(rise, float) and rise >= RISE and learned > LEARNED:
            return Ruling(Label.cant_tell, "both_rose", 0.6, numbers)
        shortfall = 1 - (progress or 0.0) / LEARNED
        rule = "little_progress" if train else "little_progress_in_validation"
        return Ruling(Label.underfitting, rule, sure(2 * shortfall), numbers)
    if is_falling:
        certain = min(sure(falling / FALLING - 1), sure(fall.amount / fall.error / 3 - 0.8))
        return Ruling(Label.still_improving, "falling", certain, numbers)
    stayed = val.end > STAYED * val.start or (
        val.end > UNTRAINED * origin and val.start < OTHER_UNIT * origin
    )
    if progress is not None and progress > LEARNED and stayed:
        if val.start < LOW_ALREADY * origin:
            return Ruling(Label.good_fit, "good_from_the_start", 0.6, numbers)
        return Ruling(
            Label.cant_tell, "validation_never_moved", 0.6, numbers | {"untrained_loss": origin}
        )
    certain = min(
        sure(2 * (1 - falling / FALLING)), sure(2 * (1 - float(numbers["rise"] or 0) / RISE))
    )
    return Ruling(Label.good_fit, "leveled_off", certain, numbers)


def _progress(learning: Level, origin: float, reached: float | None = None) -> float | None:
    """The part of the way from a loss to zero that a curve has gone at its end, or when it had
    reached a loss; None for losses below zero."""
    lowest = float(learning.smooth.kept_values.min())
    reached = learning.end if reached is None else reached
    return (origin - reached) / origin if origin > 0 and lowest >= 0 else None


def _noise_is_left(pair: Curves, val: Level, train: Level | None, constant: float) -> bool:
    """Whether the training samples were learned further than what carries over to others.

    Labels that are partly chance, or a target with noise, end far from zero with nothing left to
    learn. Only where training was measured in test mode: else dropout hides how far it went.
    """
    if train is None or pair.train is None or not pair.train.name.startswith(TRAIN_EVAL):
        return False
    learned, gap = constant - train.end, val.end - train.end
    clear = 3 * max(val.smooth.noise, float(np.hypot(val.end_error, train.end_error)))
    return val.end < CARRIED * constant and gap > max(BEYOND * learned, clear)


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
    progress: float | None, needed: float, rates: _ErrorRates | None, train: Level
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
    gone = 1 - rates.last / rates.first if rates.first else 0.0
    return gone > 0.2 and (rates.last <= 0.1 or gone > needed)


def _error_rates(pair: Curves) -> _ErrorRates | None:
    error = pair.train_error
    if error is None or error.finite.sum() < FEWEST_POINTS or not error.error_of:
        return None
    rates = error.values[error.finite] / error.error_of
    constant = bool(np.ptp(rates[len(rates) // 2 :]) < 1e-6)
    return _ErrorRates(float(rates[0]), float(np.median(rates[-3:])), constant)


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
