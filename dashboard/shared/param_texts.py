"""The texts of parameters: which of them are numbers, in which order they come, how they read."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from dashboard.shared.formats import NOTHING, number, words
from experiments.tracking.runs import Run

#: What is no setting of a training.
NOT_COMPARED = ("name", "priority")
_LONGEST = 24


def number_of(text: str | None) -> float | None:
    """The number that a text is; None for words, NaN and nothing."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return None if math.isnan(value) else value


def same_value(text: str | None) -> float | str | None:
    """What two texts of the same value have in common: 1e-3 is 0.001, but True is not 1."""
    value = number_of(text)
    return text if value is None else value


def rank(text: str | None) -> tuple[int, float, str]:
    """The sorting key of a value: numbers by size, then words, then what is missing."""
    if text is None:
        return (2, 0.0, "")
    value = number_of(text)
    return (1, 0.0, text) if value is None else (0, value, text)


def in_order(values: Iterable[str | None]) -> list[str | None]:
    """The different values: 2 before 10, numbers before words, what is missing last."""
    first: dict[float | str | None, str | None] = {}
    for text in values:
        first.setdefault(same_value(text), text)
    return sorted(first.values(), key=rank)


def shown_value(text: str | None) -> str:
    """A value as a label has it: short, on one line."""
    if text is None or text == "":
        return NOTHING
    value = number_of(text)
    if value is not None and len(text) > 8 and math.isfinite(value):
        return number(value, 4)
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def short_names(params: Sequence[str]) -> dict[str, str]:
    """The last part of each parameter's name as words, with as many parts before it as tell two
    apart: ``training.learning_rate`` is "learning rate"."""
    found: dict[str, str] = {}
    for param in params:
        parts = param.split(".")
        for used in range(1, len(parts) + 1):
            end = ".".join(parts[-used:])
            if sum(other == end or other.endswith(f".{end}") for other in params) == 1:
                break
        found[param] = words(" ".join(parts[-used:]))
    return found


def unique_names(runs: Sequence[Run]) -> dict[str, str]:
    """A name for each run id; runs of the same name are told apart by their ids."""
    return told_apart({run.id: run.name for run in runs})


def told_apart(names: Mapping[str, str]) -> dict[str, str]:
    """The names by run id, with as much of the id after those that are there twice as it takes."""
    found = dict(names)
    length = 4
    while True:
        counts = Counter(found.values())
        twice = [run_id for run_id, name in found.items() if counts[name] > 1]
        if not twice:
            return found
        for run_id in twice:
            found[run_id] = f"{names[run_id]} {run_id[:length]}"
        length *= 2


def param_names(runs: Iterable[Run]) -> list[str]:
    """The parameters that any of the runs has, sorted; without those that say nothing of it."""
    every = {name for run in runs for name in run.params}
    return sorted(every.difference(NOT_COMPARED))
