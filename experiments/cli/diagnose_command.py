"""`diagnose`: verdicts on runs and on history files."""

import argparse
import sys
from pathlib import Path
from typing import Any

from experiments.cli.answers import open_store, say
from experiments.cli.arguments import AddCommand, finish
from experiments.core.errors import HistoryError, InputError


def add_commands(add: AddCommand) -> None:
    """`diagnose`."""
    command = add("diagnose", help="is it overfitting? give a verdict on runs or history files")
    command.add_argument("runs", nargs="*", metavar="RUN")
    command.add_argument(
        "--history", nargs="+", default=[], metavar="FILE", type=Path,
        help="logs: Keras' history as JSON, CSVLogger, Lightning, YOLO, trainer_state.json, "
        "TensorBoard, Weights & Biases' export, printed progress; files or folders",
    )  # fmt: skip
    finish(command, diagnose_all)


def diagnose_all(options: argparse.Namespace) -> int:
    """Verdicts on runs and on history files, in the order in which they were given.

    An input that is refused has ``verdict`` null and an ``error``; the others are answered all
    the same, and the exit code is 2.
    """
    from experiments.diagnosis import diagnose
    from experiments.logs import all_of

    if not options.runs and not options.history:
        raise InputError("Nothing to diagnose. Name runs, or files with --history FILE….")
    answers: list[dict[str, Any]] = []
    if options.runs:
        from experiments.running.run_verdict import judge_run
        from experiments.tracking.history_reader import get_history
        from experiments.tracking.runs import resolve_run

        store = open_store()
        for name in options.runs:
            found = resolve_run(store, name)
            verdict = judge_run(found, get_history(store, found))
            answers.append({"name": found.name, "run_id": found.id, **verdict.to_dict()})
    for path, logs in all_of(options.history):
        if isinstance(logs, HistoryError):
            answers.append({"name": str(path), "verdict": None, "error": str(logs)})
            print(f"error: {path}: {logs}", file=sys.stderr)
            continue
        for log in logs:
            name = str(path) if len(logs) == 1 else f"{path}: {log.name}"
            read = {"kind": log.kind, "axis": log.axis, "notes": list(log.notes)}
            answers.append({"name": name, **diagnose(log.history).to_dict(), **read})
    text = "\n\n".join(
        f"{answer['name']}: {answer['verdict']}\n  {answer['reason']}\n  {answer['advice']}"
        for answer in answers
        if answer["verdict"]
    )
    say(options, answers, text)
    return 2 if any("error" in answer for answer in answers) else 0
