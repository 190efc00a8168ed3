"""Points as they were logged, under the logged names, before anything is made of them."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from experiments.core.recorded import FACTS
from experiments.diagnosis.histories import Points
from experiments.tracking.run import LARGEST

#: run id -> logged name -> points in order of step and time; a step may occur more than once.
Logged = dict[str, dict[str, Points]]

_ONE_VALUE = ("best_", "final_", "system/")


class LastPoint(NamedTuple):
    """The last point of a metric that is known: its step and its time in ms."""

    step: int
    time: int


def may_be_history(name: str) -> bool:
    """Whether a metric of this name can be one of epochs: not the machine's load, not a fact."""
    return not name.startswith(_ONE_VALUE) and name not in FACTS


def restored(values: NDArray[np.float64], is_nan: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Values as they were logged, from those that MLflow keeps in a database."""
    values = np.where(is_nan, np.nan, values)
    infinite = np.abs(values) >= LARGEST
    values[infinite] = np.copysign(np.inf, values[infinite])
    return values


def last_of_steps(points: Points) -> Points:
    """Of several values of one step the last by time, as MLflow shows it."""
    rises = points.steps[1:] > points.steps[:-1]
    return points if rises.all() else points.at(np.append(rises, True))


def in_order(points: Points) -> Points:
    """The points sorted by step, then by time."""
    return points.at(np.lexsort((points.times, points.steps)))
