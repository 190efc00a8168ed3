"""Histories of many runs, as arrays: what every chart, verdict and comparison reads."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray


class Points(NamedTuple):
    """One metric of one run, in order of step, each step once.

    ``values`` are exactly what was logged, NaN and infinity included; ``times`` are in ms since
    1970.
    """

    steps: NDArray[np.int64]
    values: NDArray[np.float64]
    times: NDArray[np.int64]

    def at(self, which: NDArray[np.bool_] | NDArray[np.int64] | slice) -> "Points":
        """Some of the points, by mask, positions or slice."""
        return Points(self.steps[which], self.values[which], self.times[which])


NO_POINTS = Points(np.empty(0, np.int64), np.empty(0, np.float64), np.empty(0, np.int64))


class Histories:
    """The histories of some runs. Arrays are shared with caches: do not write into them.

    ``series`` has the Points of each metric, by run id and by Keras' name of the metric; steps are
    epochs. ``logged_steps`` has, in the same way, the steps under which they were logged, for runs
    that count otherwise.
    """

    def __init__(
        self,
        series: Mapping[str, Mapping[str, Points]],
        logged_steps: Mapping[str, Mapping[str, NDArray[np.int64]]] = MappingProxyType({}),
    ) -> None:
        self._series = series
        self._logged_steps = logged_steps

    @property
    def run_ids(self) -> tuple[str, ...]:
        """The runs, in the order in which they were asked for."""
        return tuple(self._series)

    def metrics(self, run_id: str) -> tuple[str, ...]:
        """The metrics of a run, loss first; none for a run that is not here."""
        return tuple(self._series.get(run_id, ()))

    def points(self, run_id: str, metric: str) -> Points:
        """The points of one metric; empty where there is none."""
        return self._series.get(run_id, {}).get(metric, NO_POINTS)

    def logged_steps(self, run_id: str, metric: str) -> NDArray[np.int64]:
        """The step under which each point was logged: the epoch, unless the run was logged by a
        tool that counts batches."""
        own = self._logged_steps.get(run_id, {}).get(metric)
        return self.points(run_id, metric).steps if own is None else own

    def frame(self, run_id: str) -> pd.DataFrame:
        """The history of one run: indexed by ``epoch``, one float64 column a metric.

        Infinity becomes NaN, as does what was not measured in an epoch.
        """
        series = self._series.get(run_id, {})
        epochs = union_of_steps(points.steps for points in series.values())
        columns = {}
        for metric, points in series.items():
            values = np.where(np.isfinite(points.values), points.values, np.nan)
            if len(values) != len(epochs):
                spread = np.full(len(epochs), np.nan)
                spread[np.searchsorted(epochs, points.steps)] = values
                values = spread
            columns[metric] = values
        return pd.DataFrame(columns, index=pd.Index(epochs, name="epoch"), dtype=float)

    def of(self, run_ids: Iterable[str]) -> "Histories":
        """Those of some of the runs."""
        kept = list(run_ids)
        return Histories(
            {run_id: self._series[run_id] for run_id in kept if run_id in self._series},
            {run_id: self._logged_steps[run_id] for run_id in kept if run_id in self._logged_steps},
        )

    def __len__(self) -> int:
        return len(self._series)

    def __contains__(self, run_id: object) -> bool:
        return run_id in self._series


def union_of_steps(steps: Iterable[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Every step that occurs, in order, once."""
    different: list[NDArray[np.int64]] = []
    for some in steps:
        if not any(len(some) == len(other) and (some == other).all() for other in different):
            different.append(some)
    if len(different) == 1:
        return different[0]
    return np.unique(np.concatenate(different)) if different else NO_POINTS.steps
