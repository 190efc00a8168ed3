"""How far a model does better on its training samples than on others, and whether that is much."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from experiments.diagnosis.curves import Curve, Curves

# A training loss below half of the validation loss, ...
PART = 0.5
# ... a difference of this part of what was learned, or of this many points of an error rate, ...
OF_LEARNED = 0.05
POINTS = 0.05
# ... and of this many standard errors.
ERRORS = 2.0
# A validation loss that begins at this many times the training loss is measured in another unit.
OTHER_UNIT = 10.0
MAD_TO_SIGMA = 1.4826


class GapSize(NamedTuple):
    """Validation minus training loss at an epoch, its standard error, and whether it is large."""

    train: float
    val: float
    error: float
    is_large: bool

    @property
    def gap(self) -> float:
        """In the units of the loss; for a metric such as accuracy, of its error."""
        return self.val - self.train


def gap_at(pair: Curves, history: pd.DataFrame, epoch: int | None) -> GapSize | None:
    """The gap at an epoch (None: the last that has both losses); None where one is missing.

    The error is that of the samples where it was recorded (``se_val_loss`` and
    ``se_train_eval_loss``), or else the scatter of the two curves.
    """
    if pair.train is None or pair.val is None:
        return None
    both = pair.train.finite & pair.val.finite
    if epoch is not None:
        both &= pair.train.epochs == epoch
    at = np.flatnonzero(both)
    if len(at) == 0:
        return None
    train, val = float(pair.train.values[at[-1]]), float(pair.val.values[at[-1]])
    error = _sampling_error(history, int(pair.train.epochs[at[-1]]))
    if error is None:
        error = float(np.hypot(_scatter(pair.train), _scatter(pair.val)))
    gap = val - train
    first, trained = (float(c.values[c.finite][0]) for c in (pair.val, pair.train))
    other_unit = first > OTHER_UNIT * abs(trained)
    least = POINTS * pair.val.error_of if pair.val.error_of else OF_LEARNED * (first - val)
    large = not other_unit and train >= 0 and gap > max(PART * val, ERRORS * error, least)
    return GapSize(train, val, error, bool(large))


def _sampling_error(history: pd.DataFrame, epoch: int) -> float | None:
    names = ("se_val_loss", "se_train_eval_loss")
    if not set(names) <= set(history.columns) or epoch not in history.index:
        return None
    found = float(np.hypot(*history.loc[epoch, list(names)].to_numpy(dtype=np.float64)))
    return found if np.isfinite(found) else None


def _scatter(curve: Curve) -> float:
    """Noise of one value, from the second differences of the later half."""
    values = curve.values[curve.finite]
    if len(values) < 5:
        return 0.0
    late = np.diff(values, 2)[len(values) // 2 - 1 :]
    return MAD_TO_SIGMA * float(np.median(np.abs(late))) / 6**0.5
