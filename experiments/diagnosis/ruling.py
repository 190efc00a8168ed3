"""What a rule says: a label, how sure, and the numbers it looked at."""

from dataclasses import dataclass, field

import numpy as np

from experiments.diagnosis.smoothing import Smooth
from experiments.diagnosis.verdict import Label, Number


@dataclass
class Ruling:
    """A label with the name of the rule that fired and its numbers."""

    label: Label
    rule: str
    confidence: float
    numbers: dict[str, Number] = field(default_factory=dict)
    onset_epoch: int | None = None
    smoothed_val: Smooth | None = None


def sure(distance: float) -> float:
    """0.5 at a threshold, nearing 1 with the distance from it."""
    return float(0.5 + 0.49 * (1 - np.exp(-max(distance, 0.0))))
