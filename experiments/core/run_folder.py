"""The folder that a run writes into while it trains, on the machine where it trains.

The training process only ever appends to these files; whoever supervises the run
(running/supervision.py) ships them to MLflow. So an epoch is on disk at once, a store that is slow
or down does not hold up training, and a process that is killed loses nothing that it had recorded.
"""

import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self

from experiments.core.atomic_files import replacing
from experiments.core.errors import WorkerError
from experiments.core.format_versions import check_format

#: Of all files of the folder; process.json says it.
_FORMAT = 1


class Entry(NamedTuple):
    """One line of the journal.

    ``time`` is in ms since 1970; ``epoch`` counts from 0 and is None for what belongs to the run
    as a whole; ``metrics``, ``params`` and ``tags`` are what MLflow calls them.
    """

    time: int
    epoch: int | None
    metrics: dict[str, float]
    params: dict[str, str]
    tags: dict[str, str]


@dataclass(frozen=True)
class RunFolder:
    """Names of the files below ``path``; the folder's own name is the run's id."""

    path: Path

    @property
    def run_id(self) -> str:
        """The MLflow run that this folder belongs to."""
        return self.path.name

    @property
    def journal(self) -> Path:
        """Epochs, params and tags, one JSON object a line."""
        return self.path / "journal.jsonl"

    @property
    def log(self) -> Path:
        """What the training process said, as text."""
        return self.path / "log.txt"

    @property
    def artifacts(self) -> Path:
        """Files for MLflow, laid out as they will be there."""
        return self.path / "artifacts"

    @property
    def heartbeat(self) -> Path:
        """Written every second while the training process lives; holds its progress."""
        return self.path / "heartbeat.json"

    @property
    def stop(self) -> Path:
        """Its existence asks the training process to end after the current batch."""
        return self.path / "stop"

    @property
    def result(self) -> Path:
        """Written last by the training process: the status and the reason."""
        return self.path / "result.json"

    @property
    def start(self) -> Path:
        """Holds the file that training goes on from, where it does not begin anew."""
        return self.path / "start"

    @property
    def start_note(self) -> Path:
        """Which file that is, ``how`` (resume, branch, weights) it is used, and ``whose`` it is."""
        return self.start / "start.json"

    @property
    def process(self) -> Path:
        """The pid of the training process and whether it supervises itself."""
        return self.path / "process.json"

    def create(self) -> "RunFolder":
        """Make the folder, with nothing in it from an earlier try."""
        self.remove()
        self.artifacts.mkdir(parents=True)
        return self

    def remove(self) -> None:
        """Delete all of it; called when everything is in MLflow."""
        shutil.rmtree(self.path, ignore_errors=True)


def write_json(path: Path, data: Mapping[str, Any]) -> None:
    """Replace a small JSON file in one step, so that a reader never sees half of it.

    Several threads may write the same file; the last one stays.
    """
    with replacing(path) as unfinished:
        unfinished.write_text(json.dumps(data))


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file, or an empty one if the file is not there (yet)."""
    try:
        data = json.loads(path.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return data if isinstance(data, dict) else {}


def note_process(folder: RunFolder, *, supervises_itself: bool) -> None:
    """Write down which process trains this run, for a worker that finds the folder later."""
    import psutil

    born = psutil.Process().create_time()
    note = {"format": _FORMAT, "pid": os.getpid(), "born": born}
    write_json(folder.process, note | {"attends_itself": supervises_itself})


def read_process(folder: RunFolder) -> dict[str, Any]:
    """What note_process wrote, or an empty object; raises WorkerError for a folder that a later
    version writes into."""
    note = read_json(folder.process)
    check_format(f"The run folder {folder.path}", note, _FORMAT, WorkerError)
    return note


class Journal:
    """Appends entries; each is handed to the operating system before ``write`` returns."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)

    def write(
        self,
        metrics: Mapping[str, float] | None = None,
        *,
        epoch: int | None = None,
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Add one entry, stamped with the present time."""
        self.append(journal_line(metrics or {}, epoch, params, tags))

    def append(self, line: str) -> None:
        """Add a line that journal_line made."""
        self._file.write(line.encode() + b"\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def journal_line(
    metrics: Mapping[str, float],
    epoch: int | None,
    params: Mapping[str, str] | None = None,
    tags: Mapping[str, str] | None = None,
) -> str:
    """An entry as a line of the journal, stamped with the present time."""
    now = time.time_ns() // 1_000_000
    entry = Entry(now, epoch, dict(metrics), dict(params or {}), dict(tags or {}))
    return json.dumps(entry._asdict())  # NaN and Infinity stay as they are


def parse_line(line: str | bytes) -> Entry:
    """The entry in a line of the journal."""
    return Entry(**json.loads(line))


def read_journal(path: Path, offset: int = 0) -> tuple[list[Entry], int]:
    """The entries after a byte offset, and the offset after them.

    A last line without its end (the process died while writing, or is writing now) is left for
    the next call.
    """
    try:
        with path.open("rb") as file:
            file.seek(offset)
            data = file.read()
    except FileNotFoundError:
        return [], offset
    whole = data[: data.rfind(b"\n") + 1]
    return list(_parse(whole)), offset + len(whole)


def _parse(lines: bytes) -> Iterator[Entry]:
    for line in lines.splitlines():
        yield parse_line(line)


def journal_history(path: Path) -> dict[str, list[float | None]]:
    """The epochs of a journal as a plain Keras history dict; None for a broken value.

    A metric that is missing in an epoch is None there, so that all lists have one length.
    """
    entries = [entry for entry in read_journal(path)[0] if entry.epoch is not None]
    names = list(dict.fromkeys(name for entry in entries for name in entry.metrics))
    return {name: [_finite(entry.metrics.get(name)) for entry in entries] for name in names}


def _finite(value: float | None) -> float | None:
    return value if value is not None and abs(value) < float("inf") else None
