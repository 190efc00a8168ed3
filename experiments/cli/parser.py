"""The parser of the command line; each module of commands adds its own."""

import argparse
import sys
from pathlib import Path

from experiments.cli import (
    application_commands,
    base_commands,
    dashboard_command,
    dataset_commands,
    diagnose_command,
    import_command,
    inspect_command,
    model_commands,
    remedy_command,
    run_commands,
    weight_transfer_command,
)
from experiments.core.version import VERSION

#: In the order in which `--help` lists their commands.
_SUBJECTS = (
    dashboard_command,
    run_commands,
    diagnose_command,
    import_command,
    model_commands,
    weight_transfer_command,
    remedy_command,
    base_commands,
    application_commands,
    inspect_command,
    dataset_commands,
)


def make_parser() -> argparse.ArgumentParser:
    """All commands; the parsed options have ``call``, which runs the command."""
    parser = argparse.ArgumentParser(prog=_called(), description="Keras runs, recorded in MLflow.")
    parser.add_argument("--version", action="version", version=f"kerascope {VERSION}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for subject in _SUBJECTS:
        subject.add_commands(commands.add_parser)
    return parser


def _called() -> str:
    """As the user called the program."""
    script = Path(sys.argv[0]).stem
    return script if script == "kerascope" else "python -m experiments"
