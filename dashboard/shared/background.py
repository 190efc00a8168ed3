"""What runs beside the pages, in threads, so that no page waits for it."""

import logging
import threading
import time
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple, Protocol

import pandas as pd

from experiments.core.errors import ExperimentsError, StoreError, WorkerError
from experiments.core.recent import Recent
from experiments.models.weight_files import download
from experiments.spec.applications import WeightFile
from experiments.spec.run_spec import RunSpec
from experiments.tracking.history_reader import HistoryReader
from experiments.tracking.runs import Run
from experiments.tracking.store import Store

_WORKER_CHECK = 10  # seconds between two looks at whether a worker lives
_MOST_FRAMES = 2000  # of 20 KB each, for 100 epochs of 20 metrics; a page of the table has fewer
_MOST_SESSIONS = 1000  # of which it is known what they asked last; nobody tells when one ends
_FIRST_PAGE = 3  # seconds that the first page gets before imports take the processor


class EndedHistories:
    """Histories of runs that have ended, read behind the page that asks for them."""

    def __init__(self, reader: HistoryReader) -> None:
        self._reader = reader
        self._frames = Recent[tuple[str, object], pd.DataFrame](_MOST_FRAMES)
        self._under_way: dict[str, Run] = {}
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="histories")

    def known(self, runs: Iterable[Run]) -> dict[str, pd.DataFrame]:
        """The histories known by now, by run id; those that are missing are being read."""
        runs = list(runs)
        histories = self._reader.known(runs)
        missing = {run.id: run for run in runs if run.id not in histories}
        with self._lock:
            new = {id_: run for id_, run in missing.items() if id_ not in self._under_way}
            self._under_way |= new
        if new:
            self._pool.submit(self._read, new)
        keys: dict[str, tuple[str, object]] = {
            run.id: (run.id, run.ended) for run in runs if run.id in histories
        }
        frames = self._frames.get(keys.values())
        new_frames = {key: histories.frame(run_id) for run_id, key in keys.items()
                      if key not in frames}  # fmt: skip
        self._frames.keep(new_frames, keys.values())
        frames |= new_frames
        return {run_id: frames[key] for run_id, key in keys.items()}

    def _read(self, runs: dict[str, Run]) -> None:
        try:
            self._reader.read(list(runs.values()))
        except ExperimentsError as error:  # asked for again by the next look at the runs
            logging.getLogger(__name__).warning("%d histories: %s", len(runs), error)
        finally:
            with self._lock:
                for run_id in runs:
                    self._under_way.pop(run_id, None)


class Answers(Protocol):
    """What can be asked about Keras: experiments.running.keras_client.KerasProcess."""

    @property
    def is_ready(self) -> bool: ...

    def ask(self, operation: str, **arguments: Any) -> dict[str, Any]: ...


class Previews:
    """What a spec will be (parameters, layers, split), asked for without waiting.

    Shared by all sessions: two that ask the same have one answer. Of what one session asked only
    the last is worth an answer; what it still waits for is given up, unless others wait for it.
    """

    def __init__(self, keras: Answers, most: int = 100) -> None:
        self._keras = keras
        self._most = most
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="previews")
        self._asked: dict[str, Future[dict[str, Any]]] = {}
        self._last: dict[str, str] = {}  # what each session asked last
        self._lock = threading.Lock()

    @property
    def keras_is_ready(self) -> bool:
        """Whether the Keras process has started."""
        return self._keras.is_ready

    def ask(self, spec: RunSpec, session: str) -> "Future[dict[str, Any]]":
        """The answer, perhaps still to come. Specs that differ only in name have the same one."""
        unnamed = spec.model_copy(update={"name": "", "priority": 0})
        key = unnamed.model_dump_json()
        with self._lock:
            self._give_up(session, key)
            future = self._asked.get(key)
            if future is None or future.cancelled():
                self._asked.pop(key, None)
                while len(self._asked) >= self._most:
                    self._asked.pop(next(iter(self._asked)))
                arguments = unnamed.model_dump(mode="json")
                future = self._pool.submit(self._keras.ask, "preview", spec=arguments)
                self._asked[key] = future
            return future

    def _give_up(self, session: str, key: str) -> None:
        """Cancel what the session asked before, if it and nobody else waits for it."""
        before = self._last.pop(session, key)
        self._last[session] = key
        if len(self._last) > _MOST_SESSIONS:
            self._last.pop(next(iter(self._last)))
        if before in self._asked and before not in self._last.values():
            self._asked[before].cancel()

    def forget_failures(self) -> None:
        """Ask again what could not be answered."""
        with self._lock:
            for key, future in list(self._asked.items()):
                if future.done() and not future.cancelled() and future.exception() is not None:
                    del self._asked[key]


class Download(NamedTuple):
    """How far the download of a file is, in bytes; ``error`` says why it ended without it."""

    done: int = 0
    total: int = 0
    ended: bool = False
    error: str = ""


class Downloads:
    """Files that are downloaded in threads, while pages go on."""

    def __init__(self) -> None:
        self._states: dict[str, Download] = {}
        self._lock = threading.Lock()

    def start(self, file: WeightFile) -> None:
        """Begin, unless it is under way."""
        with self._lock:
            now = self._states.get(file.name)
            if now and not now.ended:
                return
            self._states[file.name] = Download()
        threading.Thread(target=self._load, args=(file,), name="download", daemon=True).start()

    def state(self, file: WeightFile) -> Download | None:
        """How far it is; None where nobody asked for it."""
        return self._states.get(file.name)

    def _load(self, file: WeightFile) -> None:
        def tell(done: int, total: int) -> None:
            self._states[file.name] = Download(done, total)

        error = ""
        try:
            download(file, tell)
        except ExperimentsError as failure:
            error = str(failure)
        except Exception as failure:  # a page that waits for it must hear of it
            logging.getLogger(__name__).exception("download of %s", file.name)
            error = f"The download failed: {type(failure).__name__}."
        self._states[file.name] = self._states[file.name]._replace(ended=True, error=error)


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
        from experiments.running.queue import ensure_worker

        try:
            if not self._store.is_open:
                time.sleep(_FIRST_PAGE)  # it reads the store without mlflow, which is imported now
                self._store.client  # noqa: B018 - so that no page waits for it later
        except StoreError as error:  # every page that needs the store says so by itself
            logging.getLogger(__name__).warning("%s", error)
        try:
            ensure_worker(self._settings)
            self.problem = None
        except WorkerError as error:
            self.problem = str(error)
