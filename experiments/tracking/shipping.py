"""Bringing what a run wrote on this machine into MLflow, in batches, as often as one likes."""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

from experiments.core.journal import Entry, now_ms, read_journal
from experiments.core.run_folder import RunFolder, read_json
from experiments.tracking.mlflow_compat import system_metrics
from experiments.tracking.runs import Tag
from experiments.tracking.store import Store, store_call

_MOST_METRICS = 900  # MLflow takes 1,000 metrics, params and tags in one call
_SYSTEM_SECONDS = 2

logger = logging.getLogger(__name__)


class Shipment:
    """How far one run's folder has been shipped.

    Shipping the same entries again (after the supervising process was killed) changes nothing:
    MLflow ignores a metric with the same step, time and value.
    """

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self.offset = 0
        self.log_size = 0
        self.progress = ""


def ship_journal(store: Store, shipment: Shipment) -> int:
    """Send the new journal entries and the progress; returns how many entries there were.

    Raises StoreError; what was not sent is sent by the next call.
    """
    part = read_journal(shipment.folder.journal, shipment.offset)
    heartbeat = read_json(shipment.folder.heartbeat)
    progress = json.dumps(heartbeat) if heartbeat else ""
    told = progress if progress != shipment.progress else ""
    _log_entries(store, shipment.folder.run_id, part.entries, told)
    shipment.offset, shipment.progress = part.offset, progress
    return len(part.entries)


@store_call
def _log_entries(store: Store, run_id: str, entries: Sequence[Entry], progress: str) -> None:
    from mlflow.entities import Metric, Param, RunTag

    metrics = [
        Metric(name, value, entry.time, entry.epoch or 0)
        for entry in entries
        for name, value in entry.metrics.items()
    ]
    params = [Param(*item) for entry in entries for item in entry.params.items()]
    tags = [RunTag(*item) for entry in entries for item in entry.tags.items()]
    if progress:
        tags.append(RunTag(Tag.PROGRESS.value, progress))
    if params or tags:
        store.client.log_batch(run_id, params=params, tags=tags)
    for start in range(0, len(metrics), _MOST_METRICS):
        batch = metrics[start : start + _MOST_METRICS]
        store.client.log_batch(run_id, metrics=batch)


@store_call
def ship_log(store: Store, shipment: Shipment) -> None:
    """Send the log if it has grown."""
    log = shipment.folder.log
    size = log.stat().st_size if log.exists() else 0
    if size != shipment.log_size:
        store.client.log_artifact(shipment.folder.run_id, str(log))
        shipment.log_size = size


@store_call
def ship_artifacts(store: Store, folder: RunFolder) -> None:
    """Send everything below the folder's artifacts."""
    if any(folder.artifacts.iterdir()):
        store.client.log_artifacts(folder.run_id, str(folder.artifacts))


@store_call
def log_metrics(store: Store, run_id: str, values: Mapping[str, float]) -> None:
    """Metrics that belong to the run as a whole."""
    from mlflow.entities import Metric

    now = now_ms()
    metrics = [Metric(name, value, now, 0) for name, value in values.items()]
    store.client.log_batch(run_id, metrics=metrics)


@contextmanager
def watch_system(store: Store, run_id: str) -> Iterator[None]:
    """Record the machine's load beside a run, as MLflow's system metrics.

    A run is recorded without them where that fails.
    """
    with ExitStack() as stack:
        try:
            uri = store.settings.tracking_uri
            stack.enter_context(system_metrics(run_id, uri, _SYSTEM_SECONDS))
        except Exception:
            logger.exception("No system metrics of run %s", run_id)
        yield
