"""Changing runs: making them, starting, stopping, ending, deleting. All state is in MLflow."""

import getpass
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from experiments.core.checkpoint_files import find
from experiments.core.errors import ExperimentsError, InputError
from experiments.core.journal import now_ms
from experiments.data.catalog import Source
from experiments.spec.run_spec import RunSpec
from experiments.spec.spec_files import parse_spec
from experiments.tracking.artifacts import list_checkpoints
from experiments.tracking.run import COLORS
from experiments.tracking.run_specs import SPEC_FILE, get_spec
from experiments.tracking.runs import SOURCE, RunStatus, Tag, get_run
from experiments.tracking.store import Store, store_call
from experiments.tracking.stored_datasets import link_dataset


@store_call
def create_run(
    store: Store,
    spec: RunSpec,
    status: RunStatus = RunStatus.SCHEDULED,
    parent_id: str | None = None,
    start_file: Path | None = None,
    tags: Mapping[Tag, str] | None = None,
) -> str:
    """Record a new run with its params and spec.yaml, and return its id; it has ``tags`` from the
    beginning.

    ``start_file`` is a file of the user's from which it shall start; it becomes the artifact that
    the spec names in ``start.file``. MLflow creates runs as RUNNING; the status is set last, so
    that no worker takes a run that is not whole yet.
    """
    from mlflow.entities import Param

    client = store.client
    own = {
        Tag.COLOR.value: _next_color(store),
        Tag.SOURCE.value: SOURCE,
        Tag.SOURCE_TYPE.value: "LOCAL",
        Tag.USER.value: _user(),
    }
    if parent_id:
        own[Tag.PARENT.value] = parent_id
    given = {str(name): value for name, value in (tags or {}).items()}
    made = client.create_run(store.experiment_id, run_name=spec.title, tags=own | given)
    run_id = made.info.run_id
    params = [Param(name, value) for name, value in spec.flatten().items()]
    client.log_batch(run_id, params=params)
    client.log_text(run_id, spec.to_yaml(), SPEC_FILE)
    if spec.dataset.info.source is Source.STORED:
        link_dataset(store, run_id, spec.dataset.info)
    if start_file and spec.start:
        client.log_artifact(run_id, str(start_file), str(PurePosixPath(spec.start.file).parent))
    client.update_run(run_id, status=status.value)
    return run_id


@store_call
def set_tags(store: Store, run_id: str, tags: Mapping[str, str]) -> None:
    """Set tags of a run in one call."""
    from mlflow.entities import RunTag

    store.client.log_batch(run_id, tags=[RunTag(str(key), value) for key, value in tags.items()])


@store_call
def start_run(store: Store, run_id: str, worker: str) -> None:
    """SCHEDULED → RUNNING, in the name of a worker."""
    set_tags(store, run_id, {Tag.WORKER: worker, Tag.STARTED: str(now_ms())})
    store.client.update_run(run_id, status=RunStatus.RUNNING.value)


@store_call
def end_run(store: Store, run_id: str, status: RunStatus, reason: str) -> None:
    """→ FINISHED, FAILED or KILLED, with the reason."""
    set_tags(store, run_id, {Tag.REASON: reason[:5000]})
    store.client.set_terminated(run_id, status=status.value)


@store_call
def request_stop(store: Store, run_id: str) -> None:
    """Ask a run to end after its current batch. One that has not started is KILLED at once."""
    run = get_run(store, run_id)
    if run.status is RunStatus.SCHEDULED:
        end_run(store, run_id, RunStatus.KILLED, "Stopped before it started.")
    elif run.status is RunStatus.RUNNING:
        set_tags(store, run_id, {Tag.STOP: str(now_ms())})


@store_call
def reopen_run(
    store: Store,
    run_id: str,
    epochs: int | None = None,
    status: RunStatus = RunStatus.SCHEDULED,
) -> RunSpec:
    """Let a run that has ended go on to so many epochs in all (by default those of its spec).

    Whoever trains it takes up its last checkpoint; without one it begins anew. Returns its spec.
    Raises InputError if it has not ended or has those epochs already.
    """
    run = get_run(store, run_id)
    if run.status.is_active:
        raise InputError(f"{run.name} is {run.status}. Only a run that has ended can be resumed.")
    checkpoints = list_checkpoints(store, run_id)
    behind = find(checkpoints).epoch if checkpoints else 0
    spec = get_spec(store, run_id)
    total = epochs or spec.training.epochs
    if total <= behind:
        raise InputError(
            f"epochs: received {total}, and {run.name} has {behind} epochs already. Allowed: a "
            f"total above {behind}."
        )
    if total != spec.training.epochs:
        data = spec.model_dump(mode="json")
        spec = parse_spec(data | {"training": data["training"] | {"epochs": total}})
        store.client.log_text(run_id, spec.to_yaml(), SPEC_FILE)
    of_the_end = (Tag.REASON, Tag.VERDICT, Tag.VERDICT_REASON, Tag.VERDICT_ADVICE)
    for tag in (*of_the_end, Tag.STOP, Tag.PROGRESS, Tag.WORKER):
        if tag in run.tags:
            store.client.delete_tag(run_id, tag.value)
    set_tags(store, run_id, {Tag.EPOCHS: str(total), Tag.SPENT: f"{run.seconds or 0:.3f}"})
    store.client.update_run(run_id, status=status.value)
    return spec


@store_call
def delete_runs(store: Store, run_ids: Iterable[str]) -> None:
    """Put runs into MLflow's bin. Active ones are refused: stop them first."""
    for run_id in run_ids:
        run = get_run(store, run_id)
        if run.status.is_active:
            raise ExperimentsError(f"{run.name} is {run.status}. Stop it, then delete it.")
        store.client.delete_run(run_id)


@store_call
def restore_runs(store: Store, run_ids: Iterable[str]) -> None:
    """Take runs out of the bin."""
    for run_id in run_ids:
        store.client.restore_run(run_id)


def _next_color(store: Store) -> str:
    """The color after the newest run's, so that runs made one after another differ."""
    newest = store.client.search_runs([store.experiment_id], max_results=1)
    used = newest[0].data.tags.get(Tag.COLOR, COLORS[-1]) if newest else COLORS[-1]
    position = COLORS.index(used) if used in COLORS else -1
    return COLORS[(position + 1) % len(COLORS)]


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
