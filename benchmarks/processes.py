"""Starting processes for a measurement, and ending them whatever happens."""

import multiprocessing
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeVar

import psutil

from experiments.core.settings import ROOT

T = TypeVar("T")


def wait_for(
    look: Callable[[], T | None], what: str, seconds: float = 120, every: float = 0.02
) -> T:
    """What ``look`` gives once it is neither None nor False; raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found is not None and found is not False:
            return found
        if time.monotonic() > deadline:
            raise TimeoutError(f"Waited {seconds:.0f} s for {what}.")
        time.sleep(every)


@contextmanager
def started(
    command: Sequence[str], environment: Mapping[str, str], log: Path, seconds: float = 10
) -> Iterator["subprocess.Popen[bytes]"]:
    """A process in a session of its own; at the end it, and all that it started, is gone.

    It is asked by SIGTERM first and has ``seconds`` to obey. What it started in sessions of their
    own, as the dashboard starts its worker, is killed.
    """
    with log.open("ab") as file:
        process = subprocess.Popen(
            command, cwd=ROOT, env=dict(environment), stdin=subprocess.DEVNULL,
            stdout=file, stderr=file, start_new_session=True,
        )  # fmt: skip
    try:
        yield process
    finally:
        family = _children(process.pid)
        with suppress(ProcessLookupError, subprocess.TimeoutExpired):
            process.terminate()
            process.wait(seconds)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for child in family:
            with suppress(psutil.NoSuchProcess):
                child.kill()  # psutil makes sure that the pid is still the same process


def _children(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


class Forks:
    """Runs functions in processes forked from a server that has Keras imported, as our worker
    does; each call gets a fresh one."""

    def __init__(self) -> None:
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["experiments.running.preloading"])

    def call(self, function: Callable[..., T], *arguments: Any) -> T:
        """The function's answer; raises RuntimeError with the error that it ended with."""
        receive, send = self._context.Pipe(duplex=False)
        process = self._context.Process(
            target=_answer, args=(send, function, arguments), daemon=True
        )
        process.start()
        send.close()
        try:
            answer, error = receive.recv()
            process.join(30)
        except EOFError:
            answer, error = None, "the process died"
        finally:
            receive.close()
            process.kill()
            process.join()
        if error:
            raise RuntimeError(error)
        return answer


def _answer(send: Connection, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    try:
        send.send((function(*arguments), ""))
    except Exception as error:  # told to the process that asked, which raises it
        send.send((None, f"{type(error).__name__}: {error}"))
