"""`dashboard`: what `make run` starts in a clone."""

import argparse
import os
import subprocess

from experiments.cli.arguments import AddCommand, count_to, finish
from experiments.core.settings import python_command, settings_in_use


def add_commands(add: AddCommand) -> None:
    """`dashboard`."""
    command = add("dashboard", help="start the dashboard, a worker and the MLflow UI")
    command.add_argument(
        "--port", type=count_to(65535), help="of the dashboard (default: PORT, or 8501)"
    )
    command.add_argument(
        "--mlflow-port", type=count_to(65535),
        help="of the MLflow UI (default: MLFLOW_PORT, or 5000)",
    )  # fmt: skip
    finish(command, start, json=False)


def start(options: argparse.Namespace) -> int:
    """Become `python -m dashboard`, until Ctrl-C ends all that it started."""
    ports = {"PORT": options.port, "MLFLOW_PORT": options.mlflow_port}
    chosen = {name: str(port) for name, port in ports.items() if port}
    command, environment = python_command("dashboard"), settings_in_use().environment() | chosen
    if os.name == "posix":  # the same process, so that signals reach it
        os.execve(command[0], command, environment)
    return subprocess.call(command, env=environment)
