"""What the arguments of several commands have in common."""

import argparse
from collections.abc import Callable

#: Makes the parser of one command: ``add("stop", help="end a run …")``.
AddCommand = Callable[..., argparse.ArgumentParser]
Call = Callable[[argparse.Namespace], int]


def finish(
    command: argparse.ArgumentParser, call: Call, *, json: bool = True, logs: bool = False
) -> None:
    """Say what a command calls; ``logs`` is whether it tells of its progress while it works."""
    if json:
        command.add_argument("--json", action="store_true", help="print JSON")
    command.set_defaults(call=call, logs=logs)


def add_run(command: argparse.ArgumentParser, help: str | None = None) -> None:
    """The run that a command is about."""
    command.add_argument("run", metavar="RUN", help=help)


def add_overrides(command: argparse.ArgumentParser, help: str) -> None:
    """`--set FIELD=VALUE`, as often as wanted."""
    command.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE", help=help)


def add_queue(command: argparse.ArgumentParser) -> None:
    """`--queue`, of commands that train in the foreground otherwise."""
    command.add_argument(
        "--queue", action="store_true", help="queue the run for a worker instead of training here"
    )


def count_to(most: int) -> Callable[[str], int]:
    """The type of an argument that is a whole number from 1 to ``most``."""

    def count(text: str) -> int:
        if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"received {text!r}; allowed: 1 to {most:,}")
        return int(text)

    return count
