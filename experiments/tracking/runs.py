"""Finding runs, whichever kind of store they are in. All state is in MLflow."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from experiments.core.errors import RunNotFoundError
from experiments.core.words import listed
from experiments.tracking.direct_database import Database, open_database
from experiments.tracking.direct_runs import (
    find_experiment,
    read_experiments,
    read_rows_of,
    read_run_rows,
    read_runs,
)
from experiments.tracking.run import SOURCE, Run, RunRow, RunStatus, Tag, make_run, to_value
from experiments.tracking.store import (
    DATASETS_EXPERIMENT,
    EXPERIMENT,
    MODELS_EXPERIMENT,
    Store,
    store_call,
)

if TYPE_CHECKING:
    from mlflow.entities import Run as MlflowRun

__all__ = ["SOURCE", "Run", "RunStatus", "Tag"]

_A_PAGE = 1000  # runs; one MLflow call for 10,000 takes 7 s and longer


class Experiment(NamedTuple):
    """An experiment of the store, and how many runs it has where that is cheap to know."""

    id: str
    name: str
    runs: int | None

    @property
    def is_ours(self) -> bool:
        """Whether it is the one that our runs are in."""
        return self.name == EXPERIMENT


def list_experiments(store: Store) -> list[Experiment]:
    """All experiments of runs that are not deleted, ours first."""
    with open_database(store) as database:
        if database:
            found = [Experiment(*row) for row in read_experiments(database)]
        else:
            found = _served_experiments(store)
    found = [one for one in found if one.name not in (DATASETS_EXPERIMENT, MODELS_EXPERIMENT)]
    return sorted(found, key=lambda experiment: not experiment.is_ours)


def get_run(store: Store, run_id: str) -> Run:
    """One run; raises RunNotFoundError."""
    with open_database(store) as database:
        if database is None:
            return _served_run(store, run_id)
        for run in read_runs(database, read_rows_of(database, [run_id])):
            return run
    raise RunNotFoundError(f"Run {run_id!r} not found. Choose one that is in the list of runs.")


def list_runs(
    store: Store,
    *,
    experiments: Sequence[str] | None = None,
    deleted: bool = False,
    most: int = 1000,
) -> list[Run]:
    """The runs of some experiments, by default our own; newest first; those in the bin if
    ``deleted``."""
    with open_database(store) as database:
        if database:
            chosen = our_experiments(database) if experiments is None else experiments
            return read_runs(database, read_run_rows(database, chosen, deleted=deleted, most=most))
    return _served_runs(store, "", experiments, deleted=deleted, most=most)


def find_runs(store: Store, status: RunStatus) -> list[Run]:
    """Our runs with one status, in the order in which they should be taken: priority, then age."""
    with open_database(store) as database:
        if database:
            rows = read_run_rows(database, our_experiments(database), status=status)
            found = read_runs(database, rows)
        else:
            query = f"attributes.status = '{status.value}'"
            found = _served_runs(store, query, None, deleted=False, most=_A_PAGE)
    return sorted(found, key=lambda run: (-int(run.params.get("priority", 0)), run.created))


def resolve_run(store: Store, text: str) -> Run:
    """The run with this id, this beginning of an id, or this name (the newest).

    Runs of ours come before those of other tools, which are also found by the beginning of their
    name, where that is one run's. Raises RunNotFoundError that says where to find the names.
    """
    try:
        return get_run(store, text)
    except RunNotFoundError:
        matches = _matching(list_runs(store), text)
    if not matches:
        others = [one.id for one in list_experiments(store) if not one.is_ours]
        theirs = list_runs(store, experiments=others) if others else []
        matches = _matching(theirs, text)
        begun = [run for run in theirs if len(text) >= 3 and run.name.startswith(text)]
        if not matches and len(begun) > 1:
            names = listed([f"{run.name} ({run.id[:8]})" for run in begun])
            raise RunNotFoundError(
                f"{text!r} is the beginning of {len(begun)} runs: {names}. Name one by its id."
            )
        matches = matches or begun
    if not matches:
        raise RunNotFoundError(
            f"No run {text!r} in the store {store.settings.tracking_uri}. Name a run by its id, "
            "the first characters of its id, or its name; `python -m experiments status` lists "
            "them."
        )
    return matches[0]


def _matching(runs: Sequence[Run], text: str) -> list[Run]:
    named = [run for run in runs if run.name == text]
    return named or [run for run in runs if len(text) >= 4 and run.id.startswith(text)]


def our_experiments(database: Database) -> list[str]:
    """The experiment of our runs, none before the first."""
    found = find_experiment(database, EXPERIMENT)
    return [] if found is None else [found]


@store_call
def _served_experiments(store: Store) -> list[Experiment]:
    found: list[Experiment] = []
    token = None
    while True:
        page = store.client.search_experiments(page_token=token)
        found += [Experiment(one.experiment_id, one.name, None) for one in page]
        token = page.token
        if not token:
            return found[::-1]  # MLflow has the newest first


@store_call
def _served_run(store: Store, run_id: str) -> Run:
    return _to_run(store.client.get_run(run_id))


@store_call
def _served_runs(
    store: Store, query: str, experiments: Sequence[str] | None, *, deleted: bool, most: int
) -> list[Run]:
    from mlflow.entities import ViewType

    view = ViewType.DELETED_ONLY if deleted else ViewType.ACTIVE_ONLY
    chosen = [store.experiment_id] if experiments is None else list(experiments)
    found: list[Run] = []
    token = None
    while chosen and len(found) < most:
        page = store.client.search_runs(
            chosen, query, view, min(most - len(found), _A_PAGE), page_token=token
        )
        found += map(_to_run, page)
        token = page.token
        if not token:
            break
    return found


def _to_run(run: "MlflowRun") -> Run:
    info, data = run.info, run.data
    row = RunRow(
        id=info.run_id, name=info.run_name, status=info.status, start_time=info.start_time,
        end_time=info.end_time, lifecycle_stage=info.lifecycle_stage,
        experiment_id=info.experiment_id,
    )  # fmt: skip
    metrics = {name: to_value(value) for name, value in data.metrics.items()}
    return make_run(row, params=dict(data.params), metrics=metrics, tags=dict(data.tags))
