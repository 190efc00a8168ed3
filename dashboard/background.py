"""What runs beside the pages, in threads, so that no page waits for it."""

import logging
import threading
import time
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Protocol

import pandas as pd

from experiments.errors import ExperimentsError, StoreError, WorkerError
from experiments.specs import RunSpec
from experiments.tracking.histories import get_history
from experiments.tracking.runs import Run
from experiments.tracking.store import Store

_WORKER_CHECK = 10  # seconds between two looks at whether a worker lives
_FIRST_PAGE = 2  # seconds that the first page gets before a worker's imports take the processor


class EndedHistories:
    """Histories of runs that have ended: read once each, kept for good.

    A run that is resumed and ends again is read again.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[tuple[str, object], pd.DataFrame] = {}
        self._under_way: set[tuple[str, object]] = set()
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="histories")

    def get(self, run: Run) -> pd.DataFrame:
        """The history, read now if it is not known yet; raises StoreError."""
        key = (run.id, run.ended)
        if key not in self._known:
            self._known[key] = get_history(self._store, run)
        return self._known[key]

    @property
    def is_reading(self) -> bool:
        """Whether some are still to come."""
        return bool(self._under_way)

    def known(self, runs: Iterable[Run]) -> dict[str, pd.DataFrame]:
        """The histories known by now, by run id; those that are missing are being read."""
        found = {}
        for run in runs:
            key = (run.id, run.ended)
            if key in self._known:
                found[run.id] = self._known[key]
                continue
            with self._lock:
                if key in self._under_way:
                    continue
                self._under_way.add(key)
            self._pool.submit(self._read, run)
        return found

    def _read(self, run: Run) -> None:
        try:
            self.get(run)
        except ExperimentsError as error:  # asked for again by the next look at the runs
            logging.getLogger(__name__).warning("No history of %s: %s", run.id, error)
        finally:
            with self._lock:
                self._under_way.discard((run.id, run.ended))


class Answers(Protocol):
    """What can be asked about Keras: experiments.keras_process.KerasProcess."""

    @property
    def is_ready(self) -> bool: ...

    def ask(self, operation: str, **arguments: Any) -> dict[str, Any]: ...


class Previews:
    """What a spec will be (parameters, layers, split), asked for without waiting."""

    def __init__(self, keras: Answers, most: int = 100) -> None:
        self._keras = keras
        self._most = most
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="previews")
        self._asked: dict[str, Future[dict[str, Any]]] = {}

    @property
    def keras_is_ready(self) -> bool:
        """Whether the Keras process has started."""
        return self._keras.is_ready

    def ask(self, spec: RunSpec) -> "Future[dict[str, Any]]":
        """The answer, perhaps still to come. Specs that differ only in name have the same one."""
        unnamed = spec.model_copy(update={"name": "", "priority": 0})
        key = unnamed.model_dump_json()
        future = self._asked.get(key)
        if future is None or future.cancelled():
            for waiting in self._asked.values():
                waiting.cancel()  # only the last thing typed is worth an answer
            while len(self._asked) >= self._most:
                self._asked.pop(next(iter(self._asked)))
            arguments = unnamed.model_dump(mode="json")
            future = self._pool.submit(self._keras.ask, "preview", spec=arguments)
            self._asked[key] = future
        return future

    def forget_failures(self) -> None:
        """Ask again what could not be answered."""
        for key, future in list(self._asked.items()):
            if future.done() and not future.cancelled() and future.exception() is not None:
                del self._asked[key]


class WorkerWatch:
    """Starts the embedded worker if none lives, and looks again every few seconds.

    The first look also imports mlflow, which takes seconds.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._settings = store.settings
        self._checked = -float("inf")
        self._lock = threading.Lock()
        self.problem: str | None = None

    def look(self) -> None:
        """Return at once; what is found out stands in ``problem``."""
        with self._lock:
            if time.monotonic() - self._checked < _WORKER_CHECK:
                return
            self._checked = time.monotonic()
        threading.Thread(target=self._ensure, name="worker-watch", daemon=True).start()

    def _ensure(self) -> None:
        from experiments.launching import ensure_worker

        try:
            if not self._store.is_open:
                self._store.client  # noqa: B018 - imports mlflow, so that no page waits for it later
                time.sleep(_FIRST_PAGE)
        except StoreError as error:  # every page that needs the store says so by itself
            logging.getLogger(__name__).warning("%s", error)
        try:
            ensure_worker(self._settings)
            self.problem = None
        except WorkerError as error:
            self.problem = str(error)
