"""A dataset stored, and a run trained on it, in this process: how fast and with what memory."""

import io
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
from PIL import Image

from experiments.core.journal import read_journal
from experiments.core.run_folder import RunFolder
from experiments.core.settings import Settings, sqlite_uri, use_settings
from experiments.data.loading import load_dataset
from experiments.data.reading.reader import ReadOptions
from experiments.data.reading.storing import store_file
from experiments.data.samples import StoredSamples
from experiments.spec.spec_files import parse_spec
from experiments.training.memory_needs import measured_peak
from experiments.training.streaming import StreamedBatches
from experiments.training.train import train

_MB = 1_000_000
_DECODED = 5000  # images
_ROWS = 4096  # drawn and written at a time


class TrainingMeasure(NamedTuple):
    """Of a run: training samples a second in its best epoch, the peak RSS of its whole process,
    the peaks that it recorded and predicted, and the least share of an epoch spent waiting."""

    rate: float
    peak_mb: float
    recorded_mb: float
    predicted_mb: float
    data_wait_share: float


def store_samples(home: Path, shape: tuple[int, ...], dtype: str, classes: int, size: int) -> str:
    """Store ``size`` bytes of random samples, whose class can be learned; returns their name."""
    use_settings(Settings(home, sqlite_uri(home / "mlflow.db"), ""))
    rows = size // (int(np.prod(shape)) * np.dtype(dtype).itemsize)
    path = home / f"{dtype}.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("x", (rows, *shape), dtype)
        file.create_dataset("y", (rows,), "int32")
        random = np.random.default_rng(0)
        for at in range(0, rows, _ROWS):
            x, y = _draw(random, min(_ROWS, rows - at), shape, dtype, classes)
            file["x"][at : at + len(x)], file["y"][at : at + len(y)] = x, y
    info = store_file(path, dtype, ReadOptions(target="y"))
    path.unlink()
    return info.name


def train_measured(home: Path, spec: dict[str, Any]) -> TrainingMeasure:
    """Train a spec in its training process's own way, without MLflow."""
    use_settings(Settings(home, sqlite_uri(home / "mlflow.db"), ""))
    folder = RunFolder(home / str(time.time_ns())).create()
    outcome = train(parse_spec(spec), folder)
    if outcome.status != "FINISHED":
        raise RuntimeError(outcome.reason)
    entries = read_journal(folder.journal).entries
    epochs = [entry.metrics for entry in entries if entry.epoch is not None]
    facts: dict[str, float] = {}
    for entry in entries:
        facts |= entry.metrics if entry.epoch is None else {}
    folder.remove()
    return TrainingMeasure(
        facts["train_samples"] / min(epoch["epoch_seconds"] for epoch in epochs),
        peak_mb(),
        facts["peak_memory_mb"],
        facts["predicted_memory_mb"],
        min(epoch.get("data_wait_share", 0.0) for epoch in epochs),
    )


def image_rates(home: Path, name: str, budget_mb: int) -> tuple[float, float]:
    """Images a second: streamed from the stored dataset in batches, without a model; and the
    same images as JPEGs in memory decoded by PIL in a thread for each core."""
    use_settings(Settings(home, sqlite_uri(home / "mlflow.db"), ""))
    spec = parse_spec({"dataset": {"name": name, "memory_mb": budget_mb}})
    dataset = load_dataset(spec.dataset, spec.data_seed)
    rows = np.arange(len(dataset.y))
    memory = budget_mb * _MB
    assert isinstance(dataset.x, StoredSamples)
    batches = StreamedBatches(dataset.x, dataset.y, rows, spec.training.batch_size, 1, memory)
    began = time.perf_counter()
    streamed = sum(len(y) for _, y in batches.batches())
    rate = streamed / (time.perf_counter() - began)
    encoded = [_as_jpeg(image) for image in dataset.x[:_DECODED]]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        began = time.perf_counter()
        for _ in pool.map(_decode, encoded):
            pass
        return rate, len(encoded) / (time.perf_counter() - began)


def _as_jpeg(image: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(image).save(out, "JPEG", quality=90)
    return out.getvalue()


def _decode(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)))


def peak_mb() -> float:
    """The peak RSS of this process so far, which has imported all that training needs."""
    return measured_peak() / _MB


def _draw(
    random: np.random.Generator, rows: int, shape: tuple[int, ...], dtype: str, classes: int
) -> tuple[np.ndarray, np.ndarray]:
    y = random.integers(0, classes, rows, dtype=np.int32)
    if dtype == "uint8":
        pixels = random.integers(0, 200, (rows, *shape), dtype=np.uint8)
        brighter = (50 * y // classes).astype(np.uint8)
        return pixels + brighter.reshape(-1, *[1] * len(shape)), y
    x = random.standard_normal((rows, *shape), dtype=np.float32)
    x[:, : shape[0] // 4] += 0.2 * y[:, None]
    return x, y
