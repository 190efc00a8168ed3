"""`inspect`: what model files hold and whether they are safe, each looked at in its own process."""

import argparse
from functools import partial
from pathlib import Path
from typing import Any

from experiments.cli.answers import as_json
from experiments.cli.arguments import AddCommand, finish
from experiments.cli.inspect_child import answer_in_child, load_in_child
from experiments.core.errors import ModelFileError
from experiments.inspection.difference import compare
from experiments.inspection.file_inspection import look
from experiments.inspection.inspection_report import write_report

#: Seconds of wall time for one file; the arrays are read only for a difference.
_LOOK_SECONDS = 60
_COMPARE_SECONDS = 600


def add_commands(add: AddCommand) -> None:
    """`inspect`."""
    command = add(
        "inspect", help="show what model files contain, whether they are safe, and how they differ"
    )
    command.add_argument(
        "files", nargs="+", type=Path, metavar="FILE",
        help=".h5, .weights.h5, .keras, or an architecture as .json or .yaml",
    )  # fmt: skip
    command.add_argument(
        "--against", type=Path, metavar="FILE", help="also compare each file with this one"
    )
    command.add_argument(
        "--load", action="store_true",
        help="also build and load each model, in a process with limited memory and time",
    )  # fmt: skip
    finish(command, inspect)


def inspect(options: argparse.Namespace) -> int:
    """Print what each file holds, or why it is refused; 2 where any was refused, else 0.

    With ``--json`` a list with one object a file, in order: ``file``, ``accepted``, ``reason``
    (null where accepted), what ``ModelFile`` has, ``difference`` with ``--against`` (or its
    ``reason``) and ``loaded`` with ``--load`` (null for weights, which need an architecture).
    """
    items = [_inspect(path, options.against, options.load) for path in options.files]
    if options.json:
        print(as_json(items))
    else:
        print("\n\n".join(write_report(item) for item in items))
    refused = [
        item for item in items if not item["accepted"] or "reason" in item.get("difference", {})
    ]
    return 2 if refused else 0


def _inspect(path: Path, against: Path | None, load: bool) -> dict[str, Any]:
    item: dict[str, Any] = {"file": str(path), "accepted": True, "reason": None}
    try:
        item |= answer_in_child(path, lambda: look(path).to_dict(), _LOOK_SECONDS)
    except ModelFileError as error:
        return item | {"accepted": False, "reason": str(error)}
    if against is not None:
        try:
            call = partial(_difference, against, path)
            item["difference"] = answer_in_child(path, call, _COMPARE_SECONDS)
        except ModelFileError as error:
            item["difference"] = {"reason": str(error)}
    if load:
        item["loaded"] = load_in_child(path) if item["architecture"] else None
    return item


def _difference(first: Path, second: Path) -> dict[str, Any]:
    return compare(first, second).to_dict()
