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
# A rise of both losses that is this many standard errors above zero.
BOTH_ERRORS = 2.0
# A loss with a large constant in it: a rise that gives back this part of a gain that is this many
# times the noise, while training learned this part of all that it learned, and as clearly; in at
# least so many epochs.
ENOUGH = 12
LOST = 0.25
CLEAR_GAIN = 6.0
STILL_LEARNED = 0.05
# Training that went on: its loss fell by this part since validation was lowest. Then a smaller
# rise, measured between means of several epochs, is enough: it is what is to be expected.
WENT_ON = 0.2
WENT_ON_RISE = 0.06
WENT_ON_ERRORS = 1.8
# With a training loss below this part of the validation loss, a smaller one still.
FAR_APART = 0.5
FAR_APART_RISE = 0.03
FAR_APART_ERRORS = 2.3
# More standard errors are asked for by this much whenever epochs are 2.7 times these.
FEW_MEANS = 20
MANY_MEANS = 0.3
# Mean step between neighbors of a flat, noisy curve, in standard deviations.
MEAN_STEP = 1.128
# Noise above this part of the validation loss hides whether it came down.
ROUGH = 0.4
# Training alone: its loss fell by this part, and validation never came down by this one.
TRAINING_ALONE = 0.5
NEVER_FELL = 0.05


class _Means(NamedTuple):
    """From the lowest mean of some neighboring epochs to the median of the last ones after it."""

    lowest: float
    end: float
    error: float
    at: float


