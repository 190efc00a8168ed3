"""All runs of a store as columns, so that 10,000 can be filtered and sorted, and few be shown."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, Protocol

import numpy as np
import pandas as pd

from experiments.diagnosis.naming import keras_names
from experiments.tracking.direct_database import open_database
from experiments.tracking.direct_runs import (
    find_in_params,
    read_best_values,
    read_keys,
    read_last_values,
    read_names_of_runs,
    read_rows_of,
    read_run_rows,
    read_runs,
    read_texts,
)
from experiments.tracking.points import may_be_history
from experiments.tracking.run import Run, RunRow, make_run
from experiments.tracking.runs import list_runs, our_experiments
from experiments.tracking.store import Store

_EVERY_RUN = 1_000_000

_Table = Literal["params", "tags", "last"]


class RunIndex:
    """The runs of some experiments at one moment, newest first.

    ``attributes`` is indexed by run id: ``name``, ``status``, ``created`` and ``ended`` (ms since
    1970, NaN while under way), ``experiment_id``. Everything else is a column that is read when it
    is first asked for and kept; every Series has the index of ``attributes``. What asks for a
    column may raise StoreError.
    """

    def __init__(self, rows: Sequence[RunRow], source: "_Source") -> None:
        self._rows = rows
        self._source = source
        self._values: dict[tuple[_Table, str], Mapping[str, str | float]] = {}
        self._names: dict[_Table, Mapping[str, tuple[str, ...]]] = {}
        self._columns: dict[tuple[str, str], pd.Series] = {}
        self._snapshots: list[Run] = []
        self.attributes = pd.DataFrame(
            {
                "name": [row.name or row.id[:8] for row in rows],
                "status": [row.status for row in rows],
                "created": [row.start_time for row in rows],
                "ended": pd.Series([row.end_time for row in rows], dtype=float),
                "experiment_id": [row.experiment_id for row in rows],
            }
        )
        self.attributes.index = pd.Index([row.id for row in rows], name="run_id", dtype=object)

    def __len__(self) -> int:
        return len(self.attributes)

    @property
    def ids(self) -> list[str]:
        """The runs, newest first."""
        return list(self.attributes.index)

    def param(self, name: str) -> pd.Series:
        """A param of each run as text, None where it has none."""
        return self._column("params", name)

    def tag(self, name: str) -> pd.Series:
        """A tag of each run, None where it has none."""
        return self._column("tags", name)

    def last(self, metric: str) -> pd.Series:
        """The last value of a metric under its logged name, NaN where there is none."""
        return self._column("last", metric)

    def best(self, metric: str, *, higher_is_better: bool = False) -> pd.Series:
        """The value of a metric under Keras' name at the best epoch: as recorded when a run of ours
        ended, of earlier ones its own best value, and else the best of all that was logged."""
        key = ("best", f"{metric} {higher_is_better}")
        if key not in self._columns:
            best = self.last(f"best_epoch_{metric}").copy()
            best.update(self.last(f"best_{metric}")[best.isna()])
            missing = list(best.index[best.isna()])
            for name in self._names_of(metric, missing) if missing else ():
                found = self._source.best(name, missing, higher_is_better=higher_is_better)
                best.update(pd.Series(found, dtype=float))
                missing = [run_id for run_id in missing if run_id not in found]
            self._columns[key] = best
        return self._columns[key]

    def metric_names(self) -> list[str]:
        """The names under which any of the runs logged metrics."""
        return self._source.metric_names(self.ids)

    def matching(self, text: str) -> pd.Series:
        """Whether every word of the text occurs in a run's name, id or any param."""
        kept = pd.Series(True, index=self.attributes.index)
        names = self.attributes["name"].str.lower()
        for word in text.lower().split():
            found = names.str.contains(word, regex=False)
            found |= self.attributes.index.str.contains(word, regex=False)
            kept &= found | self.attributes.index.isin(list(self._source.find(word)))
        return kept

    def runs(self, run_ids: Sequence[str]) -> list[Run]:
        """Some of the runs whole, in this order; without those that are gone by now."""
        return self._source.runs(run_ids)

    def snapshots(self) -> list[Run]:
        """Every run, newest first. Their params, metrics and tags are read column by column when
        they are asked for, so that a condition on 10,000 runs reads only what it is about."""
        if not self._snapshots:
            self._snapshots = [
                make_run(
                    row, params=_OfRun(self, "params", row.id),
                    metrics=_OfRun(self, "last", row.id), tags=_OfRun(self, "tags", row.id),
                )
                for row in self._rows
            ]  # fmt: skip
        return self._snapshots

    def values(self, table: _Table, name: str) -> Mapping[str, str | float]:
        """One param, tag or last value of a metric, of all runs that have it, by run id."""
        if (table, name) not in self._values:
            self._values[table, name] = self._source.values(table, name)
        return self._values[table, name]

    def names(self, table: _Table) -> Mapping[str, tuple[str, ...]]:
        """The names of all params, tags or metrics that each run has."""
        if table not in self._names:
            self._names[table] = self._source.names(table)
        return self._names[table]

    def _names_of(self, metric: str, run_ids: Sequence[str]) -> list[str]:
        """The names under which these runs logged what is this metric; its own name first."""
        others = [
            name
            for name in self._source.metric_names(run_ids)
            if may_be_history(name) and keras_names([name]).get(name) == metric
        ]
        return [metric, *others]

    def _column(self, table: _Table, name: str) -> pd.Series:
        key = (table, name)
        if key not in self._columns:
            missing: float | None = math.nan if table == "last" else None
            values = self.values(table, name)
            column = [values.get(run_id, missing) for run_id in self.attributes.index]
            kind = np.float64 if table == "last" else object
            self._columns[key] = pd.Series(column, index=self.attributes.index, dtype=kind)
        return self._columns[key]


