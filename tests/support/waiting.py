"""Polling with a deadline, and the processes that tests start."""

import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from experiments.core.settings import ROOT, Settings
from experiments.tracking.runs import Run, RunStatus, get_run
from experiments.tracking.store import Store

T = TypeVar("T")


def wait_for(what: Callable[[], T], seconds: float = 90) -> T:
    """The first true answer of ``what``; fails after ``seconds``."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := what():
            return answer
        time.sleep(0.1)
    raise AssertionError(f"Still waiting after {seconds:.0f} s")


def answers(url: str) -> bool:
    """Whether a server answers there with 200."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_end(store: Store, run_id: str, seconds: float = 120) -> Run:
    """The run when it is in a terminal status."""
    wait_for(lambda: not get_run(store, run_id).status.is_active, seconds)
    return get_run(store, run_id)


def wait_for_epochs(store: Store, run_id: str, epochs: int) -> None:
    """Return when MLflow has so many epochs of a running run."""

    def recorded() -> bool:
        run = get_run(store, run_id)
        assert run.status is not RunStatus.FAILED, run.reason
        return len(store.client.get_metric_history(run_id, "loss")) >= epochs

    wait_for(recorded)


@contextmanager
def worker(settings: Settings, *arguments: str) -> Iterator[subprocess.Popen]:
    """A real worker process, ended with SIGTERM."""
    settings.home.mkdir(parents=True, exist_ok=True)
    with (settings.home / "worker.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "experiments", "worker", *arguments],
            cwd=ROOT, env=settings.environment(), stdout=log, stderr=log,
        )  # fmt: skip
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait(60)
