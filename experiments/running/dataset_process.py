"""Looking at a file that may become a dataset, and storing it, in another process: no file can
cost the caller anything, and the web process never holds what is in it."""

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

from experiments.core.errors import DatasetError
from experiments.core.settings import Settings, python_command

_LOOKING_SECONDS = 300.0
_STORING_SECONDS = 3600.0
#: Bytes of addresses for a process that reads a file; Arrow's and BLAS' threads take most of them.
MEMORY = 6_000_000_000


def look_at(settings: Settings, path: Path, options: list[str]) -> dict[str, Any]:
    """What ``datasets add PATH --dry-run --json`` answers about a file.

    ``options`` are those of the command. Other ones may help where it is not accepted, but
    something was found in it; where nothing was, and where it takes more than five minutes,
    DatasetError is raised.
    """
    answer = _ask(settings, path, [*options, "--dry-run"], _LOOKING_SECONDS)
    if not answer["found"]:
        raise DatasetError(answer["reason"])
    return answer


def store(settings: Settings, path: Path, name: str, options: list[str]) -> dict[str, Any]:
    """The same of the file as it was stored; raises DatasetError where it was not."""
    answer = _ask(settings, path, [*options, "--name", name], _STORING_SECONDS)
    if not answer["accepted"]:
        raise DatasetError(answer["reason"])
    return answer


def _ask(settings: Settings, path: Path, options: list[str], seconds: float) -> dict[str, Any]:
    command = python_command(
        "experiments", "datasets", "add", str(path), "--json", "--memory", str(MEMORY), *options
    )
    process = subprocess.Popen(
        command, env=settings.environment(), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        said, complaint = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise DatasetError(
            f"{path.name}: reading it took more than {seconds:.0f} s, so it was abandoned. Give a "
            "smaller file, or add it with `python -m experiments datasets add`."
        ) from None
    try:
        (answer,) = json.loads(said)
    except (ValueError, TypeError):
        last = (complaint.strip().splitlines() or ["it said nothing"])[-1]
        raise DatasetError(f"{path.name} cannot be read: {last}") from None
    found: dict[str, Any] = answer
    return found
