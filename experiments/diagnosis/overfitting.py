"""Whether the validation loss turned up, or never followed, while training went on."""

from typing import NamedTuple

import numpy as np

from experiments.diagnosis.curves import Curve
from experiments.diagnosis.measures import Level, medians_rise
from experiments.diagnosis.ruling import Ruling, sure
from experiments.diagnosis.smoothing import Floats
from experiments.diagnosis.verdict import Label, Number

# The end lies this far above the minimum, relative to the minimum, ...
RISE = 0.10
# ... and this many of its standard errors above zero; the minimum was chosen among many values.
RISE_ERRORS = 3.0
# Up to this many values that have a single valley show overfitting by the rise itself.
SHORT = 8
TURNED = 0.12
# A training loss that is still this part of what it was at the minimum has not fitted since, and
# a validation loss that came down by less than this part has learned nothing to lose.
FITTED = 0.98
UNLEARNED = 0.15
# Relative to what was learned at all, a rise below this is not worth a word.
RISE_OF_PROGRESS = 0.0001
# A rise that could as well be half of the loss or nothing at all.
UNCERTAIN = 0.5
# A loss with a large constant in it: a rise that gives back this part of what was gained.
GIVEN_BACK = 0.25
# Training that went on: its loss fell by this part since validation was lowest. Then a smaller
# rise, measured between means of several epochs, is enough: it is what is to be expected.
WENT_ON = 0.2
WENT_ON_RISE = 0.06
WENT_ON_ERRORS = 2.0
# With a training loss below this part of the validation loss, a smaller one still.
FAR_APART = 0.5
FAR_APART_RISE = 0.03
FAR_APART_ERRORS = 1.8
# Noise above this part of the level hides both.
ROUGH = 0.5
# Training alone: its loss fell by this part, and validation never came down by this one.
TRAINING_ALONE = 0.5
NEVER_FELL = 0.05


class _Rise(NamedTuple):
    """From the lowest mean of some neighboring epochs to the median of the last ones after it."""

    lowest: float
    end: float
    error: float
    at: float


def overfitting(
    val: Curve,
    val_level: Level,
    train: Level | None,
    validation_samples: int | None,
    numbers: dict[str, Number],
) -> Ruling | None:
    """Overfitting, or why a rise of the validation loss is none; None where it did not rise."""
    reference = _reference(val_level, train)
    rise, error = val_level.rise / reference, val_level.rise_error / reference
    numbers |= {"rise": rise, "rise_error": error}
    needed = max(RISE, _sampling_error(val, val_level.lowest, validation_samples))
    errors = _errors_needed(val, val_level, reference)
    if val_level.smooth.kept_values[-1] <= val_level.smooth.kept_values.min():
        return None  # the last value is the lowest of all: whatever was before is made up for
    turned = _plain_turn(val_level.smooth.kept_values) / reference
    shown = rise >= RISE and rise > errors * error and _confirmed(val_level, train, rise, reference)
    if not shown and turned > TURNED:
        rise, shown = turned, True
        numbers["rise"] = rise
    found = None if shown else _while_training_went_on(val_level, train)
    if found:
        rise, error, shown = found.end / found.lowest - 1, found.error / found.lowest, True
        needed = max(min(needed, rise), _sampling_error(val, found.lowest, validation_samples))
        numbers |= {"rise": rise, "rise_error": error}
        numbers |= {"val_lowest": found.lowest, "val_end": found.end}
    if not shown:
        return _training_alone(val_level, train, numbers) or _unclear(
            val_level, rise, error, errors, numbers
        )
    if rise < needed:
        numbers |= {"rise_needed": needed, "validation_samples": validation_samples}
        return Ruling(Label.cant_tell, "too_few_validation_samples", 0.6, numbers)
    if train and train.end - _at(train, val_level) > 0.5 * val_level.rise > 0:
        return Ruling(Label.cant_tell, "both_rose", 0.6, numbers)
    certain = min(sure(3 * (rise / needed - 1)), sure(rise / max(error, 1e-9) / RISE_ERRORS - 1))
    return Ruling(Label.overfitting, "rise", certain, numbers, _onset(val_level))


def _reference(val: Level, train: Level | None) -> float:
    """What a rise is measured against: the lowest loss, or what was gained where that is less.

    Against what was gained only where training went on since: then a loss with a large constant
    in it (a penalty, a likelihood) is judged as if it had none.
    """
    gained = max(val.start - val.lowest, 0.0)
    if val.lowest <= 0:
        return max(gained, abs(val.lowest)) or 1.0
    reference = max(val.lowest, RISE_OF_PROGRESS / RISE * gained)
    fell = train is not None and train.start - train.end > 0
    if (
        fell
        and train is not None
        and _at(train, val) - train.end > WENT_ON * (train.start - train.end) / 4
    ):
        offset = gained / GIVEN_BACK * RISE
        if gained > 6 * val.smooth.noise:
            reference = min(reference, offset)
    return reference


