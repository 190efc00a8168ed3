"""Histories: what each epoch of a run measured, as a DataFrame."""

import json
import math

import pandas as pd

from experiments.errors import ArtifactError
from experiments.tracking.runs import Run, read_text, to_value
from experiments.tracking.store import Store, asks_store

HISTORY_FILE = "history.json"
_ONE_VALUE = ("best_", "final_", "test_", "system/")
_NO_HISTORY = ("constant_loss", "parameters", "train_samples", "val_samples")


@asks_store
def get_history(store: Store, run: Run) -> pd.DataFrame:
    """The history of a run: indexed by epoch from 0, one column a metric, float64.

    A run that has ended is read from its history.json in one go; one under way, or one that
    others logged, from MLflow's metrics. Empty before the first epoch ends.
    """
    if not run.status.is_active:
        try:
            return to_frame(json.loads(read_text(store, run.id, HISTORY_FILE)))
        except ArtifactError:
            pass  # logged by others, or it ended before its first epoch
    return _from_metrics(store, run)


def to_frame(history: dict[str, list[float | None]]) -> pd.DataFrame:
    """A plain Keras history dict as a DataFrame; None becomes NaN."""
    frame = pd.DataFrame({name: pd.Series(values, dtype=float) for name, values in history.items()})
    frame.index.name = "epoch"
    return frame


def _from_metrics(store: Store, run: Run) -> pd.DataFrame:
    columns: dict[str, pd.Series] = {}
    for name in sorted(run.metrics, key=lambda name: name != "loss"):
        if name.startswith(_ONE_VALUE) or name in _NO_HISTORY:
            continue
        points = store.client.get_metric_history(run.id, name)
        values = {point.step: to_value(point.value) for point in points}
        columns[name] = pd.Series(values, dtype=float).sort_index()
    frame = pd.DataFrame(columns)
    frame.index.name = "epoch"
    if run.status.is_active and "loss" in columns:
        # loss was read first: of an epoch that ended since, some metrics were seen and some not
        frame = frame.loc[: columns["loss"].index.max()]
    return frame.map(lambda value: math.nan if math.isinf(value) else value)
