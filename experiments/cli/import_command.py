"""`import`: logs of other tools as runs."""

import argparse
import sys
from pathlib import Path
from typing import Any

from experiments.cli.answers import open_store, say
from experiments.cli.arguments import AddCommand, finish
from experiments.core.errors import HistoryError


def add_commands(add: AddCommand) -> None:
    """`import`."""
    command = add("import", help="keep the logs of other tools as runs, with verdicts")
    command.add_argument("paths", nargs="+", metavar="PATH", type=Path, help="files or folders")
    command.add_argument(
        "--experiment", default="imported", metavar="NAME", help="default: imported"
    )
    finish(command, import_all)


def import_all(options: argparse.Namespace) -> int:
    """Each log becomes a run, once; the exit code is 2 where a path has none that can be read."""
    from experiments.logs import all_of
    from experiments.running.log_import import import_logs

    store = open_store()
    answers: list[dict[str, Any]] = []
    lines = []
    for path, logs in all_of(options.paths):
        if isinstance(logs, HistoryError):
            answers.append({"path": str(path), "error": str(logs)})
            print(f"error: {path}: {logs}", file=sys.stderr)
            continue
        kept = import_logs(store, logs, options.experiment, str(path.resolve()))
        for log, run in zip(logs, kept, strict=True):
            answers.append({
                "path": str(path), "name": run.name, "run_id": run.run_id, "new": run.new,
                "kind": log.kind, "axis": log.axis, "notes": list(log.notes),
            })  # fmt: skip
            state = "kept" if run.new else "was there already"
            rows = f"{len(log.history)} {log.axis}{'s' * (len(log.history) != 1)}"
            lines += [f"{run.name}: {state} ({log.kind}, {rows})", *(f"  {n}" for n in log.notes)]
    say(options, answers, "\n".join(lines))
    return 2 if any("error" in answer for answer in answers) else 0
