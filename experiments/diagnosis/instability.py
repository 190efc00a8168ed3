"""Losses that jump about instead of falling: the first sign of a learning rate that is too high."""

from typing import NamedTuple

import numpy as np

from experiments.diagnosis.curves import Curve
from experiments.diagnosis.divergence import FEWEST_POINTS
from experiments.diagnosis.ruling import Ruling, sure
from experiments.diagnosis.smoothing import Floats
from experiments.diagnosis.verdict import Label, Number

# Up and down by this much from epoch to epoch, as a natural logarithm (0.15: 16 %).
JUMPS = 0.15
# A validation loss also jumps because it has few samples, so that more is asked of it.
VALIDATION_JUMPS = 0.25
# Jumps of a training that has already been called diverged.
WILD = 0.3
# It did not end at this many times its early level: that is an explosion.
FAR_ABOVE = 10.0
# A training loss that moves this much is not calm.
RESTLESS = 0.02
# A loss that came down to less than 5 % may jitter: that is little of what was learned.
LEARNED_NEARLY_ALL = 0.95
# Progress that shows through the jumps, and epochs that it takes to see it.
CAME_DOWN = 0.3
MANY = 30
# Less progress than this is none.
NONE = 0.1


class Jumps(NamedTuple):
    """How far a loss goes up and down from epoch to epoch (logarithm; 0 for a smooth curve), and
    which part of its early level it has lost by the end."""

    size: float
    progress: float


def jumps(curve: Curve | None) -> Jumps:
    """The jumps of a curve; none where it has fewer than 5 positive values.

    An epoch counts with the smaller of the steps to and from it if one goes up and the other
    down: a trend, a kink or a drop of the learning rate is no jump. More than half of the epochs
    have to jump, so spikes do not count.
    """
    values = curve.values[curve.finite] if curve else np.empty(0)
    values = values[values > 0]
    if len(values) < FEWEST_POINTS:
        return Jumps(0.0, 0.0)
    steps = np.diff(np.log(values))
    smaller = np.minimum(np.abs(steps[1:]), np.abs(steps[:-1]))
    turning = np.where(steps[1:] * steps[:-1] < 0, smaller, 0.0)
    return Jumps(float(np.quantile(turning, 0.6)), _progress(values))


def _progress(values: Floats) -> float:
    third = max(len(values) // 3, 2)
    return 1 - float(np.median(values[-third:]) / np.median(values[:third]))


def unstable(train: Curve | None, val: Curve, numbers: dict[str, Number]) -> Ruling | None:
    """Whether it is the training that jumps, or a validation loss that does while it is learned.

    A validation loss that jumps and went nowhere beside a calm training loss can't be told: it
    may have too few samples.
    """
    training, validation = jumps(train), jumps(val)
    if training.size > JUMPS and training.progress < LEARNED_NEARLY_ALL:
        return _ruling("training_jumps", training.size / JUMPS, training, numbers)
    if validation.size <= JUMPS or validation.progress >= LEARNED_NEARLY_ALL:
        return None
    if training.size > RESTLESS and training.progress < NONE:
        return _ruling("validation_jumps", validation.size / JUMPS, validation, numbers)
    if validation.size <= VALIDATION_JUMPS:
        return None
    if int(val.finite.sum()) >= MANY and validation.progress > CAME_DOWN:
        return _ruling("validation_jumps", validation.size / VALIDATION_JUMPS, validation, numbers)
    return Ruling(Label.cant_tell, "too_noisy", 0.7, numbers)


def wild(train: Curve | None) -> bool:
    """Whether a training that ended high had been jumping up and down all the time."""
    found = jumps(train)
    return found.size > WILD and found.progress > 1 - FAR_ABOVE


def _ruling(rule: str, distance: float, found: Jumps, numbers: dict[str, Number]) -> Ruling:
    jump: dict[str, Number] = {"jump": float(np.expm1(found.size))}
    return Ruling(Label.unstable, rule, sure(distance - 1), numbers | jump)
