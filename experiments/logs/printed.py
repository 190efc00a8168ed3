"""Progress that was printed: Keras 1 to 3, with and without its bar, and loops that say as much."""

import re

import pandas as pd

from experiments.core.errors import HistoryError
from experiments.logs.log import ALLOWED, Log, tidy

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[^\n\r]\x08")
_EPOCH = re.compile(r"\bepoch\b\s*[:#\[(]?\s*(\d+)", re.IGNORECASE)
_NUMBER = re.compile(
    r"(?<![\w.])[-+]?(?:\d+\.?\d*(?:e[-+]?\d+)?|\.\d+|nan|inf)(?![\w/])", re.IGNORECASE
)
_DIVIDED = re.compile(r"[,;|\[\](){}]| - ")
#: Words before a number that are no metric of the model.
_NO_METRIC = re.compile(
    r"^(eta|epoch|epochs|step|steps|time|took|elapsed|batch|it|iter|of|in|from|to|at|and|than|ms|s)$"
    r"|\b(time|elapsed|eta|improved|saving|restoring|reducing)\b",
    re.IGNORECASE,
)


def looks_printed(text: str) -> bool:
    """Whether a text is printed progress: lines that speak of epochs and have metrics."""
    head = text[:20_000]
    return bool(_EPOCH.search(head)) and bool(re.search(r"loss|acc|mae|mse", head, re.IGNORECASE))


def read_printed(text: str, name: str) -> list[Log]:
    """One log; a later line of an epoch overrules an earlier one, as its bar is drawn anew."""
    rows: list[dict[str, float]] = []
    number, first = None, None
    for line in re.split(r"[\r\n]+", _CONTROL.sub("", text)):
        found = _EPOCH.search(line)
        if found and (number is None or int(found[1]) != number):
            number = int(found[1])
            first = number if first is None else first
            rows.append({})
        measured = _measured(line[found.end() :] if found else line)
        if rows:  # what is said before the first epoch is about the data
            rows[-1] |= measured
    rows = [row for row in rows if row]
    if not rows:
        raise HistoryError(f"No line of {name} tells a metric of an epoch. {ALLOWED}")
    notes = [f"It counts epochs from {first}; here they count from 0."] if first else []
    return [tidy(pd.DataFrame(rows), name, "printed progress", notes)]


def _measured(line: str) -> dict[str, float]:
    """The metrics that a line tells, by name."""
    # Keras' bar comes before the first " - "; 1500/1500 and 3s 2ms/step are no metrics.
    line = re.sub(
        r"\d+/\d+|\[[=>.\s]*\]|[━╸╺─]+|\d+(?:\.\d+)?\s*(?:ms|us|s|h|m)\b(?:/\w+)?", " ", line
    )
    found: dict[str, float] = {}
    end = 0
    for number in _NUMBER.finditer(line):
        before, end = line[end : number.start()], number.end()
        name = re.sub(r"\s+", "_", _DIVIDED.split(before)[-1].strip(" \t:=-/"))
        if re.match(r"[A-Za-z]", name) and not _NO_METRIC.search(name.replace("_", " ")):
            found[name] = float(number[0])
    return found