class _OfRun(Mapping[str, Any]):
    """The params, tags or metrics of one run of an index."""

    def __init__(self, index: RunIndex, table: _Table, run_id: str) -> None:
        self._index = index
        self._table = table
        self._run_id = run_id

    def __getitem__(self, name: str) -> Any:
        return self._index.values(self._table, name)[self._run_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._index.names(self._table).get(self._run_id, ()))

    def __len__(self) -> int:
        return len(self._index.names(self._table).get(self._run_id, ()))


def read_index(
    store: Store, *, experiments: Sequence[str] | None = None, deleted: bool = False
) -> RunIndex:
    """The index of some experiments, by default our own; raises StoreError.

    Of a database only the table of runs is read now (10,000 runs: 0.05 s). A server has to be
    asked for everything, page by page.
    """
    with open_database(store) as database:
        if database:
            chosen = our_experiments(database) if experiments is None else experiments
            rows = read_run_rows(database, chosen, deleted=deleted)
            return RunIndex(rows, _Direct(store))
    runs = list_runs(store, experiments=experiments, deleted=deleted, most=_EVERY_RUN)
    return RunIndex([_row(run) for run in runs], _Loaded(runs))


class _Source(Protocol):
    """Where the columns of an index come from."""

    def values(self, table: _Table, name: str) -> Mapping[str, str | float]: ...

    def names(self, table: _Table) -> Mapping[str, tuple[str, ...]]: ...

    def best(
        self, metric: str, run_ids: Sequence[str], *, higher_is_better: bool
    ) -> dict[str, float]: ...

    def find(self, word: str) -> set[str]: ...

    def runs(self, run_ids: Sequence[str]) -> list[Run]: ...

    def metric_names(self, run_ids: Sequence[str]) -> list[str]: ...


class _Direct:
    """The database itself."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def values(self, table: _Table, name: str) -> Mapping[str, str | float]:
        with open_database(self._store) as database:
            assert database
            if table == "last":
                return read_last_values(database, name)
            return read_texts(database, table, name)

    def names(self, table: _Table) -> Mapping[str, tuple[str, ...]]:
        with open_database(self._store) as database:
            assert database
            return read_names_of_runs(database, "latest_metrics" if table == "last" else table)

    def best(
        self, metric: str, run_ids: Sequence[str], *, higher_is_better: bool
    ) -> dict[str, float]:
        with open_database(self._store) as database:
            assert database
            return read_best_values(database, metric, run_ids, higher_is_better=higher_is_better)

    def find(self, word: str) -> set[str]:
        with open_database(self._store) as database:
            assert database
            return find_in_params(database, word)

    def runs(self, run_ids: Sequence[str]) -> list[Run]:
        with open_database(self._store) as database:
            assert database
            return read_runs(database, read_rows_of(database, run_ids))

    def metric_names(self, run_ids: Sequence[str]) -> list[str]:
        with open_database(self._store) as database:
            assert database
            return read_keys(database, "latest_metrics", run_ids)


class _Loaded:
    """Runs that a server has sent whole. It has no best values beside those that are recorded."""

    def __init__(self, runs: Sequence[Run]) -> None:
        self._runs = {run.id: run for run in runs}

    def values(self, table: _Table, name: str) -> Mapping[str, str | float]:
        found = ((run_id, values.get(name)) for run_id, values in self._all(table))
        return {run_id: value for run_id, value in found if value is not None}

    def names(self, table: _Table) -> Mapping[str, tuple[str, ...]]:
        return {run_id: tuple(values) for run_id, values in self._all(table)}

    def _all(self, table: _Table) -> Iterator[tuple[str, Mapping[str, str | float]]]:
        part = "metrics" if table == "last" else table
        return ((run.id, getattr(run, part)) for run in self._runs.values())

    def best(
        self, metric: str, run_ids: Sequence[str], *, higher_is_better: bool
    ) -> dict[str, float]:
        return {}

    def find(self, word: str) -> set[str]:
        return {
            run.id
            for run in self._runs.values()
            if any(word in value.lower() for value in run.params.values())
        }

    def runs(self, run_ids: Sequence[str]) -> list[Run]:
        return [self._runs[run_id] for run_id in run_ids if run_id in self._runs]

    def metric_names(self, run_ids: Sequence[str]) -> list[str]:
        return sorted({name for run_id in run_ids for name in self._runs[run_id].metrics})


def _row(run: Run) -> RunRow:
    ended = int(run.ended.timestamp() * 1000) if run.ended else None
    created = int(run.created.timestamp() * 1000)
    return RunRow(
        id=run.id, name=run.name, status=run.status, start_time=created, end_time=ended,
        lifecycle_stage="", experiment_id=run.experiment_id,
    )  # fmt: skip