class Rise(NamedTuple):
    """What is known of a validation loss and the training loss beside it, to judge its rise."""

    val: Curve
    level: Level
    train: Level | None
    samples: int | None

    def clear(self, numbers: dict[str, Number]) -> Ruling | None:
        """Overfitting, or why a clear rise is none; None where there is no clear rise."""
        reference = _reference(self.level)
        rise, error = self.level.rise / reference, self.level.rise_error / reference
        numbers |= {"rise": rise, "rise_error": error}
        values = self.level.smooth.kept_values
        if values[-1] <= values.min():
            return None  # the last value is the lowest of all: whatever was before is made up for
        shown = rise >= RISE and rise > self._errors() * error
        shown = shown and _confirmed(self.level, self.train, rise, reference)
        turned = _plain_turn(values) / reference
        if not shown and turned > TURNED:
            lowest = float(values.min())
            rise, shown = float(values[-1]) / lowest - 1 if lowest > 0 else turned, True
            numbers |= {
                "rise": rise,
                "val_lowest": lowest,
                "val_end": float(values[-1]),
            }
        if shown and self._training_rose():
            return Ruling(Label.cant_tell, "both_rose", 0.6, numbers)
        return self._overfitting(rise, error, RISE, numbers) if shown else self._gain_lost(numbers)

    def expected(self, numbers: dict[str, Number]) -> Ruling | None:
        """Overfitting by a smaller rise, or none at all, where training went on by itself."""
        values = self.level.smooth.kept_values
        found = None if values[-1] <= values.min() else self._while_training_went_on()
        if found:
            rise, error = found.end / found.lowest - 1, found.error / found.lowest
            numbers |= {"rise": rise, "rise_error": error}
            numbers |= {"val_lowest": found.lowest, "val_end": found.end}
            return self._overfitting(rise, error, FAR_APART_RISE, numbers)
        if self._training_alone():
            return Ruling(Label.overfitting, "training_alone", 0.7, numbers, _onset(self.level))
        return None

    def unclear(self, numbers: dict[str, Number]) -> Ruling | None:
        """Can't tell: both losses rose, or it could as well be half of the loss or nothing."""
        rise, error = numbers["rise"], numbers["rise_error"]
        assert isinstance(rise, float) and isinstance(error, float)
        before_last = self.level.smooth.kept_values[-2] - self.level.lowest
        lasting = before_last > 0.5 * self.level.rise
        if rise >= RISE and rise > BOTH_ERRORS * error and lasting and self._training_rose():
            return Ruling(Label.cant_tell, "both_rose", 0.6, numbers)
        unsure = 2 * self.level.rise_error > 0.1 * (self.level.start - self.level.lowest)
        if rise + 2 * error > UNCERTAIN and rise < self._errors() * error and unsure:
            return Ruling(Label.cant_tell, "too_noisy", 0.7, numbers)
        return None

    def _overfitting(
        self, rise: float, error: float, least: float, numbers: dict[str, Number]
    ) -> Ruling:
        needed = max(least, _sampling_error(self.val, self.level.lowest, self.samples))
        if rise < needed:
            numbers |= {"rise_needed": needed, "validation_samples": self.samples}
            return Ruling(Label.cant_tell, "too_few_validation_samples", 0.6, numbers)
        train = self.train
        if train:
            numbers["train_at_lowest"] = _at(train, self.level)
        if self.level.lowest <= 0:
            gained = self.level.start - self.level.lowest
            numbers["gain_lost"] = self.level.rise / gained if gained > 0 else None
            return Ruling(Label.overfitting, "gain_lost", 0.7, numbers, _onset(self.level))
        by_error = sure(rise / max(error, 1e-9) / RISE_ERRORS - 1)
        certain = min(sure(3 * (rise / needed - 1)), by_error)
        return Ruling(Label.overfitting, "rise", certain, numbers, _onset(self.level))

    def _training_rose(self) -> bool:
        """Whether the training loss rose as well, as after a restart of the learning rate."""
        return bool(
            self.train and self.train.end - _at(self.train, self.level) > 0.5 * self.level.rise > 0
        )

    def _gain_lost(self, numbers: dict[str, Number]) -> Ruling | None:
        """Overfitting of a loss with a large constant in it, a penalty or the offset of a
        likelihood: next to that any rise is small, but not next to what was gained."""
        gained = self.level.start - self.level.lowest
        values = self.level.smooth.kept_values
        if self.train is None or len(values) < ENOUGH:
            return None
        if gained < CLEAR_GAIN * self.level.smooth.noise:
            return None
        lost = self.level.rise / max(gained, 1e-300)
        went_on = _at(self.train, self.level) - self.train.end
        learned = self.train.start - self.train.end
        clear = self.level.rise > self._errors() * self.level.rise_error
        went_on_clearly = went_on > max(
            STILL_LEARNED * learned, CLEAR_GAIN * self.train.smooth.noise
        )
        if not (lost >= LOST and clear and went_on_clearly and learned > 0):
            return None
        numbers |= {"gain_lost": lost, "train_at_lowest": _at(self.train, self.level)}
        return Ruling(
            Label.overfitting, "gain_lost", sure(lost / LOST - 1), numbers, _onset(self.level)
        )

    def _errors(self) -> float:
        """Few values estimate their own noise badly, and large noise is rarely symmetric."""
        roughness = self.level.smooth.noise / _reference(self.level)
        return RISE_ERRORS * (1 + 4 / int(self.val.finite.sum())) * (1 + roughness)

    def _while_training_went_on(self) -> _Means | None:
        """A rise by means of several epochs, while the training loss fell by a good part."""
        smooth = self.level.smooth
        rise = _rise_of_means(smooth.kept_epochs, smooth.kept_values)
        if self.train is None or rise is None or rise.lowest <= 0:
            return None
        before = float(np.interp(rise.at, self.train.smooth.epochs, self.train.smooth.level))
        if not 0 <= self.train.end <= (1 - WENT_ON) * before:
            return None
        relative, errors = rise.end / rise.lowest - 1, (rise.end - rise.lowest) / rise.error
        # The lowest of many means is the luckier the more there are.
        many = 1 + MANY_MEANS * max(0.0, float(np.log(len(smooth.kept_values) / FEW_MEANS)))
        plain = relative >= WENT_ON_RISE and errors >= WENT_ON_ERRORS * many
        slight = relative >= FAR_APART_RISE and errors >= FAR_APART_ERRORS * many
        slight = slight and self.train.end < FAR_APART * rise.end
        return rise if plain or slight else None

    def _training_alone(self) -> bool:
        """The training loss fell by more than half, and the validation loss never came down."""
        if self.train is None or self.level.start <= 0:
            return False
        if self.level.smooth.noise > ROUGH * self.level.end:
            return False
        # The first training loss is a mean over an epoch that began with nothing learned.
        second = float(self.train.smooth.kept_values[1])
        fell = self.train.end < (1 - TRAINING_ALONE) * second
        stayed = self.level.start - self.level.lowest < NEVER_FELL * self.level.start
        return fell and stayed and self.train.end < FAR_APART * self.level.end


def _reference(val: Level) -> float:
    """What a rise is measured against: the lowest loss, or what was gained if that is negative."""
    gained = max(val.start - val.lowest, 0.0)
    if val.lowest <= 0:
        return max(gained, abs(val.lowest)) or 1.0
    return max(val.lowest, RISE_OF_PROGRESS / RISE * gained)


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


def _rise_of_means(t: Floats, y: Floats) -> _Means | None:
    """None where too little is left after the lowest epochs: a fifth of the run."""
    width = max(3, len(y) // 12)
    means = np.convolve(y, np.ones(width) / width, "valid")
    first = int(np.argmin(means))
    after = y[first + width :]
    if len(after) < max(2, len(y) // 5):
        return None
    late = after[len(after) // 2 :] if len(after) >= 6 else after[-3:]
    last = after[-max(3, len(after) // 4) :]  # a bump that is over by the end is no rise
    end = min(float(np.median(late)), float(np.median(last)))
    noise = float(np.abs(np.diff(y[first:])).mean()) / MEAN_STEP
    error = max(noise, 1e-9 * abs(float(means[first]))) * float(
        np.sqrt(1 / width + 1.57 / len(late))
    )
    return _Means(float(means[first]), end, error, float(t[first + width // 2]))


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
