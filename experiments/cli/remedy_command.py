"""The command that tries remedies and says whether they helped."""

import argparse
from typing import TYPE_CHECKING, Any

from experiments.cli.answers import open_store, say
from experiments.cli.arguments import AddCommand, add_queue, add_run, count_to, finish
from experiments.core.errors import InputError

if TYPE_CHECKING:
    from experiments.diagnosis.remedies import Remedy
    from experiments.spec.run_spec import RunSpec
    from experiments.tracking.runs import Run


def add_commands(add: AddCommand) -> None:
    """`remedy`."""
    command = add(
        "remedy", help="try what may help a run, with several seeds, and report whether it did"
    )
    add_run(command, "a run that has ended")
    command.add_argument(
        "--remedies", metavar="NAME,…", default="",
        help="the remedies to try, comma-separated (default: those that its verdict suggests)",
    )  # fmt: skip
    command.add_argument(
        "--seeds",
        type=count_to(100),
        default=3,
        metavar="N",
        help="how many seeds to train with (default 3)",
    )
    add_queue(command)
    finish(command, remedy, logs=True)


def remedy(options: argparse.Namespace) -> int:
    """Train what no run has tried yet, in the foreground or queued; then say what came of it."""
    from experiments.diagnosis.remedies import seeds_for
    from experiments.diagnosis.remedy_outcome import outcome
    from experiments.running.remedy_runs import children_of, launch_remedies, missing, trial_of
    from experiments.tracking.history_reader import get_history
    from experiments.tracking.run_specs import get_spec
    from experiments.tracking.runs import list_runs, resolve_run

    store = open_store()
    run = resolve_run(store, options.run)
    spec = get_spec(store, run.id)
    chosen = _chosen(options, run, spec)
    seeds = seeds_for(spec, options.seeds)
    runs = missing(spec, chosen, seeds, children_of(run, list_runs(store)))
    launched = launch_remedies(store, run, runs, inline=not options.queue)
    children = children_of(run, list_runs(store))
    ended = {child.id: get_history(store, child) for child in children
             if not child.status.is_active}  # fmt: skip
    table = outcome([trial_of(child) for child in children], ended)
    answer: dict[str, Any] = {"run_id": run.id, "launched": launched}
    answer["remedies"] = {
        str(name): {key: _json_safe(value) for key, value in row.items()}
        for name, row in table.to_dict(orient="index").items()
    }
    text = "\n".join(f"{name}: {row['words']}" for name, row in table.iterrows())
    queued = f"{len(launched)} runs are queued.\n" if launched and options.queue else ""
    say(options, answer, f"{queued}{text}")
    return 0


def _chosen(options: argparse.Namespace, run: "Run", spec: "RunSpec") -> "list[Remedy]":
    from experiments.diagnosis import Label
    from experiments.diagnosis.remedies import choose, remedies, suggest

    if run.verdict is None:
        raise InputError(f"{run.name} is {run.status} and has no verdict yet. Name one that ended.")
    label = Label(run.verdict)
    names = [name.strip() for name in options.remedies.split(",") if name.strip()]
    chosen = choose(spec, label, names) if names else suggest(spec, label)
    if not chosen:
        offered = ", ".join(remedy.name for remedy in remedies(spec, label))
        raise InputError(
            f"{run.name} is {run.verdict}: nothing is suggested. Choose with --remedies: {offered}."
        )
    return chosen


def _json_safe(value: Any) -> Any:
    return None if isinstance(value, float) and value != value else value
