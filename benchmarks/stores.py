"""Stores with many finished runs, written by SQL: what a worker would have left, in seconds."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from experiments.core.settings import Settings
from experiments.spec.run_spec import RunSpec
from experiments.tracking.changes import COLORS
from experiments.tracking.store import EXPERIMENT, prepare_database

METRICS = ("loss", "val_loss", "accuracy", "val_accuracy")
_LARGEST = 1.7976931348623157e308  # what MLflow writes for infinity
_BEGAN = 1_790_000_000_000  # ms since 1970
_CLASSES = 10
#: How a run goes, and the share of runs that go so.
_FATES = {
    "good_fit": 0.45, "overfitting": 0.3, "still_improving": 0.1, "underfitting": 0.1,
    "diverged": 0.05,
}  # fmt: skip


class _MadeRun(NamedTuple):
    id: str
    name: str
    fate: str
    began: int
    curves: NDArray[np.float64]  # (metrics, epochs)
    params: dict[str, str]


def make_store(
    settings: Settings,
    runs: int,
    epochs: int,
    *,
    experiment: str = EXPERIMENT,
    seed: int = 1,
    files: bool = False,
) -> list[str]:
    """Add finished runs to an embedded store and return their ids, oldest first.

    Each has the METRICS over all epochs, the params, tags and best values of ours, and a fate:
    most fit well or overfit, one in twenty diverges to infinity and NaN. ``files`` writes each
    run's history.json as well. The database is made if it is not there; same seed, same runs.
    """
    prepare_database(settings)
    database = settings.database
    assert database is not None
    random = np.random.default_rng(seed)
    ids = []
    with closing(sqlite3.connect(database, timeout=60)) as connection, connection:
        experiment_id = _experiment(connection, settings, experiment)
        for number in range(runs):
            made = _make(random, number, epochs, seed)
            folder = settings.artifact_root / made.id / "artifacts"
            _insert(connection, experiment_id, made, folder)
            if files:
                _write_history(folder, made)
            ids.append(made.id)
    return ids


def _make(random: np.random.Generator, number: int, epochs: int, seed: int) -> _MadeRun:
    fate = str(random.choice(list(_FATES), p=list(_FATES.values())))
    rate = float(random.choice([0.0003, 0.001, 0.003, 0.01, 0.03]))
    params = RunSpec().flatten() | {
        "training.learning_rate": str(rate),
        "training.epochs": str(epochs),
        "training.batch_size": str(random.choice([16, 32, 64, 128])),
        "model.dropout": str(random.choice([0.0, 0.1, 0.2, 0.3, 0.5])),
        "model.l2": str(random.choice([0.0, 0.0001, 0.001])),
        "model.layers": str(random.choice(["32", "64, 32", "128, 64", "256, 128"])),
        "seed": str(number % 5 + 1),
    }
    return _MadeRun(
        id=random.bytes(16).hex(),
        name=f"run {number} of {seed}",
        fate=fate,
        began=_BEGAN + number * 60_000,
        curves=_curves(random, fate, epochs),
        params=params,
    )


def _curves(random: np.random.Generator, fate: str, epochs: int) -> NDArray[np.float64]:
    """Plausible curves, (metrics, epochs)."""
    done = np.linspace(0, 1, epochs)
    first = np.log(_CLASSES)
    speed = random.uniform(0.8, 2.0) if fate == "still_improving" else random.uniform(6, 25)
    floor = random.uniform(1.6, 2.0) if fate == "underfitting" else random.uniform(0.02, 0.3)
    loss = floor + (first - floor) * np.exp(-speed * done)
    gap = random.uniform(0.02, 0.15) * (1 - np.exp(-speed * done))
    if fate == "overfitting":
        gap = gap + random.uniform(0.3, 1.5) * np.clip(done - random.uniform(0.1, 0.5), 0, None)
    val_loss = loss + gap
    loss = loss * (1 + 0.01 * random.standard_normal(epochs))
    val_loss = val_loss * (1 + random.uniform(0.01, 0.05) * random.standard_normal(epochs))
    if fate == "diverged":
        since = int(epochs * random.uniform(0.2, 0.8))
        with np.errstate(over="ignore"):
            growth = np.exp(np.clip(np.arange(epochs) - since, 0, None) * 60.0)
            loss, val_loss = loss * growth, val_loss * growth
        loss[np.isinf(loss)], val_loss[-max(epochs // 10, 1) :] = np.inf, np.nan
    accuracy, val_accuracy = (
        np.clip(np.exp(-np.where(np.isfinite(values), values, first)), 0, 1)
        for values in (loss, val_loss)
    )
    return np.stack([loss, val_loss, accuracy, val_accuracy])


def _experiment(connection: sqlite3.Connection, settings: Settings, name: str) -> int:
    found = connection.execute("SELECT experiment_id FROM experiments WHERE name = ?", (name,))
    for (experiment_id,) in found:
        return int(experiment_id)
    made = connection.execute(
        "INSERT INTO experiments (name, artifact_location, lifecycle_stage, creation_time,"
        " last_update_time) VALUES (?, ?, 'active', ?, ?)",
        (name, settings.artifact_root.as_uri(), _BEGAN, _BEGAN),
    )
    experiment_id = made.lastrowid
    assert experiment_id is not None
    connection.execute(
        "INSERT INTO experiment_tags (key, value, experiment_id) VALUES (?, ?, ?)",
        ("mlflow.experimentKind", "custom_model_development", experiment_id),
    )
    return experiment_id


def _insert(
    connection: sqlite3.Connection, experiment_id: int, run: _MadeRun, folder: Path
) -> None:
    epochs = run.curves.shape[1]
    ended = run.began + 500 * epochs
    connection.execute(
        "INSERT INTO runs (run_uuid, name, source_type, source_name, entry_point_name, user_id,"
        " status, start_time, end_time, source_version, lifecycle_stage, artifact_uri,"
        " experiment_id) VALUES (?, ?, 'UNKNOWN', '', '', 'benchmark', 'FINISHED', ?, ?, '',"
        " 'active', ?, ?)",
        (run.id, run.name, run.began, ended, folder.as_uri(), experiment_id),
    )
    tags = {
        "mlflow.runName": run.name,
        "mlflow.user": "benchmark",
        "mlflow.source.name": "kerascope",
        "mlflow.source.type": "LOCAL",
        "mlflow.runColor": COLORS[int(run.id[:4], 16) % len(COLORS)],
        "kerascope.started": str(run.began),
        "kerascope.worker": "benchmark:1",
        "kerascope.reason": f"Trained all {epochs} epochs.",
        "kerascope.verdict": run.fate,
    }
    for table, pairs in (("tags", tags), ("params", run.params)):
        connection.executemany(
            f"INSERT INTO {table} (key, value, run_uuid) VALUES (?, ?, ?)",
            [(key, value, run.id) for key, value in pairs.items()],
        )
    whole = [(name, value, ended, 0) for name, value in _facts(run.curves).items()]
    points = [
        (name, float(value), run.began + 500 * (epoch + 1), epoch)
        for epoch, values in enumerate(run.curves.T)
        for name, value in zip(METRICS, values, strict=True)
    ]
    for table, rows in (
        ("metrics", points + whole),
        ("latest_metrics", points[-len(METRICS) :] + whole),
    ):
        connection.executemany(
            f"INSERT INTO {table} (key, value, is_nan, timestamp, step, run_uuid)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            [(key, *_stored(value), time, step, run.id) for key, value, time, step in rows],
        )


def _facts(curves: NDArray[np.float64]) -> dict[str, float]:
    """What is recorded of a run as a whole."""
    _, val_loss, _, val_accuracy = curves
    return {
        "best_epoch": float(np.nanargmin(val_loss)),
        "best_val_loss": float(np.nanmin(val_loss)),
        "best_val_accuracy": float(np.nanmax(val_accuracy)),
        "constant_loss": float(np.log(_CLASSES)),
        "val_samples": 359.0,
    }


def _stored(value: float) -> tuple[float, int]:
    """A value as MLflow stores it, and whether it is NaN."""
    if np.isnan(value):
        return 0.0, 1
    return float(np.clip(value, -_LARGEST, _LARGEST)), 0


def _write_history(folder: Path, run: _MadeRun) -> None:
    folder.mkdir(parents=True)
    history = {
        name: [value if np.isfinite(value) else None for value in values.tolist()]
        for name, values in zip(METRICS, run.curves, strict=True)
    }
    (folder / "history.json").write_text(json.dumps(history))
