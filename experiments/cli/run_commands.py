"""Commands about runs."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.cli.answers import open_store, say
from experiments.cli.arguments import (
    AddCommand,
    add_overrides,
    add_queue,
    add_run,
    count_to,
    finish,
)
from experiments.core.errors import InputError
from experiments.core.settings import settings_in_use
from experiments.data.catalog import CATALOG

if TYPE_CHECKING:
    from collections.abc import Sequence

    from experiments.spec.run_spec import RunSpec
    from experiments.tracking.runs import Run, RunStatus
    from experiments.tracking.store import Store


_MOST_EPOCHS = 100_000
_MOST_SLOTS = 64


def add_commands(add: AddCommand) -> None:
    """From `run` to `stop`."""
    training = add("run", help="train a spec here, in the foreground")
    submitting = add("submit", help="queue a spec for a worker")
    for command in (training, submitting):
        command.add_argument("spec", type=Path, metavar="SPEC.yaml")
        add_overrides(command, "override a field of the spec, for example training.epochs=5")
    finish(training, run, logs=True)
    finish(submitting, submit_spec)

    command = add("resume", help="continue a run that has ended, exactly where it stopped")
    add_run(command)
    command.add_argument(
        "--epochs", type=count_to(_MOST_EPOCHS), metavar="N",
        help="total number of epochs to reach (default: the spec's)",
    )  # fmt: skip
    add_queue(command)
    finish(command, resume, logs=True)

    command = add("branch", help="train a new run from a checkpoint of another one")
    add_run(command)
    command.add_argument(
        "--epoch", type=count_to(_MOST_EPOCHS), metavar="K",
        help="the checkpoint after K epochs (default: the last)",
    )  # fmt: skip
    add_overrides(command, "what is changed")
    add_queue(command)
    finish(command, branch, logs=True)

    command = add("worker", help="train queued runs until stopped")
    command.add_argument(
        "--slots",
        type=count_to(_MOST_SLOTS),
        default=1,
        help="how many runs to train at once (default 1)",
    )
    command.add_argument("--embedded", action="store_true", help=argparse.SUPPRESS)
    finish(command, work, json=False, logs=True)

    command = add("status", help="list the runs, or show one")
    command.add_argument("run", nargs="?", metavar="RUN")
    finish(command, status)

    command = add("stop", help="stop a run after its current batch; its model is kept")
    add_run(command)
    finish(command, stop)


def run(options: argparse.Namespace) -> int:
    """Train in the foreground."""
    spec = read_named_spec(options.spec, options.set)
    from experiments.running.fold_runs import run_all_inline

    return _all_trained(options, run_all_inline(open_store(), spec))


def submit_spec(options: argparse.Namespace) -> int:
    """Queue a run, or one for each fold."""
    from experiments.running.fold_runs import submit_all

    store = open_store()
    return _queued(options, store, *submit_all(store, read_named_spec(options.spec, options.set)))


def resume(options: argparse.Namespace) -> int:
    """Let a run that has ended go on, in the foreground or queued."""
    from experiments.tracking.runs import resolve_run

    store = open_store()
    found = resolve_run(store, options.run)
    if options.queue:
        from experiments.running.queue import resume

        resume(store, found.id, options.epochs)
        return _queued(options, store, found.id)
    from experiments.running.inline_launcher import resume_inline

    return _trained(options, found.id, resume_inline(store, found.id, options.epochs))


def branch(options: argparse.Namespace) -> int:
    """Train a new run from a checkpoint of another one, in the foreground or queued."""
    from experiments.running.branch_runs import branch_spec
    from experiments.tracking.runs import resolve_run

    store = open_store()
    found = resolve_run(store, options.run)
    spec = branch_spec(store, found.id, options.epoch, options.set)
    if options.queue:
        from experiments.running.queue import submit

        return _queued(options, store, submit(store, spec, parent_id=found.id))
    from experiments.running.inline_launcher import run_inline

    return _trained(options, *run_inline(store, spec, parent_id=found.id))


def work(options: argparse.Namespace) -> int:
    """Be a worker."""
    import os

    from experiments.running.worker import serve

    settings = settings_in_use()
    os.environ.update(settings.environment())
    serve(settings, options.slots, embedded=options.embedded)
    return 0


def status(options: argparse.Namespace) -> int:
    """All runs, or one."""
    from experiments.tracking.runs import list_runs, resolve_run

    store = open_store()
    if options.run:
        found = resolve_run(store, options.run)
        lines = [f"{found.name}  {found.status}  {found.id}", found.reason]
        lines += [f"  {name} = {value:.6g}" for name, value in sorted(found.metrics.items())]
        say(options, _describe(found), "\n".join(filter(None, lines)))
        return 0
    runs = list_runs(store)
    text = "\n".join(
        f"{run.id}  {run.status:<9}  {run.verdict or '-':<15}  {run.name}" for run in runs
    )
    say(options, [_describe(run) for run in runs], text or "No runs yet.")
    return 0


def stop(options: argparse.Namespace) -> int:
    """Ask a run to stop."""
    from experiments.tracking.changes import request_stop
    from experiments.tracking.runs import get_run, resolve_run

    store = open_store()
    found = resolve_run(store, options.run)
    if not found.status.is_active:
        raise InputError(f"{found.name} is {found.status} already. Only a run that is SCHEDULED or "
                         "RUNNING can be stopped.")  # fmt: skip
    request_stop(store, found.id)
    now = get_run(store, found.id).status.value
    say(options, {"run_id": found.id, "status": now}, f"{found.name} was asked to stop.")
    return 0


def read_named_spec(path: Path, overrides: list[str]) -> "RunSpec":
    """The spec in a file, which may name stored datasets as the user does; raises SpecError."""
    from experiments.spec.spec_files import read_spec

    def known_name(name: str) -> str:
        if name in CATALOG:
            return name
        from experiments.tracking import stored_datasets

        return stored_datasets.known_name(open_store(), name)

    return read_spec(path, overrides, known_name)


def _trained(options: argparse.Namespace, run_id: str, status: "RunStatus") -> int:
    return _all_trained(options, [(run_id, status)])


def _all_trained(options: argparse.Namespace, runs: "Sequence[tuple[str, RunStatus]]") -> int:
    _say_runs(options, [(run_id, status.value) for run_id, status in runs])
    return 0 if all(status.value == "FINISHED" for _, status in runs) else 1


def _queued(options: argparse.Namespace, store: "Store", *run_ids: str) -> int:
    from experiments.running.queue import worker_lives

    _say_runs(options, [(run_id, "SCHEDULED") for run_id in run_ids])
    if not worker_lives(store.settings):
        print(
            "No worker is running. Queued runs start as soon as one does: python -m experiments "
            "worker",
            file=sys.stderr,
        )
    return 0


def _say_runs(options: argparse.Namespace, runs: list[tuple[str, str]]) -> None:
    """One run as an object, the runs of folds as a list of them."""
    answers = [{"run_id": run_id, "status": status} for run_id, status in runs]
    text = "\n".join(f"{status} {run_id}" for run_id, status in runs)
    say(options, answers[0] if len(answers) == 1 else answers, text)


def _describe(run: "Run") -> dict[str, Any]:
    return {
        "run_id": run.id, "name": run.name, "status": run.status.value, "reason": run.reason,
        "verdict": run.verdict, "created": run.created.isoformat(),
        "started": run.started.isoformat() if run.started else None,
        "ended": run.ended.isoformat() if run.ended else None,
        "progress": run.progress, "params": dict(run.params),
        "metrics": {name: value if abs(value) < float("inf") else None
                    for name, value in run.metrics.items()},
    }  # fmt: skip
