"""The journal of a run: what it measured, one JSON object a line, appended while it trains."""

import json
import logging
import os
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Self

logger = logging.getLogger(__name__)


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


class JournalPart(NamedTuple):
    """The ``entries`` after an offset in bytes, the ``offset`` after them, and how many lines
    between them are ``broken`` and left out."""

    entries: list[Entry]
    offset: int
    broken: int


class Journal:
    """Appends entries; each is handed to the operating system before ``write`` returns."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("ab", buffering=0)

    def write(
        self,
        metrics: Mapping[str, float] | None = None,
        *,
        epoch: int | None = None,
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Add one entry, stamped with the present time; raises OSError."""
        self.append(journal_line(metrics or {}, epoch, params, tags))

    def append(self, line: str) -> None:
        """Add a line that journal_line made: all of it, or nothing and OSError with the path.

        A disk that is full takes a part of a line and says so only at the next call.
        """
        rest = memoryview(line.encode() + b"\n")
        before = os.fstat(self._file.fileno()).st_size
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            with suppress(OSError):  # then the half line is left out by those who read it
                self._file.truncate(before)
            raise OSError(error.errno, error.strerror, str(self._path)) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def now_ms() -> int:
    """The present time as MLflow and the journal have it: milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def journal_line(
    metrics: Mapping[str, float],
    epoch: int | None,
    params: Mapping[str, str] | None = None,
    tags: Mapping[str, str] | None = None,
) -> str:
    """An entry as a line of the journal, stamped with the present time."""
    entry = Entry(now_ms(), epoch, dict(metrics), dict(params or {}), dict(tags or {}))
    return json.dumps(entry._asdict())  # NaN and Infinity stay as they are


def parse_line(line: str | bytes) -> Entry:
    """The entry in a line of the journal; raises ValueError or TypeError for a broken one."""
    stored = json.loads(line)
    if not isinstance(stored, dict) or not set(Entry._fields) <= stored.keys():
        raise ValueError(f"an entry has {', '.join(Entry._fields)}")
    entry = Entry(**{name: stored[name] for name in Entry._fields})  # later keys are left alone
    dicts = (entry.metrics, entry.params, entry.tags)
    numbers = [entry.time, entry.epoch or 0, *dict(entry.metrics).values()]
    if not all(isinstance(part, dict) for part in dicts) or not all(
        isinstance(number, int | float) for number in numbers
    ):
        raise TypeError("an entry has a time, an epoch and dicts of metrics, params and tags")
    return entry


def read_journal(path: Path, offset: int = 0) -> JournalPart:
    """The entries after a byte offset.

    A broken line is left out, counted and logged. A last line without its end (the process died
    while writing, or is writing now) is left for the next call.
    """
    try:
        with path.open("rb") as file:
            file.seek(offset)
            data = file.read()
    except FileNotFoundError:
        return JournalPart([], offset, 0)
    entries, broken, end = [], 0, offset
    for line in data[: data.rfind(b"\n") + 1].splitlines(keepends=True):
        try:
            entries.append(parse_line(line))
        except (ValueError, TypeError) as error:
            broken += 1
            logger.warning("%s: the line at byte %d is broken, left out: %s", path, end, error)
        end += len(line)
    return JournalPart(entries, end, broken)


def journal_history(entries: Iterable[Entry]) -> dict[str, list[float | None]]:
    """The epochs of a journal as a plain Keras history dict; None for a broken value.

    What is missing in an epoch, and every metric of an epoch that is missing, is None, so that
    all lists have one length and an epoch is the position in them.
    """
    epochs = {entry.epoch: entry.metrics for entry in entries if entry.epoch is not None}
    names = list(dict.fromkeys(name for metrics in epochs.values() for name in metrics))
    numbers = range(max(epochs, default=-1) + 1)
    return {name: [_finite(epochs.get(n, {}).get(name)) for n in numbers] for name in names}


def missing_epochs(entries: Iterable[Entry]) -> list[int]:
    """The epochs before the last one that have no entry."""
    have = {entry.epoch for entry in entries if entry.epoch is not None}
    return [epoch for epoch in range(max(have, default=0)) if epoch not in have]


def _finite(value: float | None) -> float | None:
    return value if value is not None and abs(value) < float("inf") else None
