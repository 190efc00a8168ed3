"""`diagnose`: verdicts on runs and on history files."""

import argparse
import json
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
        help='JSON files with a Keras history dict: {"loss": […], "val_loss": […]}',
    )  # fmt: skip
    finish(command, diagnose_all)


def diagnose_all(options: argparse.Namespace) -> int:
    """Verdicts on runs and on history files, in the order in which they were given.

    An input that is refused has ``verdict`` null and an ``error``; the others are answered all
    the same, and the exit code is 2.
    """
    from experiments.diagnosis import diagnose, history_from_keras

    if not options.runs and not options.history:
        raise InputError("Nothing to diagnose. Name runs, or files with --history FILE….")
    answers: list[dict[str, Any]] = []
    if options.runs:
        from experiments.running.run_verdict import judge_history, split_faults_of
        from experiments.tracking.history_reader import get_history
        from experiments.tracking.runs import resolve_run

        store = open_store()
        for name in options.runs:
            found = resolve_run(store, name)
            history = get_history(store, found)
            verdict = judge_history(history, found.metrics, split_faults=split_faults_of(found))
            answers.append({"name": found.name, "run_id": found.id, **verdict.to_dict()})
    for path in options.history:
        try:
            answers.append(
                {"name": str(path), **diagnose(history_from_keras(_read_history(path))).to_dict()}
            )
        except HistoryError as error:
            answers.append({"name": str(path), "verdict": None, "error": str(error)})
            print(f"error: {path}: {error}", file=sys.stderr)
    text = "\n\n".join(
        f"{answer['name']}: {answer['verdict']}\n  {answer['reason']}\n  {answer['advice']}"
        for answer in answers
        if answer["verdict"]
    )
    say(options, answers, text)
    return 2 if any("error" in answer for answer in answers) else 0


def _read_history(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise HistoryError(
            f"This is not a JSON file that can be read: {error}. Allowed: a Keras history dict, "
            '{"loss": […], "val_loss": […]}.'
        ) from None
