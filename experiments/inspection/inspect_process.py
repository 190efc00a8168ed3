"""Looking at a model file in another process, so that no file can cost the caller anything."""

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

from experiments.core.errors import ModelFileError
from experiments.core.settings import Settings, python_command

_SECONDS = 90.0
_COMPARING_SECONDS = 300.0


def inspect_file(settings: Settings, path: Path, against: Path | None = None) -> dict[str, Any]:
    """What ``python -m experiments inspect FILE --json`` answers about an accepted file; with
    ``against`` also the ``difference`` from that file to this one.

    Raises ModelFileError with the reason where either is refused, and where it takes more than 90 s
    (300 s for a difference). The command limits the memory itself.
    """
    seconds = _COMPARING_SECONDS if against else _SECONDS
    command = python_command("experiments", "inspect", str(path), "--json")
    if against:
        command += ["--against", str(against)]
    process = subprocess.Popen(
        command, env=settings.environment(), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    try:
        said, complaint = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # and the process that it looks with
        process.communicate()
        raise ModelFileError(
            f"{path.name}: inspecting it took more than {seconds:.0f} s, so it was abandoned."
        ) from None
    return _read(path, said, complaint)


def _read(path: Path, said: str, complaint: str) -> dict[str, Any]:
    try:
        (answer,) = json.loads(said)
    except (ValueError, TypeError):
        last = (complaint.strip().splitlines() or ["it said nothing"])[-1]
        raise ModelFileError(f"{path.name} cannot be inspected: {last}") from None
    if reason := answer["reason"] or answer.get("difference", {}).get("reason"):
        raise ModelFileError(reason)
    found: dict[str, Any] = answer
    return found
