"""Ranges of axes that a diverged run cannot ruin."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_DECADES = 30.0  # from the lowest to the highest value: a log axis is the clearer one from here
_FENCE = 3.0  # interquartile ranges beyond a quartile; Tukey's far-out points
_FEW = 8


class AxisRange(NamedTuple):
    """From where to where most values are, and whether they are better seen on a log axis."""

    low: float
    high: float
    log: bool

    def clip(self, values: Floats) -> Floats:
        """Values beyond moved to the edge, infinite ones too; NaN stays."""
        return np.clip(values, self.low, self.high)

    def outside(self, values: Floats) -> NDArray[np.bool_]:
        """Which of the values are beyond the edge."""
        return (values < self.low) | (values > self.high)


def robust_range(values: Floats) -> AxisRange:
    """The range of the values without those far out (Tukey's fences, by ratio if all are
    positive); 0 to 1 where there are none."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return AxisRange(0.0, 1.0, False)
    positive = bool(finite.min() > 0)
    scaled = np.log(finite) if positive else finite
    if len(finite) >= _FEW:
        first, third = np.quantile(scaled, [0.25, 0.75])
        room = _FENCE * (third - first)
        if room > 0:
            finite = finite[(scaled >= first - room) & (scaled <= third + room)]
    low, high = float(finite.min()), float(finite.max())
    return AxisRange(low, high, positive and high / low >= _DECADES)


def round_ticks(low: float, high: float) -> list[float]:
    """About five round values between two numbers; both ends if they are equal."""
    if high <= low:
        return [low]
    rough = (high - low) / 5
    power = 10.0 ** np.floor(np.log10(rough))
    step = next(digit * power for digit in (1, 2, 5, 10) if digit * power >= rough)
    first = np.ceil(low / step)
    count = int(np.floor(high / step) - first) + 1
    return [float((first + i) * step) for i in range(count)]
