"""The web process's side of the processes that answer questions that need Keras."""

import json
import subprocess
import threading
import weakref
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from experiments.core import errors
from experiments.core.errors import ExperimentsError, WorkerError
from experiments.core.settings import Settings, python_command

_START_SECONDS = 180.0


@dataclass(frozen=True)
class Limits:
    """What a model that others made may use: ``memory`` in bytes on top of what Keras itself
    takes, and ``seconds`` for each question."""

    memory: int = 3_000_000_000
    seconds: float = 120.0


class KerasProcess:
    """Starts the process at first need and asks it one question at a time.

    Its start takes 5 to 10 s, so ``start`` returns at once and ``is_ready`` tells. A process that
    died is started again by the next question. With ``limits`` it is for models that others made:
    the system refuses it more memory, and one that does not answer in time is ended. Safe to share
    between threads.
    """

    def __init__(self, settings: Settings, limits: Limits | None = None) -> None:
        self._settings = settings
        self._limits = limits
        self._log = settings.home / ("uploads.log" if limits else "keras.log")
        self._process: subprocess.Popen[str] | None = None
        self._finalizer: weakref.finalize[..., KerasProcess] | None = None
        self._starting = threading.Lock()
        self._asking = threading.Lock()
        self._ready = threading.Event()

    @property
    def is_ready(self) -> bool:
        """Whether a question would be answered without waiting for the start."""
        return self._ready.is_set() and self._lives()

    @property
    def pid(self) -> int | None:
        """The process's id; None while none lives."""
        return self._process.pid if self._process and self._lives() else None

    def start(self) -> None:
        """Start the process if it does not live; returns at once."""
        with self._starting:
            if self._lives():
                return
            self.close()
            self._ready = threading.Event()
            self._settings.home.mkdir(parents=True, exist_ok=True)
            limited = ["--memory", str(self._limits.memory)] if self._limits else []
            with self._log.open("ab") as log:
                self._process = subprocess.Popen(
                    python_command("experiments.running.keras_server", *limited),
                    env=self._settings.environment(),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    text=True,
                )
            # also when a cache that held this object lets go of it
            self._finalizer = weakref.finalize(self, _end, self._process)
            greet = threading.Thread(target=_greet, args=(self._process, self._ready), daemon=True)
            greet.start()

    def ask(self, operation: str, **arguments: object) -> dict[str, Any]:
        """The answer, waited for. Raises the ExperimentsError that the question caused, or
        WorkerError if the process died over it or was ended for taking too long."""
        with self._asking:
            self.start()
            process = self._process
            assert process is not None
            self._wait_until_ready(process)
            reply = self._exchange(process, {"operation": operation, "arguments": arguments})
        if "error" in reply:
            raise _error(reply["kind"], reply["error"])
        answer: dict[str, Any] = reply["answer"]
        return answer

    def close(self) -> None:
        """End the process."""
        if self._finalizer:
            self._finalizer()

    def _lives(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _wait_until_ready(self, process: "subprocess.Popen[str]") -> None:
        waited = 0.0
        while not self._ready.wait(0.2):
            waited += 0.2
            if process.poll() is not None or waited > _START_SECONDS:
                _end(process)
                raise WorkerError(self._died(process))

    def _exchange(self, process: "subprocess.Popen[str]", question: object) -> dict[str, Any]:
        assert process.stdin is not None and process.stdout is not None
        too_late = threading.Event()

        def give_up() -> None:
            too_late.set()
            process.kill()

        timer = threading.Timer(self._limits.seconds, give_up) if self._limits else None
        if timer:
            timer.start()
        try:
            process.stdin.write(json.dumps(question) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except BrokenPipeError:
            line = ""
        finally:
            if timer:
                timer.cancel()
        if not line.endswith("\n"):  # it ended, perhaps in the midst of its answer
            _end(process)
            raise WorkerError(self._took_too_long() if too_late.is_set() else self._died(process))
        reply: dict[str, Any] = json.loads(line)
        return reply

    def _took_too_long(self) -> str:
        assert self._limits is not None
        return (
            f"The model did not answer within {self._limits.seconds:g} s, so its process was "
            "ended. Allowed: a model that answers sooner. The next request starts a new one."
        )

    def _died(self, process: "subprocess.Popen[str]") -> str:
        if self._limits:
            return (
                f"The process of the uploaded model ended (exit code {process.poll()}), most "
                f"likely because it ran out of memory: {self._limits.memory / 1e9:.1f} GB are "
                f"allowed. The next request starts a new one. Its last output is in {self._log}."
            )
        return (
            f"The Keras process ended (exit code {process.poll()}). Try again: a new one is "
            f"started. Its last output is in {self._log}."
        )


def _end(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.wait()
    assert process.stdin is not None and process.stdout is not None
    process.stdout.close()
    with suppress(BrokenPipeError):  # what it was never sent is lost with it
        process.stdin.close()


def _greet(process: "subprocess.Popen[str]", ready: threading.Event) -> None:
    assert process.stdout is not None
    if process.stdout.readline():
        ready.set()


def _error(kind: str, message: str) -> ExperimentsError:
    found = getattr(errors, kind, WorkerError)
    is_ours = isinstance(found, type) and issubclass(found, ExperimentsError)
    return found(message) if is_ours else WorkerError(message)
