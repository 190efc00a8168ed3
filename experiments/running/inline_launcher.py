"""Training in the foreground of this very process: `python -m experiments run`, and tests."""

import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from experiments.core.errors import WorkerError
from experiments.core.run_folder import RunFolder, note_process
from experiments.running.run_preparation import prepare
from experiments.running.supervision import supervise
from experiments.spec.run_spec import RunSpec
from experiments.tracking.changes import create_run, end_run, reopen_run, start_run
from experiments.tracking.runs import RunStatus, Tag
from experiments.tracking.store import Store


class _ThisProcess:
    """This process, seen by the thread that supervises it."""

    def __init__(self) -> None:
        self.done = threading.Event()

    def poll(self) -> int | None:
        return 0 if self.done.is_set() else None

    def wait(self, seconds: float) -> None:
        self.done.wait(seconds)

    def kill(self) -> None:
        """Nobody ends the process that they are in; Ctrl-C twice does."""


def run_inline(
    store: Store,
    spec: RunSpec,
    parent_id: str | None = None,
    start_file: Path | None = None,
    tags: Mapping[Tag, str] | None = None,
) -> tuple[str, RunStatus]:
    """Train a new run here and now; returns its id and final status.

    The first Ctrl-C asks the run to stop after its batch, the second ends the process.
    """
    run_id = create_run(
        store, spec, RunStatus.RUNNING, parent_id=parent_id, start_file=start_file, tags=tags
    )
    return run_id, _train_here(store, run_id, spec)


def resume_inline(store: Store, run_id: str, epochs: int | None = None) -> RunStatus:
    """Let a run that has ended go on here and now, to ``epochs`` in all; raises InputError."""
    spec = reopen_run(store, run_id, epochs, status=RunStatus.RUNNING)
    return _train_here(store, run_id, spec)


def _train_here(store: Store, run_id: str, spec: RunSpec) -> RunStatus:
    from experiments.training.train import train

    folder = RunFolder(store.settings.run_folders / run_id)
    try:
        note_process(folder.create(), supervises_itself=True)
        prepare(store, folder, spec)
        start_run(store, run_id, worker="inline")
    except BaseException as error:  # Ctrl-C too: the run is RUNNING, and nobody else knows of it
        said = str(error) or type(error).__name__
        end_run(store, run_id, RunStatus.FAILED, f"It could not be started: {said}")
        folder.remove()
        raise
    process = _ThisProcess()
    statuses: list[RunStatus | None] = []
    supervising = threading.Thread(
        target=lambda: statuses.append(supervise(store, folder, process, threading.Event())),
        name="supervise",
    )
    supervising.start()
    try:
        with _stop_on_interrupt(folder):
            train(spec, folder, supervises_itself=True)
    finally:
        process.done.set()
        supervising.join()
    if not statuses or statuses[0] is None:
        raise WorkerError(f"Run {run_id} was trained but not recorded; see {folder.path}.")
    return statuses[0]


@contextmanager
def _stop_on_interrupt(folder: RunFolder) -> Iterator[None]:
    def stop(_signal: int, _frame: FrameType | None) -> None:
        if folder.stop.exists():
            raise KeyboardInterrupt
        folder.stop.touch()

    if threading.current_thread() is not threading.main_thread():
        yield  # signals belong to the main thread
        return
    previous = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
