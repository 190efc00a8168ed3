"""Training in a fresh process of this machine, forked from a server that has TensorFlow imported.

Measured from start to the first batch: about 1 s, against 7 to 20 s for a cold process. The server
imports and does nothing more: a fork after any TensorFlow operation hangs.
"""

import multiprocessing
import os
import signal
import time
from contextlib import suppress
from multiprocessing.context import ForkServerContext, SpawnContext

import psutil

from experiments.core.run_folder import RunFolder, read_json
from experiments.core.settings import Settings, use_settings
from experiments.spec.run_spec import RunSpec


class LocalLauncher:
    """Starts training processes; where the platform cannot fork, cold ones."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        can_fork = "forkserver" in multiprocessing.get_all_start_methods()
        self._context: SpawnContext | ForkServerContext = (
            multiprocessing.get_context("forkserver")
            if can_fork
            else multiprocessing.get_context("spawn")
        )
        if can_fork:
            self._context.set_forkserver_preload(["experiments.running.preloading"])

    def warm(self) -> None:
        """Start the server, so that it imports while nothing is waiting yet."""
        if self._context.get_start_method() == "forkserver":
            from multiprocessing.forkserver import ensure_running

            ensure_running()

    def start(self, spec: RunSpec, folder: RunFolder) -> "ChildProcess":
        """Train a spec into a folder in a process of its own."""
        process = self._context.Process(
            target=_train, args=(self._settings, spec, folder), name=folder.run_id
        )
        process.start()
        return ChildProcess(process)


class ChildProcess:
    """A training process that this process started."""

    def __init__(self, process: multiprocessing.process.BaseProcess) -> None:
        self._process = process

    def poll(self) -> int | None:
        """The exit code, or None while it lives."""
        return self._process.exitcode

    def wait(self, seconds: float) -> None:
        """Return when it has ended or the time is over."""
        self._process.join(seconds)

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()


class FoundProcess:
    """A training process that an earlier worker started and left behind."""

    def __init__(self, pid: int, born: float) -> None:
        self._pid, self._born = pid, born

    @classmethod
    def of(cls, folder: RunFolder) -> "FoundProcess":
        """The process that noted itself in a run's folder; without a readable note none lives."""
        note = read_json(folder.process)
        pid, born = note.get("pid"), note.get("born")
        if isinstance(pid, int) and pid > 0 and isinstance(born, int | float):
            return cls(pid, born)
        return cls(0, 0.0)

    def poll(self) -> int | None:
        """None while it lives; a zombie, or another process with its pid, does not count. Its
        exit code cannot be had, so 0 stands for "gone"."""
        if not self._pid:
            return 0
        try:
            process = psutil.Process(self._pid)
            same = abs(process.create_time() - self._born) < 1
            return None if same and process.status() != psutil.STATUS_ZOMBIE else 0
        except psutil.Error:  # it is gone, or it is somebody else's
            return 0

    def wait(self, seconds: float) -> None:
        """Sleep; there is nothing to wait on."""
        time.sleep(seconds)

    def kill(self) -> None:
        """End it at once, if it is still the same process."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)


def _train(settings: Settings, spec: RunSpec, folder: RunFolder) -> None:
    use_settings(settings)
    # Ctrl-C reaches the whole group; the worker decides what it means for its runs
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: folder.stop.touch())
    from experiments.training.train import train_in_child

    train_in_child(spec, folder)
