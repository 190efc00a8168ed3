"""Runs and experiments from a database that this process may read."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

from experiments.tracking.direct_database import Database, among, chunks
from experiments.tracking.run import Run, RunRow, RunStatus, make_run, to_value

_COLUMNS = "r.run_uuid, r.name, r.status, r.start_time, r.end_time, r.lifecycle_stage"
_NEWEST_FIRST = "ORDER BY r.start_time DESC, r.run_uuid"  # as MLflow has it


class ExperimentRow(NamedTuple):
    """An experiment that is not deleted, and how many runs are in it."""

    id: str
    name: str
    runs: int


def read_experiments(database: Database) -> list[ExperimentRow]:
    """All experiments that are not deleted, in the order in which they were made."""
    found = database.rows(
        "SELECT e.experiment_id, e.name, COUNT(r.run_uuid) FROM experiments e"
        " LEFT JOIN runs r ON r.experiment_id = e.experiment_id AND r.lifecycle_stage = 'active'"
        " WHERE e.lifecycle_stage = 'active' GROUP BY e.experiment_id, e.name"
        " ORDER BY e.experiment_id",
        {},
    )
    return [ExperimentRow(str(id_), name, runs) for id_, name, runs in found]


def find_experiment(database: Database, name: str) -> str | None:
    """The id of the experiment with this name."""
    found = database.rows(
        "SELECT e.experiment_id FROM experiments e WHERE e.name = :name", {"name": name}
    )
    return next((str(experiment_id) for (experiment_id,) in found), None)


def read_run_rows(
    database: Database,
    experiments: Sequence[str],
    *,
    deleted: bool = False,
    status: RunStatus | None = None,
    most: int | None = None,
) -> list[RunRow]:
    """The runs of some experiments, newest first."""
    if not experiments:
        return []
    condition, parameters = among("e", [int(id_) for id_ in experiments])
    parameters["stage"] = "deleted" if deleted else "active"
    query = (
        f"SELECT {_COLUMNS}, r.experiment_id FROM runs r"
        f" WHERE r.experiment_id IN {condition} AND r.lifecycle_stage = :stage"
    )
    if status:
        query += " AND r.status = :status"
        parameters["status"] = status.value
    query += f" {_NEWEST_FIRST}"
    if most is not None:
        query += f" LIMIT {int(most)}"
    return [_row(*row) for row in database.rows(query, parameters)]


def read_runs(database: Database, rows: Sequence[RunRow]) -> list[Run]:
    """The runs of these rows, whole."""
    params: dict[str, dict[str, str]] = defaultdict(dict)
    tags: dict[str, dict[str, str]] = defaultdict(dict)
    metrics: dict[str, dict[str, float]] = defaultdict(dict)
    for some in chunks([row.id for row in rows]):
        condition, parameters = among("r", some)
        for table, found in (("params", params), ("tags", tags)):
            query = f"SELECT t.run_uuid, t.key, t.value FROM {table} t WHERE t.run_uuid IN "
            for run_id, key, value in database.rows(query + condition, parameters):
                found[run_id][key] = value
        query = "SELECT m.run_uuid, m.key, m.value, m.is_nan FROM latest_metrics m"
        for run_id, key, value, is_nan in database.rows(
            f"{query} WHERE m.run_uuid IN {condition}", parameters
        ):
            metrics[run_id][key] = to_value(value, bool(is_nan))
    return [
        make_run(
            row, params=params.get(row.id, {}), metrics=metrics.get(row.id, {}),
            tags=tags.get(row.id, {}),
        )
        for row in rows
    ]  # fmt: skip


def read_rows_of(database: Database, run_ids: Sequence[str]) -> list[RunRow]:
    """The rows of these runs, in their order, deleted or not; without those that are not there."""
    found: dict[str, RunRow] = {}
    for some in chunks(run_ids):
        condition, parameters = among("r", some)
        query = f"SELECT {_COLUMNS}, r.experiment_id FROM runs r WHERE r.run_uuid IN {condition}"
        found |= {row[0]: _row(*row) for row in database.rows(query, parameters)}
    return [found[run_id] for run_id in run_ids if run_id in found]


def read_texts(database: Database, table: str, key: str) -> dict[str, str]:
    """One param or tag (``table`` is ``params`` or ``tags``) of all runs that have it."""
    query = f"SELECT t.run_uuid, t.value FROM {table} t WHERE t.key = :key"
    return {run_id: value for run_id, value in database.rows(query, {"key": key})}


def read_last_values(database: Database, key: str) -> dict[str, float]:
    """The last value of one metric of all runs that have it."""
    query = "SELECT m.run_uuid, m.value, m.is_nan FROM latest_metrics m WHERE m.key = :key"
    rows = database.rows(query, {"key": key})
    return {run_id: to_value(value, bool(is_nan)) for run_id, value, is_nan in rows}


def read_best_values(
    database: Database, key: str, run_ids: Sequence[str], *, higher_is_better: bool
) -> dict[str, float]:
    """The best finite value of one metric of these runs."""
    found: dict[str, float] = {}
    best = "MAX" if higher_is_better else "MIN"
    for some in chunks(run_ids):
        condition, parameters = among("r", some)
        rows = database.rows(
            f"SELECT m.run_uuid, {best}(m.value) FROM metrics m {database.step_index}"
            f" WHERE m.run_uuid IN {condition} AND m.key = :key AND m.is_nan = :whole"
            " AND m.value BETWEEN -1e308 AND 1e308 GROUP BY m.run_uuid",
            parameters | {"key": key, "whole": False},
        )
        found |= {run_id: float(value) for run_id, value in rows}
    return found


def read_keys(database: Database, table: str, run_ids: Sequence[str]) -> list[str]:
    """The names in ``params``, ``tags`` or ``latest_metrics`` that any of these runs has."""
    names: set[str] = set()
    for some in chunks(run_ids):
        condition, parameters = among("r", some)
        query = f"SELECT DISTINCT t.key FROM {table} t WHERE t.run_uuid IN {condition}"
        names |= {key for (key,) in database.rows(query, parameters)}
    return sorted(names)


def read_names_of_runs(database: Database, table: str) -> dict[str, tuple[str, ...]]:
    """The names in ``params``, ``tags`` or ``latest_metrics``, by run id."""
    names: dict[str, list[str]] = {}
    for run_id, key in database.rows(f"SELECT t.run_uuid, t.key FROM {table} t", {}):
        names.setdefault(run_id, []).append(key)
    return {run_id: tuple(sorted(keys)) for run_id, keys in names.items()}


def find_in_params(database: Database, word: str) -> set[str]:
    """The runs that have the word in the value of any param, whatever its letters."""
    pattern = word.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    rows = database.rows(
        "SELECT p.run_uuid FROM params p WHERE LOWER(p.value) LIKE :word ESCAPE '\\'",
        {"word": f"%{pattern}%"},
    )
    return {run_id for (run_id,) in rows}


def _row(*values: Any) -> RunRow:
    row = RunRow._make(values)
    return row._replace(experiment_id=str(row.experiment_id))