def _errors_needed(val: Curve, val_level: Level, reference: float) -> float:
    """Few values estimate their own noise badly, and large noise is rarely symmetric."""
    roughness = val_level.smooth.noise / reference
    return RISE_ERRORS * (1 + 4 / int(val.finite.sum())) * (1 + roughness)


def _confirmed(val: Level, train: Level | None, rise: float, reference: float) -> bool:
    """Whether medians show the rise as well; and it is no wandering of two flat curves."""
    confirmed = (
        len(val.smooth.kept_values) < 12
        or medians_rise(val) > val.rise / 4
        or _climbs(val, RISE * reference)
    )
    gained = max(val.start - val.lowest, 0.0)
    if train and train.end > FITTED * _at(train, val) and gained < UNLEARNED * val.lowest:
        # Neither curve has moved: a rise this small is of the noise around a constant.
        confirmed = confirmed and rise > 2 * RISE
    return confirmed


def _while_training_went_on(val: Level, train: Level | None) -> _Rise | None:
    """A rise by means of several epochs, while the training loss fell by a good part."""
    rise = _rise_of_means(val.smooth.kept_epochs, val.smooth.kept_values, val.smooth.noise)
    if train is None or rise is None or val.smooth.noise > ROUGH * rise.lowest:
        return None
    before = float(np.interp(rise.at, train.smooth.epochs, train.smooth.level))
    if not 0 <= train.end <= (1 - WENT_ON) * before:
        return None
    relative, errors = rise.end / rise.lowest - 1, (rise.end - rise.lowest) / rise.error
    far_apart = train.end < FAR_APART * rise.end
    least, least_errors = (
        (FAR_APART_RISE, FAR_APART_ERRORS) if far_apart else (WENT_ON_RISE, WENT_ON_ERRORS)
    )
    return rise if relative >= least and errors >= least_errors else None


def _rise_of_means(t: Floats, y: Floats, noise: float) -> _Rise | None:
    width = max(3, len(y) // 12)
    if len(y) < width + 2:
        return None
    means = np.convolve(y, np.ones(width) / width, "valid")
    first = int(np.argmin(means))
    after = y[first + width :]
    if len(after) < 2:
        return None
    late = after[len(after) // 2 :] if len(after) >= 6 else after[-3:]
    error = noise * float(np.sqrt(1 / width + 1.57 / len(late)))
    return _Rise(float(means[first]), float(np.median(late)), error, float(t[first + width // 2]))


def _training_alone(val: Level, train: Level | None, numbers: dict[str, Number]) -> Ruling | None:
    """The training loss fell by more than half, and the validation loss never came down."""
    if train is None or val.start <= 0 or val.smooth.noise > ROUGH * val.end:
        return None
    # The first training loss is a mean over an epoch that began with nothing learned.
    second = float(train.smooth.kept_values[1])
    fell = train.end < (1 - TRAINING_ALONE) * second
    stayed = val.start - val.lowest < NEVER_FELL * val.start
    apart = train.end < FAR_APART * val.end
    if not (fell and stayed and apart):
        return None
    return Ruling(Label.overfitting, "training_alone", 0.7, numbers, _onset(val))


def _unclear(
    val: Level, rise: float, error: float, errors: float, numbers: dict[str, Number]
) -> Ruling | None:
    unsure = 2 * val.rise_error > 0.1 * (val.start - val.lowest)
    if rise + 2 * error > UNCERTAIN and rise < errors * error and unsure:
        return Ruling(Label.cant_tell, "too_noisy", 0.7, numbers)
    return None


def _climbs(val: Level, least: float) -> bool:
    """Whether the last two values climb, both of them well above the minimum."""
    y = val.smooth.kept_values
    before = float(y[-2]) - val.lowest
    return bool(y[-1] > y[-2] > y[-3] and before > max(least, 4 * val.smooth.noise))


def _plain_turn(y: np.ndarray) -> float:
    """Rise of a short curve that falls to one minimum and climbs for two epochs or more; else 0.

    Five to eight values are too few to estimate their noise; noise has more than one valley.
    """
    climbs = np.diff(y) > 0
    lowest = int(np.argmin(y))
    single = bool(np.all(climbs[:-1] <= climbs[1:]))
    return float(y[-1] - y[lowest]) if len(y) <= SHORT and single and climbs[-2:].all() else 0.0


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
