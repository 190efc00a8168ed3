"""Which reader a log is for, by what is in it."""

import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from experiments.core.errors import HistoryError
from experiments.logs.json_logs import read_json
from experiments.logs.log import ALLOWED, Log
from experiments.logs.printed import looks_printed, read_printed
from experiments.logs.tables import read_table
from experiments.logs.tensorboard_logs import is_event_file, read_events

#: Bytes of one file, and files of one folder.
LARGEST = 200_000_000
_MOST_FILES = 1000


def read_logs(data: bytes, name: str) -> list[Log]:
    """The logs in a file's bytes, one a run; raises HistoryError with what is allowed."""
    if len(data) > LARGEST:
        raise HistoryError(
            f"{name} has {len(data):,} bytes; at most {LARGEST:,} are read. Log less often."
        )
    if "tfevents" in name:
        return _uploaded_events(data, name)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            text = data.decode("utf-16", errors="replace")
        elif b"\0" in data[:1000]:
            raise HistoryError(f"{name} is no text and no event file. {ALLOWED}") from None
        else:
            text = data.decode("latin-1")
    return _of_text(text, name)


def read_log_files(path: Path) -> list[Log]:
    """The logs of a file, or of a folder and what is below it.

    Of a folder every file is read that some reader takes; raises HistoryError where none is.
    """
    if path.is_dir():
        return _of_folder(path)
    try:
        if is_event_file(path):
            return read_events([path], path.parent)
        written = int(1000 * path.stat().st_mtime)
        logs = read_logs(path.read_bytes(), path.stem)
        return [log._replace(ended=log.ended or written) for log in logs]
    except OSError as error:
        raise HistoryError(f"{path} cannot be read: {error.strerror or error}.") from None


def _of_folder(folder: Path) -> list[Log]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())[:_MOST_FILES]
    events = [path for path in files if is_event_file(path)]
    logs = read_events(events, folder) if events else []
    for path in files:
        if path.suffix.lower() in (".csv", ".json", ".jsonl", ".log", ".txt", ".tsv"):
            try:
                found = read_log_files(path)
            except HistoryError:
                continue  # a folder holds other things too
            logs += [log._replace(name=_inside(folder, path, log.name)) for log in found]
    if not logs:
        raise HistoryError(f"No file in the folder {folder} is a log that can be read. {ALLOWED}")
    return logs


def _inside(folder: Path, path: Path, name: str) -> str:
    parent = path.parent.relative_to(folder).as_posix()
    return name if parent == "." else f"{parent}/{name}"


def _of_text(text: str, name: str) -> list[Log]:
    start = text.lstrip()[:1]
    if not start:
        raise HistoryError(f"{name} is empty. {ALLOWED}")
    if start in "{[":
        return read_json(text, name)
    if looks_printed(text) and not _is_table(text):
        return read_printed(text, name)
    return read_table(text, name)


def _is_table(text: str) -> bool:
    """Whether the first lines are divided alike, and the first names columns, without numbers."""
    lines = [line for line in text.split("\n", 3)[:3] if line.strip()]
    alike = any(
        lines[0].count(separator) and len({line.count(separator) for line in lines}) == 1
        for separator in ",;\t|"
    )
    return alike and not re.search(r"(?<![\w.])\d", lines[0])


def _uploaded_events(data: bytes, name: str) -> list[Log]:
    with tempfile.TemporaryDirectory(prefix="kerascope-log-") as folder:
        path = Path(folder) / Path(name).name
        path.write_bytes(data)
        return [log._replace(name=Path(name).name) for log in read_events([path], path.parent)]


def all_of(paths: Iterable[Path]) -> Iterator[tuple[Path, list[Log] | HistoryError]]:
    """Each path with its logs, or with why it has none."""
    for path in paths:
        try:
            yield path, read_log_files(path)
        except HistoryError as error:
            yield path, error
