"""Points of many runs from an MLflow server, over the endpoints that its own UI uses.

`get-history-bulk` answers one metric of at most 100 runs and cuts off after 25,000 points without
saying so; what may have been cut is asked for again. `get-history-bulk-interval` thins out a
metric of more than 2,500 points, so only short intervals are asked of it.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from experiments.diagnosis.histories import Points
from experiments.tracking.direct_database import chunks
from experiments.tracking.mlflow_compat import ask_server
from experiments.tracking.points import LastPoint, Logged, in_order, may_be_history, restored
from experiments.tracking.runs import Run
from experiments.tracking.store import Store, store_call

_RUNS_A_CALL = 100  # MLflow takes no more
_POINTS_A_CALL = 25_000
_POINTS_A_RUN = 2_500  # of the interval call
_AT_ONCE = 4  # calls
_ENDPOINT = "/ajax-api/2.0/mlflow/metrics/get-history-bulk"

_Rows = list[dict[str, Any]]


@store_call
def read_served_points(store: Store, runs: Sequence[Run]) -> Logged:
    """All points of what may be a history, of each of these runs; raises StoreError."""
    logged: Logged = {run.id: {} for run in runs}
    run_ids = defaultdict(list)
    for run in runs:
        for name in filter(may_be_history, run.metrics):
            run_ids[name].append(run.id)
    calls = [(name, some) for name in run_ids for some in chunks(run_ids[name], _RUNS_A_CALL)]
    found = _at_once(lambda call: _whole(store, *call), calls)
    for (name, _), rows in zip(calls, found, strict=True):
        _sort_in(logged, name, rows)
    return logged


@store_call
def read_served_newer(store: Store, seen: Mapping[str, Mapping[str, LastPoint]]) -> Logged:
    """The points after those that are known, as direct_histories.read_newer does it."""
    newer: Logged = {run_id: {} for run_id in seen}
    changed: dict[str, dict[str, int]] = defaultdict(dict)
    last = 0
    for run_id, latest in _latest(store, list(seen)).items():
        for name, point in latest.items():
            known = seen[run_id].get(name)
            if may_be_history(name) and known != point:
                changed[name][run_id] = known.step if known else 0
                last = max(last, point.step)
    calls = [(name, some) for name in changed for some in chunks([*changed[name]], _RUNS_A_CALL)]

    def ask(call: tuple[str, Sequence[str]]) -> _Rows:
        name, run_ids = call
        since = min(changed[name][run_id] for run_id in run_ids)
        rows = _interval(store, name, run_ids, since, max(last, since))
        whole = len(rows) < _POINTS_A_RUN  # no single run can have been thinned out
        return rows if whole else _whole(store, name, run_ids)

    for (name, _), rows in zip(calls, _at_once(ask, calls), strict=True):
        _sort_in(newer, name, rows)
    return {
        run_id: {name: _after(points, seen[run_id].get(name)) for name, points in metrics.items()}
        for run_id, metrics in newer.items()
    }


def _latest(store: Store, run_ids: Sequence[str]) -> dict[str, dict[str, LastPoint]]:
    """The last point of each metric; a run that is gone has none."""
    if not run_ids:
        return {}
    from mlflow.entities import ViewType

    found = {}
    for some in chunks(run_ids, _RUNS_A_CALL):
        named = ", ".join(f"'{run_id}'" for run_id in some)
        experiments = {store.client.get_run(run_id).info.experiment_id for run_id in some[:1]}
        runs = store.client.search_runs(
            [*experiments], f"attributes.run_id IN ({named})", ViewType.ALL, len(some)
        )
        have = {run.info.run_id: run for run in runs}
        for run_id in some:
            run = have.get(run_id) or store.client.get_run(run_id)
            metrics = run.data.to_proto().metrics  # ``data.metrics`` has values alone
            found[run_id] = {point.key: LastPoint(point.step, point.timestamp) for point in metrics}
    return found


def _whole(store: Store, name: str, run_ids: Sequence[str]) -> _Rows:
    """Every point of one metric of these runs."""
    rows: _Rows = []
    rest = sorted(run_ids)
    while rest:
        some = _ask(store, "", metric_key=name, run_id=rest, max_results=_POINTS_A_CALL)
        if len(some) < _POINTS_A_CALL:
            return rows + some
        cut = some[-1]["run_id"]  # the runs before it are whole: they come in this order
        rows += [row for row in some if row["run_id"] < cut]
        rest = [run_id for run_id in rest if run_id > cut]
        rows += [
            {"run_id": cut, "step": m.step, "value": m.value, "timestamp": m.timestamp}
            for m in store.client.get_metric_history(cut, name)
        ]
    return rows


def _interval(store: Store, name: str, run_ids: Sequence[str], start: int, end: int) -> _Rows:
    return _ask(
        store, "-interval", metric_key=name, run_ids=list(run_ids), start_step=start,
        end_step=end, max_results=_POINTS_A_RUN,
    )  # fmt: skip


def _ask(store: Store, kind: str, **parameters: Any) -> _Rows:
    answer = ask_server(store.settings.tracking_uri, f"{_ENDPOINT}{kind}", **parameters)
    rows: _Rows = answer.get("metrics", [])
    return rows


def _at_once(ask: Callable[[Any], _Rows], calls: Sequence[Any]) -> list[_Rows]:
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="histories over HTTP") as pool:
        return list(pool.map(ask, calls))


def _sort_in(logged: Logged, name: str, rows: _Rows) -> None:
    """Add the points of one metric to each run that they belong to."""
    own = defaultdict(list)
    for row in rows:
        # JSON of protobuf leaves out zeros and has int64 as text
        value = float(row.get("value", 0.0))
        own[row["run_id"]].append((int(row.get("step", 0)), value, int(row["timestamp"])))
    for run_id, points in own.items():
        steps, values, times = np.array(points, float).T
        logged[run_id][name] = in_order(
            Points(
                steps.astype(np.int64), restored(values, np.isnan(values)), times.astype(np.int64)
            )
        )


def _after(points: Points, seen: LastPoint | None) -> Points:
    if seen is None:
        return points
    later = (points.steps > seen.step) | ((points.steps == seen.step) & (points.times > seen.time))
    return points.at(later)
