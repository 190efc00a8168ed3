"""The folder that a run writes into while it trains, on the machine where it trains.

The training process only ever appends to these files; whoever supervises the run
(running/supervision.py) ships them to MLflow. So an epoch is on disk at once, a store that is slow
or down does not hold up training, and a process that is killed loses nothing that it had recorded.
"""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from experiments.core.atomic_files import replacing
from experiments.core.errors import WorkerError
from experiments.core.format_versions import check_format

#: In the names of folders that are kept because they could not be recorded.
_ASIDE = ".unreadable"
_RESERVE_BYTES = 65_536
#: Of all files of the folder; process.json says it.
_FORMAT = 1


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

    @property
    def reserve(self) -> Path:
        """Room on the disk that is given back when it is full, for the log and the result."""
        return self.path / "reserve"

    @property
    def is_aside(self) -> bool:
        """Whether it was set aside; then it belongs to no run that is under way."""
        return _ASIDE in self.path.name

    @property
    def aside(self) -> Path:
        """Where ``set_aside`` would keep it."""
        names = (f"{self.run_id}{_ASIDE}{suffix}" for suffix in _suffixes())
        return next(path for name in names if not (path := self.path.with_name(name)).exists())

    def set_aside(self) -> None:
        """Keep all of it under another name, so that it is not taken up again."""
        self.path.rename(self.aside)

    def make_reserve(self) -> None:
        """Take the room of ``reserve``; random, as a file system may compress."""
        self.reserve.write_bytes(os.urandom(_RESERVE_BYTES))

    def create(self) -> "RunFolder":
        """Make the folder, with nothing in it from an earlier try."""
        self.remove()
        self.artifacts.mkdir(parents=True)
        return self

    def remove(self) -> None:
        """Delete all of it; called when everything is in MLflow."""
        shutil.rmtree(self.path, ignore_errors=True)


def _suffixes() -> Iterator[str]:
    yield ""
    yield from (f".{number}" for number in count(2))


def write_json(path: Path, data: Mapping[str, Any]) -> None:
    """Replace a small JSON file in one step, so that a reader never sees half of it.

    Several threads may write the same file; the last one stays.
    """
    with replacing(path) as unfinished:
        unfinished.write_text(json.dumps(data))


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file; an empty one if the file is not there (yet) or broken."""
    try:
        data = json.loads(path.read_text())
    except (OSError, ValueError):
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
