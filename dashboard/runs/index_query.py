"""Which runs of an index pass a filter, and in which order: answered from a few columns."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from dashboard.shared.filters import as_conditions, is_words, parse_filter, quoted
from dashboard.shared.run_numbers import plain_metric
from experiments.diagnosis.naming import NOT_JUDGED, higher_is_better, keras_names
from experiments.tracking.points import may_be_history
from experiments.tracking.run_index import RunIndex
from experiments.tracking.runs import SOURCE, RunStatus, Tag

SORTS = ("newest", "oldest", "name", "longest")
NO_VERDICT = "none yet"
_BEST = "best "


@dataclass(frozen=True)
class RunFilter:
    """What the table is asked to show; empty parts let everything through.

    ``text`` is words, a pattern or conditions, as on the page that compares.
    """

    text: str = ""
    statuses: Sequence[str] = ()
    verdicts: Sequence[str] = ()
    datasets: Sequence[str] = ()


def passing(index: RunIndex, wanted: RunFilter) -> pd.Series:
    """Whether each run passes, by run id; raises FilterError."""
    kept = pd.Series(True, index=index.attributes.index)
    if wanted.statuses:
        kept &= index.attributes["status"].isin(list(wanted.statuses))
    if wanted.verdicts:
        kept &= index.tag(Tag.VERDICT).fillna(NO_VERDICT).isin(list(wanted.verdicts))
    if wanted.datasets:
        kept &= index.param("dataset.name").isin(list(wanted.datasets))
    if is_words(wanted.text):
        return kept & index.matching(wanted.text) if wanted.text.strip() else kept
    keeps = parse_filter(wanted.text)
    return kept & pd.Series([keeps(run) for run in index.snapshots()], kept.index, dtype=bool)


def conditions(wanted: RunFilter) -> str:
    """The whole filter in the words of the page that compares; empty where all runs pass."""
    verdicts = [label for label in wanted.verdicts if label != NO_VERDICT]
    judged = [_among("verdict", verdicts)] if verdicts else []
    if len(verdicts) < len(wanted.verdicts):
        judged.append("verdict is null")
    parts = [
        _among("status", wanted.statuses) if wanted.statuses else "",
        " or ".join(judged),
        _among("params.dataset.name", wanted.datasets) if wanted.datasets else "",
    ]
    parts = [part for part in parts if part]
    if not parts:
        return wanted.text.strip()
    if wanted.text.strip():
        parts.insert(0, as_conditions(wanted.text))
    return parts[0] if len(parts) == 1 else " and ".join(_grouped(part) for part in parts)


def sorts_of(index: RunIndex) -> list[str]:
    """The orders that there are: SORTS, and the best value of each validated metric."""
    logged = index.metric_names()
    metrics = {name.removeprefix("best_") for name in logged if name.startswith("best_val_")}
    metrics |= {keras_names([name]).get(name, name) for name in logged if may_be_history(name)}
    metrics -= set(NOT_JUDGED)
    validated = [metric for metric in metrics if metric.startswith("val_")]
    ranked = sorted(
        validated or metrics, key=lambda metric: (plain_metric(metric) != "loss", metric)
    )
    return [*SORTS, *(_BEST + metric for metric in ranked)]


def sorted_metric(order: str) -> str | None:
    """The metric by whose best value the runs are sorted."""
    return order.removeprefix(_BEST) if order.startswith(_BEST) else None


def best_values(index: RunIndex, metric: str) -> pd.Series:
    """The best value of a metric by run id, NaN where there is none."""
    return index.best(metric, higher_is_better=higher_is_better(plain_metric(metric)))


def ordered(index: RunIndex, kept: pd.Series, order: str) -> list[str]:
    """The ids of the runs that are kept, in one of the orders; a missing value comes last."""
    if order == "oldest":
        return list(kept.index[kept])[::-1]
    if metric := sorted_metric(order):
        values = best_values(index, metric)[kept]
        return list(
            values.sort_values(
                ascending=not higher_is_better(plain_metric(metric)), kind="stable"
            ).index
        )
    if order == "name":
        return list(index.attributes["name"][kept].str.lower().sort_values(kind="stable").index)
    if order == "longest":
        return list(seconds_of(index)[kept].sort_values(ascending=False, kind="stable").index)
    return list(kept.index[kept])


def seconds_of(index: RunIndex) -> pd.Series:
    """How long each run has taken, as ``Run.seconds`` has it; NaN before it starts."""
    runs = index.attributes
    started = pd.to_numeric(index.tag(Tag.STARTED))
    spent = pd.to_numeric(index.tag(Tag.SPENT)).fillna(0)
    theirs = index.tag(Tag.SOURCE) != SOURCE  # others have no tag for it
    started = started.fillna(runs["created"].where(theirs)).astype(float)
    active = runs["status"].isin([status for status in RunStatus if status.is_active])
    ended = runs["ended"].mask(active).fillna(time.time() * 1000)
    trained = (ended - started) / 1000
    return spent + trained.mask(runs["status"] == RunStatus.SCHEDULED, 0.0)


def _among(name: str, values: Sequence[str]) -> str:
    return f"{name} in ({', '.join(map(quoted, values))})"


def _grouped(part: str) -> str:
    return f"({part})" if " or " in part.lower() else part
