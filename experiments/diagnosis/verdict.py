"""What diagnose() answers."""

import math
from dataclasses import dataclass
from enum import StrEnum

Number = float | int | str | None
#: Of the rules that verdicts are made by; one that was stored under another number is made anew.
RULES = 2


class Label(StrEnum):
    """What a history shows; docs/diagnosis.md has the definitions."""

    overfitting = "overfitting"
    underfitting = "underfitting"
    good_fit = "good_fit"
    still_improving = "still_improving"
    unstable = "unstable"
    diverged = "diverged"
    cant_tell = "cant_tell"


@dataclass(frozen=True)
class Verdict:
    """A label with the numbers behind it. Epochs are labels of the history's index.

    `best_epoch` has the lowest validation loss (training loss without validation); where noise
    makes several epochs equally low, it is the one whose neighborhood is lowest. `onset_epoch`
    is where overfitting begins. A gap is validation minus training loss; `gap_error` is the
    standard error of the one at the best epoch (the lowest value as measured, whose weights are
    saved), and `gap_is_large` says whether the training loss
    is less than half of the validation loss there, beyond chance. `wasted_epochs` were
    trained after the best one without any improvement and took `wasted_seconds` (None if epochs
    were not timed). `confidence` is from 0 to 1, a ranking by distance from the nearest threshold
    and not a probability. `chance_of_lower` is one: the share of runs that looked like this whose
    validation loss came down by more than 10 % in a quarter more epochs; None where that was not
    measured.
    """

    label: Label
    best_epoch: int | None
    onset_epoch: int | None
    gap_at_best: float | None
    gap_at_end: float | None
    gap_error: float | None
    gap_is_large: bool
    wasted_epochs: int
    wasted_seconds: float | None
    confidence: float
    chance_of_lower: float | None
    reason: str
    evidence: dict[str, Number]
    advice: str

    def to_dict(self) -> dict[str, object]:
        """JSON-safe: NaN and infinity become None, and `label` is called `verdict`."""
        return {
            "verdict": self.label.value,
            "best_epoch": self.best_epoch,
            "onset_epoch": self.onset_epoch,
            "gap_at_best": _json_safe(self.gap_at_best),
            "gap_at_end": _json_safe(self.gap_at_end),
            "gap_error": _json_safe(self.gap_error),
            "gap_is_large": self.gap_is_large,
            "wasted_epochs": self.wasted_epochs,
            "wasted_seconds": _json_safe(self.wasted_seconds),
            "confidence": _json_safe(self.confidence),
            "chance_of_lower": self.chance_of_lower,
            "reason": self.reason,
            "evidence": {name: _json_safe(value) for name, value in self.evidence.items()},
            "advice": self.advice,
        }


def _json_safe(value: Number) -> Number:
    return None if isinstance(value, float) and not math.isfinite(value) else value
