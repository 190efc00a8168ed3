"""In what runs differ: the parameters, labels made of them, and changes against a baseline."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from dashboard.shared.formats import NOTHING, number
from dashboard.shared.param_texts import (
    number_of,
    param_names,
    rank,
    same_value,
    short_names,
    shown_value,
    told_apart,
    unique_names,
)
from experiments.tracking.runs import Run

_MOST_IN_LABEL = 4
_SEEDS = ("seed", "random_state")


def differing_names(runs: Sequence[Run]) -> list[str]:
    """The parameters that are not the same in all runs, sorted; 1e-3 and 0.001 are the same."""
    if len(runs) < 2:
        return []
    found = []
    for name in param_names(runs):
        texts = {run.params.get(name) for run in runs}
        if len(texts) > 1 and len({same_value(text) for text in texts}) > 1:
            found.append(name)
    return found


def differing_params(runs: Sequence[Run]) -> pd.DataFrame:
    """The parameters that differ: one row each, one column a run under its unique name."""
    rows = {name: [run.params.get(name, NOTHING) for run in runs] for name in differing_names(runs)}
    columns = list(unique_names(runs).values())
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def besides_seeds(params: Iterable[str]) -> list[str]:
    """The parameters without seeds: runs that agree in them are repetitions of one another."""
    return [name for name in params if not name.lower().endswith(_SEEDS)]


def param_labels(runs: Sequence[Run]) -> dict[str, str]:
    """A label for each run id, made of what differs: "learning rate 0.01 · dropout 0.5".

    At most four parameters, those that tell most runs apart. Labels are unique: what is still the
    same has the beginning of the run's id after it. Names where nothing differs.
    """
    told = _telling(runs, differing_names(runs))
    if not told:
        return unique_names(runs)
    short = short_names(param_names(runs))
    labels = {
        run.id: " · ".join(f"{short[name]} {shown_value(run.params.get(name))}" for name in told)
        for run in runs
    }
    return told_apart(labels)


def param_changes(runs: Sequence[Run], baseline: Run) -> pd.DataFrame:
    """What each run has changed against the baseline: one row a parameter, one column a run.

    Numbers read "0.01 → 0.1 (+900 %)", words "relu → gelu"; empty where a run changed nothing.
    """
    others = [run for run in runs if run.id != baseline.id]
    names = unique_names([baseline, *others])
    rows = {
        param: [change(baseline.params.get(param), run.params.get(param)) for run in others]
        for param in differing_names([baseline, *others])
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=[names[run.id] for run in others])


def change(before: str | None, after: str | None) -> str:
    """The change of one value in words; empty where it is the same."""
    if same_value(before) == same_value(after):
        return ""
    told = f"{shown_value(before)} → {shown_value(after)}"
    old, new = number_of(before), number_of(after)
    if old is None or new is None or old == 0 or not np.isfinite([old, new]).all():
        return told
    return f"{told} ({signed_percent((new - old) / abs(old))})"


def signed_percent(share: float) -> str:
    """A relative difference with its sign: 0.05 is +5 %."""
    if np.isnan(share):
        return NOTHING
    return f"{'+' if share > 0 else ''}{number(100 * share, 2 if abs(share) < 1 else 3)} %"


def _telling(runs: Sequence[Run], params: Sequence[str]) -> list[str]:
    """The parameters, at most four, that split the runs into most labels, in their own order."""
    codes = {}
    for name in params:
        different = sorted({run.params.get(name) for run in runs}, key=rank)
        number_by_value: dict[float | str | None, int] = {}
        for text in different:
            number_by_value.setdefault(same_value(text), len(number_by_value))
        codes[name] = np.array([number_by_value[same_value(run.params.get(name))] for run in runs])
    chosen: list[str] = []
    labels = np.zeros(len(runs), dtype=np.int64)
    while len(chosen) < _MOST_IN_LABEL and len(chosen) < len(params):
        joined = {
            name: labels * (code.max() + 1) + code
            for name, code in codes.items()
            if name not in chosen
        }
        best = max(joined, key=lambda name: len(np.unique(joined[name])))
        renumbered = np.unique(joined[best], return_inverse=True)[1]
        if chosen and renumbered.max() == labels.max():
            break  # nothing more is told apart
        chosen.append(best)
        labels = renumbered
    return [name for name in params if name in chosen]
