"""The web process's side of the process that answers questions that need Keras."""

import json
import subprocess
import threading
from typing import Any

from experiments import errors
from experiments.errors import ExperimentsError, WorkerError
from experiments.settings import ROOT, Settings, python_command


class KerasProcess:
    """Starts the process at first need and asks it one question at a time.

    Its start takes 5 to 10 s, so ``start`` returns at once and ``is_ready`` tells. A process that
    died is started again by the next question. Safe to share between threads.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._process: subprocess.Popen[str] | None = None
        self._starting = threading.Lock()
        self._asking = threading.Lock()
        self._ready = threading.Event()

    @property
    def is_ready(self) -> bool:
        """Whether a question would be answered without waiting for the start."""
        return self._ready.is_set() and self._lives()

    def start(self) -> None:
        """Start the process if it does not live; returns at once."""
        with self._starting:
            if self._lives():
                return
            self._ready.clear()
            self._settings.home.mkdir(parents=True, exist_ok=True)
            with (self._settings.home / "keras.log").open("ab") as log:
                self._process = subprocess.Popen(
                    python_command("experiments.keras_answers"),
                    cwd=ROOT,
                    env=self._settings.environment(),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    text=True,
                )
            threading.Thread(target=self._greet, args=(self._process,), daemon=True).start()

    def ask(self, operation: str, **arguments: object) -> dict[str, Any]:
        """The answer, waited for. Raises the ExperimentsError that the question caused, or
        WorkerError if the process died over it."""
        with self._asking:
            self.start()
            process = self._process
            assert process is not None
            if not self._wait_until_ready(process):
                raise WorkerError(self._died(process))
            reply = self._exchange(process, {"operation": operation, "arguments": arguments})
        if "error" in reply:
            raise _error(reply["kind"], reply["error"])
        answer: dict[str, Any] = reply["answer"]
        return answer

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _lives(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _greet(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        if process.stdout.readline():
            self._ready.set()

    def _wait_until_ready(self, process: "subprocess.Popen[str]") -> bool:
        while not self._ready.wait(0.2):
            if process.poll() is not None:
                return False
        return True

    def _exchange(self, process: "subprocess.Popen[str]", question: object) -> dict[str, Any]:
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdin.write(json.dumps(question) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            process.wait()
            raise WorkerError(self._died(process))
        reply: dict[str, Any] = json.loads(line)
        return reply

    def _died(self, process: "subprocess.Popen[str]") -> str:
        return (
            f"The Keras process ended (exit code {process.poll()}). Try again: it is started anew. "
            f"What it said last stands in {self._settings.home / 'keras.log'}."
        )


def _error(kind: str, message: str) -> ExperimentsError:
    found = getattr(errors, kind, WorkerError)
    is_ours = isinstance(found, type) and issubclass(found, ExperimentsError)
    return found(message) if is_ours else WorkerError(message)
