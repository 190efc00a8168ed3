"""What more epochs would bring, as often as they did in runs that looked the same.

The shares were measured on runs cut short at 40, 55 and 70 %: real ones (published histories and
trainings of our own) and simulated ones. docs/diagnosis.md has the counts, and a test measures
them again on runs that were not used.
"""

from typing import NamedTuple

from experiments.diagnosis.verdict import Label

#: Lower means: by more than this part, with a quarter more epochs.
LOWER = 0.10
SELDOM = 0.2


class _Chance(NamedTuple):
    """``hits`` of ``of`` runs got lower whose loss fell by at most ``fall`` lately."""

    fall: float
    hits: int
    of: int


_ANY = 1.0
_CHANCES: dict[Label, tuple[_Chance, ...]] = {
    Label.good_fit: (_Chance(0.02, 1, 20), _Chance(_ANY, 1, 6)),
    Label.still_improving: (_Chance(0.1, 4, 10), _Chance(0.2, 8, 10), _Chance(_ANY, 9, 10)),
    Label.underfitting: (
        _Chance(0.02, 1, 20), _Chance(0.05, 1, 10), _Chance(0.1, 4, 10), _Chance(_ANY, 7, 10),
    ),
}  # fmt: skip


class Forecast(NamedTuple):
    """In ``hits`` of ``of`` runs that looked like this one, a quarter more epochs brought the
    validation loss down by more than 10 %."""

    hits: int
    of: int

    @property
    def chance(self) -> float:
        """The share, from 0 to 1."""
        return self.hits / self.of

    @property
    def sentence(self) -> str:
        """The share in words."""
        seldom = "Only in" if self.chance <= SELDOM else "In"
        return (
            f"{seldom} {self.hits} of {self.of} runs that looked like this, a quarter more epochs "
            f"brought the validation loss down by more than {100 * LOWER:.0f} %."
        )


def forecast(label: Label, recent_fall: float | None) -> Forecast | None:
    """What was measured for a verdict, by the part by which the lowest validation loss came down
    in the last fifth of the run; None where nothing was."""
    if recent_fall is None or label not in _CHANCES:
        return None
    found = next(chance for chance in _CHANCES[label] if recent_fall <= chance.fall)
    return Forecast(found.hits, found.of)
