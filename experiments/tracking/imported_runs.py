"""Logs of other tools, kept as runs of an experiment of their own."""

import hashlib
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from experiments.core.journal import now_ms
from experiments.logs.log import Log
from experiments.tracking.run import COLORS, Tag
from experiments.tracking.store import Store, make_experiment, store_call

IMPORTED = "imported"
_MOST = 900  # MLflow takes 1,000 metrics, params and tags in one call
_LONGEST = 500  # characters of a param or of a tag's value


class Imported(NamedTuple):
    """The run that a log has become; not ``new`` where the same log was imported before."""

    name: str
    run_id: str
    new: bool


@store_call
def import_log(store: Store, log: Log, experiment: str = IMPORTED, source: str = "") -> Imported:
    """Keep a log as a finished run; the same curves are kept once in an experiment.

    Metrics have Keras' names and the log's epochs or steps; ``source`` says where it came from.
    Raises StoreError.
    """
    experiment_id = _experiment(store, experiment)
    digest = content_hash(log.history)
    known = store.client.search_runs(
        [experiment_id], f"tags.`{Tag.LOG_HASH.value}` = '{digest}'", max_results=1
    )
    if known:
        return Imported(log.name, known[0].info.run_id, new=False)
    ended = log.ended or now_ms()
    started = log.started or ended
    tags = {
        Tag.LOG_HASH: digest,
        Tag.LOG_KIND: log.kind,
        Tag.LOG_AXIS: log.axis,
        Tag.LOG_NOTES: "\n".join(log.notes)[:5000],
        Tag.SOURCE: source[:_LONGEST],
        Tag.COLOR: COLORS[int(digest[:6], 16) % len(COLORS)],
    }
    made = store.client.create_run(
        experiment_id, start_time=started, run_name=log.name[:250],
        tags={str(name): value for name, value in tags.items() if value},
    )  # fmt: skip
    run_id = str(made.info.run_id)
    _send(store, run_id, log.history, started, ended)
    _send_params(store, run_id, log.params)
    store.client.set_terminated(run_id, "FINISHED", end_time=ended)
    return Imported(log.name, run_id, new=True)


def content_hash(history: pd.DataFrame) -> str:
    """The hash of a history's names, epochs and values."""
    text = history.sort_index(axis=1).to_csv(float_format="%.12g")
    return hashlib.sha256(f"{history.index.name}\n{text}".encode()).hexdigest()[:32]


def _experiment(store: Store, name: str) -> str:
    found = store.client.get_experiment_by_name(name)
    if found is None:
        return make_experiment(store, name)
    if found.lifecycle_stage == "deleted":
        store.client.restore_experiment(found.experiment_id)
    return str(found.experiment_id)


def _send(store: Store, run_id: str, history: pd.DataFrame, started: int, ended: int) -> None:
    """Every value, at times spread evenly over the run."""
    from mlflow.entities import Metric

    times = np.linspace(started, ended, len(history)).astype(np.int64)
    metrics = [
        Metric(str(name), float(value), int(time), int(label))
        for name, values in history.items()
        for label, time, value in zip(history.index, times, values, strict=True)
        if not np.isnan(value) or _is_last(values, label)
    ]
    for start in range(0, len(metrics), _MOST):
        store.client.log_batch(run_id, metrics=metrics[start : start + _MOST])


def _is_last(values: pd.Series, label: object) -> bool:
    """A NaN at the end is what a training broke with; elsewhere nothing was measured."""
    return bool(label == values.index[-1])


def _send_params(store: Store, run_id: str, params: Mapping[str, str]) -> None:
    from mlflow.entities import Param

    found = [Param(name[:250], value[:_LONGEST]) for name, value in list(params.items())[:90]]
    if found:
        store.client.log_batch(run_id, params=found)
