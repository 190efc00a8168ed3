"""Bringing what a run wrote on this machine into MLflow, in batches, as often as one likes."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from experiments.core.run_folder import RunFolder, now_ms, read_journal
from experiments.tracking.runs import Tag
from experiments.tracking.store import Store, asks_store

_MOST_METRICS = 900  # MLflow takes 1,000 metrics, params and tags in one call
_SYSTEM_SECONDS = 2


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


@asks_store
def ship_journal(store: Store, shipment: Shipment) -> int:
    """Send the new journal entries and the progress; returns how many entries there were.

    Raises StoreError; what was not sent is sent by the next call.
    """
    from mlflow.entities import Metric, Param, RunTag

    folder = shipment.folder
    entries, offset = read_journal(folder.journal, shipment.offset)
    metrics = [
        Metric(name, value, entry.time, entry.epoch or 0)
        for entry in entries
        for name, value in entry.metrics.items()
    ]
    params = [Param(*item) for entry in entries for item in entry.params.items()]
    tags = [RunTag(*item) for entry in entries for item in entry.tags.items()]
    progress = _read(folder.heartbeat)
    if progress and progress != shipment.progress:
        tags.append(RunTag(Tag.PROGRESS.value, progress))
    if params or tags:
        store.client.log_batch(folder.run_id, params=params, tags=tags)
    for start in range(0, len(metrics), _MOST_METRICS):
        batch = metrics[start : start + _MOST_METRICS]
        store.client.log_batch(folder.run_id, metrics=batch)
    shipment.offset = offset
    shipment.progress = progress
    return len(entries)


@asks_store
def ship_log(store: Store, shipment: Shipment) -> None:
    """Send the log if it has grown."""
    log = shipment.folder.log
    size = log.stat().st_size if log.exists() else 0
    if size != shipment.log_size:
        store.client.log_artifact(shipment.folder.run_id, str(log))
        shipment.log_size = size


@asks_store
def ship_artifacts(store: Store, folder: RunFolder) -> None:
    """Send everything below the folder's artifacts."""
    if any(folder.artifacts.iterdir()):
        store.client.log_artifacts(folder.run_id, str(folder.artifacts))


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:
        return ""


@asks_store
def log_metrics(store: Store, run_id: str, values: Mapping[str, float]) -> None:
    """Metrics that belong to the run as a whole."""
    from mlflow.entities import Metric

    now = now_ms()
    metrics = [Metric(name, value, now, 0) for name, value in values.items()]
    store.client.log_batch(run_id, metrics=metrics)


@contextmanager
def watch_system(store: Store, run_id: str) -> Iterator[None]:
    """Record the machine's load beside a run, as MLflow's system metrics."""
    from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

    monitor = SystemMetricsMonitor(
        run_id, sampling_interval=_SYSTEM_SECONDS, tracking_uri=store.settings.tracking_uri
    )
    monitor.start()
    try:
        yield
    finally:
        monitor.finish()
