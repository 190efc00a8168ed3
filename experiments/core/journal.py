"""The journal of a run: what it measured, one JSON object a line, appended while it trains."""

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, Self


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
