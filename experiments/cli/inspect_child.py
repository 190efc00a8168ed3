"""Work on a model file in a process of its own, so that no file can cost the caller anything."""

import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from experiments.core.errors import ModelFileError
from experiments.core.process_limits import limit_process
from experiments.core.settings import python_command, settings_in_use
from experiments.core.sizes import GB

#: Bytes of addresses for a look; the largest array is read twice for a difference.
_LOOK_MEMORY = 4 * GB
#: Seconds for importing Keras, building and loading.
_LOAD_SECONDS = 240


def answer_in_child(path: Path, call: Callable[[], dict[str, Any]], seconds: float) -> dict:
    """What ``call`` returns, computed in a forked child with limited memory and time.

    A file that makes HDF5 crash, hang or eat memory costs that child. Raises ModelFileError with
    the reason of ``call``, or with what happened to the child. Forking is safe here: neither
    TensorFlow nor a thread is in this process. Without ``os.fork`` (Windows) ``call`` runs here.
    """
    if not hasattr(os, "fork"):
        return call()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _answer(path, call, writing, seconds)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = _read(pipe.fileno(), seconds)
    if said is None:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if said is None:
        raise ModelFileError(
            f"{path.name}: inspecting it took more than {seconds:.0f} s, so it was abandoned."
        )
    if not said:
        raise ModelFileError(f"{path.name} made the process that inspected it {_end(status)}.")
    answer: dict[str, Any] = json.loads(said)
    if "refused" in answer:
        raise ModelFileError(answer["refused"])
    found: dict[str, Any] = answer["found"]
    return found


def _answer(path: Path, call: Callable[[], dict[str, Any]], pipe: int, seconds: float) -> None:
    """In the child: limit it, call, write the answer, end without any of the parent's cleaning."""
    try:
        limit_process(_LOOK_MEMORY, int(seconds) + 1)
        # HDF5 writes its own complaints there.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        try:
            answer: dict[str, Any] = {"found": call()}
        except ModelFileError as error:
            answer = {"refused": str(error)}
        except MemoryError:
            answer = {"refused": f"{path.name} needs more than {_LOOK_MEMORY // GB} GB to be read."}
        # Whatever else a damaged file brings about is said, and is the end of this child only.
        except Exception as error:
            said = " ".join(str(error).split())[:200]
            answer = {"refused": f"{path.name} cannot be read: {type(error).__name__}: {said}."}
        with os.fdopen(pipe, "wb") as file:
            file.write(json.dumps(answer).encode())
    finally:
        os._exit(0)


def _read(pipe: int, seconds: float) -> bytes | None:
    """All that comes through the pipe until it is closed, or None where that takes too long."""
    end = time.monotonic() + seconds
    parts: list[bytes] = []
    while (left := end - time.monotonic()) > 0:
        if select.select([pipe], [], [], left)[0]:
            part = os.read(pipe, 1 << 20)
            if not part:
                return b"".join(parts)
            parts.append(part)
    return None


def _end(status: int) -> str:
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        return f"crash ({signal.Signals(number).name})"
    return f"end with code {os.waitstatus_to_exitcode(status)}"


def load_in_child(path: Path) -> dict[str, Any]:
    """Build and load a model file with Keras in a limited process: ``ok``, ``parameters``,
    ``notes`` (what could not be restored) and ``error`` (null where it loaded)."""
    try:
        done = subprocess.run(
            python_command("experiments.foreign.open_command", str(path.resolve())),
            env=settings_in_use().environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_LOAD_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return _not_loaded(f"loading took more than {_LOAD_SECONDS} s, so it was ended")
    lines = done.stdout.decode("utf-8", "replace").strip().splitlines()
    try:
        answer: dict[str, Any] = json.loads(lines[-1])
    except (ValueError, IndexError):
        last = (done.stderr.decode("utf-8", "replace").strip().splitlines() or ["nothing"])[-1]
        return _not_loaded(f"the process ended with code {done.returncode} and said: {last[:300]}")
    return answer


def _not_loaded(error: str) -> dict[str, Any]:
    return {"ok": False, "parameters": None, "notes": [], "error": error}
