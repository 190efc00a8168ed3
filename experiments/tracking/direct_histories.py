"""Points of many runs by one query, from a database that this process may read."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

import numpy as np

from experiments.diagnosis.histories import Points
from experiments.tracking.direct_database import Database, Row, among, chunks
from experiments.tracking.points import LastPoint, Logged, in_order, may_be_history, restored

_MOST_POINTS = 2_000_000  # read at once: 64 MB
_METRICS_A_QUERY = 100  # SQLite takes 500 parts of a UNION

#: A metric of a run, and how many points it has.
_Series = tuple[str, str, int]


def read_points(database: Database, run_ids: Sequence[str]) -> Logged:
    """All points of what may be a history, of each of these runs; empty for a run without any."""
    logged: Logged = {run_id: {} for run_id in run_ids}
    for some in chunks(run_ids):
        for series in _portions(_count(database, some)):
            for (run_id, key, _), points in zip(series, _read(database, series), strict=True):
                logged[run_id][key] = points
    return logged


def read_newer(database: Database, seen: Mapping[str, Mapping[str, LastPoint]]) -> Logged:
    """The points after those that are known of each run, each metric under its logged name.

    Costs the same however many are known: the last point of each metric tells whether there are
    newer ones. A point that was logged late for an earlier step is not found; that needs
    read_points.
    """
    changed = []
    for some in chunks(list(seen)):
        condition, parameters = among("r", some)
        latest = database.rows(
            "SELECT m.run_uuid, m.key, m.step, m.timestamp FROM latest_metrics m"
            f" WHERE m.run_uuid IN {condition}",
            parameters,
        )
        changed += [
            (run_id, key, seen[run_id].get(key))
            for run_id, key, step, time in latest
            if may_be_history(key) and seen[run_id].get(key) != (step, time)
        ]
    newer: Logged = {run_id: {} for run_id in seen}
    for part in chunks(changed, _METRICS_A_QUERY):
        selects, parameters = [], {}
        for number, (run_id, key, last) in enumerate(part):
            parameters |= {f"r{number}": run_id, f"k{number}": key}
            selects.append(
                f"SELECT {number}, m.step, m.value, m.timestamp, m.is_nan"
                f" FROM metrics m {database.step_index}"
                f" WHERE m.run_uuid = :r{number} AND m.key = :k{number}"
            )
            if last:
                parameters |= {f"s{number}": last.step, f"t{number}": last.time}
                selects[-1] += (
                    f" AND m.step >= :s{number}"
                    f" AND (m.step > :s{number} OR m.timestamp > :t{number})"
                )
        rows = np.array([*database.rows(" UNION ALL ".join(selects), parameters)], float)
        for number in range(len(part)) if len(rows) else ():
            own = rows[rows[:, 0] == number, 1:]
            newer[part[number][0]][part[number][1]] = in_order(_to_points(own))
    return newer


def _count(database: Database, run_ids: Sequence[str]) -> list[_Series]:
    """The metrics of the runs that may be histories, in the order in which _read has them."""
    condition, parameters = among("r", run_ids)
    counted = database.rows(
        f"SELECT m.run_uuid, m.key, COUNT(*) FROM metrics m {database.step_index}"
        f" WHERE m.run_uuid IN {condition} GROUP BY m.run_uuid, m.key"
        " ORDER BY m.run_uuid, m.key",
        parameters,
    )
    return [(run_id, key, count) for run_id, key, count in counted if may_be_history(key)]


def _portions(series: Sequence[_Series]) -> Iterator[list[_Series]]:
    """Whole runs, as many as fit into the memory that a query may take."""
    portion: list[_Series] = []
    points = 0
    for one in series:
        if points + one[2] > _MOST_POINTS and portion and portion[-1][0] != one[0]:
            yield portion
            portion, points = [], 0
        portion.append(one)
        points += one[2]
    if portion:
        yield portion


def _read(database: Database, series: Sequence[_Series]) -> Iterator[Points]:
    """The points of each series, in the same order.

    The names are left out of the query: a text for each of 400,000 rows takes longer than the
    rest. That the database returns the rows in the order of the series makes up for it.
    """
    runs, run_parameters = among("r", list(dict.fromkeys(run_id for run_id, _, _ in series)))
    keys, key_parameters = among("k", list(dict.fromkeys(key for _, key, _ in series)))
    counts = [count for _, _, count in series]
    rows = database.rows(
        f"SELECT m.step, m.value, m.timestamp, m.is_nan FROM metrics m {database.step_index}"
        f" WHERE m.run_uuid IN {runs} AND m.key IN {keys} ORDER BY m.run_uuid, m.key, m.step",
        run_parameters | key_parameters,
    )
    whole = _to_points(_to_array(rows, sum(counts)))
    ends = np.cumsum(counts)
    if ((np.diff(whole.steps) == 0) & (np.diff(whole.times) < 0)).any():
        number = np.repeat(np.arange(len(counts)), counts)
        whole = whole.at(np.lexsort((whole.times, whole.steps, number)))
    for part in whole:
        part.flags.writeable = False
    for start, end in zip([0, *ends[:-1].tolist()], ends.tolist(), strict=True):
        yield whole.at(slice(start, end))


def _to_array(rows: Iterable[Row], count: int) -> np.ndarray:
    """Rows of four numbers as (count, 4); raises ValueError if there are fewer."""
    return np.fromiter(chain.from_iterable(rows), float, count=4 * count).reshape(-1, 4)


def _to_points(rows: np.ndarray) -> Points:
    return Points(
        rows[:, 0].astype(np.int64),
        restored(rows[:, 1], rows[:, 3] != 0),
        rows[:, 2].astype(np.int64),
    )
