"""Predicting with a saved model: on samples of a dataset, on rows, on an image."""

from pathlib import Path
from typing import Any

import keras
import numpy as np

from experiments.core.errors import InputError
from experiments.data.catalog import DatasetInfo
from experiments.data.samples import Samples
from experiments.inference.loaded_models import (
    LoadedFile,
    LoadedRun,
    Source,
    load,
    load_file,
    load_run,
)
from experiments.inference.model_data import (
    choose_part,
    compatible,
    guess_scale,
    input_shape,
    kind_of,
    output_size,
    say_shape,
    to_model,
)
from experiments.inference.raw_rows import encode_rows, takes_raw_rows
from experiments.inference.sample_files import IMAGES, read_image, read_rows
from experiments.models.building import model_outline
from experiments.tracking.artifacts import fetch_artifact
from experiments.tracking.store import Store
from experiments.training.train import PREDICT_BATCH

__all__ = ["load_run", "open_file", "open_model", "predict_file", "predict_image"]

_MOST_SAMPLES = 200
_CHECKED = PREDICT_BATCH  # one whole batch, as it was predicted when the model was saved
_SAME = 1e-5
_MOST_BYTES = 64_000_000  # of samples as they are stored; scaled pixels take four times that

Answer = dict[str, Any]


def open_model(store: Store, run_id: str) -> Answer:
    """What of a run was read back, and whether it predicts what was recorded when it was saved."""
    loaded = load_run(store, run_id)
    return _describe(loaded) | {
        "notes": [],
        "loss": loaded.spec.loss,
        "feature_names": list(loaded.dataset.feature_names),
        "categories": _categories(loaded.dataset.info),
        "dates": _dates(loaded.dataset.info),
        "raw_rows": takes_raw_rows(loaded.dataset.info),
        "check": _check(store, run_id, loaded),
    }


def open_file(store: Store, path: str) -> Answer:
    """What of a model file was read back, and in ``notes`` what was not. Raises ModelFileError."""
    loaded = load_file(Path(path))
    return _describe(loaded) | {
        "notes": list(loaded.notes),
        "loss": _loss_name(loaded.model),
        "feature_names": [],
        "categories": [],
        "dates": [],
        "raw_rows": False,
        "check": None,
    }


def _describe(loaded: LoadedRun | LoadedFile) -> Answer:
    model = loaded.model
    optimizer = getattr(model, "optimizer", None)
    return {
        "name": model.name,
        "layers": model_outline(model),
        "parameters": model.count_params(),
        "optimizer": type(optimizer).__name__ if optimizer else None,
        "optimizer_step": int(optimizer.iterations) if optimizer else 0,
        "input_shape": input_shape(model),
        "outputs": output_size(model),
        "kind": kind_of(model),
        "scale": "raw" if isinstance(loaded, LoadedRun) else guess_scale(model),
        "datasets": compatible(loaded),
        "bytes": loaded.bytes,
        "seconds": loaded.seconds,
    }


def _loss_name(model: keras.Model) -> str | None:
    loss = getattr(model, "loss", None)
    return loss if isinstance(loss, str) or loss is None else getattr(loss, "name", None)


def _check(store: Store, run_id: str, loaded: LoadedRun) -> Answer:
    with np.load(fetch_artifact(store, run_id, "predictions.npz")) as recorded:
        index = recorded["index"][:_CHECKED]
        before = recorded["prediction"][:_CHECKED]
    now = predict(loaded.model, loaded.dataset.x[index])
    difference = float(np.max(np.abs(now - before)))
    scale = max(1.0, float(np.max(np.abs(before))))
    return {
        "samples": len(index),
        "max_difference": difference,
        "agrees": difference <= _SAME * scale,
    }


def predict_samples(
    store: Store,
    source: Source,
    part: str = "validation",
    count: int = 12,
    start: int = 0,
    dataset: str | None = None,
    scale: str = "raw",
) -> Answer:
    """Samples of a dataset (the run's own where none is named) with truth and prediction."""
    loaded = load(store, source)
    chosen = choose_part(loaded, dataset, part)
    index = chosen.rows[start : start + min(count, _MOST_SAMPLES)]
    total = len(chosen.rows)
    if not len(index):
        return {"samples": [], "total": total}
    x, y = chosen.x[index], chosen.y[index].reshape(len(index))
    fed = to_model(loaded.model, x, chosen.dataset.info.white, scale)
    samples = [
        {"index": int(i), "input": row.tolist(), "truth": truth.item(), "prediction": p.tolist()}
        for i, row, truth, p in zip(index, x, y, predict(loaded.model, fed), strict=True)
    ]
    names = list(chosen.dataset.feature_names)
    return {
        "samples": samples,
        "total": total,
        "feature_names": names,
        "categories": _categories(chosen.dataset.info),
        "dates": _dates(chosen.dataset.info),
    }


def _categories(info: DatasetInfo) -> list[list[str]]:
    """Of each feature, none for numbers; empty where no feature has any."""
    return [list(some) for some in info.categories] if any(info.categories) else []


def _dates(info: DatasetInfo) -> list[int]:
    """Which features, from 0, are dates."""
    return [place for place, date_format in enumerate(info.date_formats) if date_format]


def predict_rows(store: Store, source: Source, rows: list[Any]) -> Answer:
    """Predictions for raw samples: rows of features, or images as nested lists."""
    loaded = load(store, source)
    if isinstance(loaded, LoadedRun) and takes_raw_rows(loaded.dataset.info) and rows:
        x = encode_rows(loaded.dataset.info, rows)
    else:
        x = _as_samples(loaded.model, rows)
    return {"predictions": predict(loaded.model, x).tolist()}


def predict_image(
    store: Store, source: Source, path: str, white: float = 255.0, scale: str = "raw"
) -> Answer:
    """The prediction for an image file, brought to the model's size, colors and value range.

    ``white`` and ``scale`` are for a model of a file; a run knows how bright its images are.
    """
    loaded = load(store, source)
    shape = input_shape(loaded.model) or ()
    if isinstance(loaded, LoadedRun):
        white = loaded.dataset.info.white
    if kind_of(loaded.model) != "image":
        raise InputError(
            f"The model takes rows: a sample is {say_shape(shape)}. "
            "Give it rows, as .csv, .json or .npy."
        )
    image = read_image(Path(path), shape if len(shape) == 3 else (*shape, 1), white)
    fed = to_model(loaded.model, image[None], white, scale)
    return {"predictions": predict(loaded.model, fed).tolist(), "seen": image.tolist()}


def predict_file(store: Store, run_id: str, path: Path) -> Answer:
    """A run's predictions for a file: .npy, .npz (its first array), .csv, .json or an image."""
    source = {"run": run_id}
    if path.suffix.lower() in IMAGES:
        return predict_image(store, source, str(path))
    dataset = load_run(store, run_id).dataset
    rows = read_rows(path, dataset.feature_names, _categories(dataset.info))
    return predict_rows(store, source, rows)


def _as_samples(model: keras.Model, rows: list[Any]) -> np.ndarray:
    shape = input_shape(model)
    if shape is None:
        raise InputError("The model has several inputs. Allowed here: models of one input.")
    try:
        x = np.asarray(rows, dtype=np.float32)
    except (ValueError, TypeError):
        raise InputError(
            "The rows are not all numbers, or not all of one length. "
            f"Each needs {say_shape(shape)}."
        ) from None
    if x.ndim == len(shape):
        x = x[None]
    if x.ndim == 2 and None not in shape and x.shape[1] == np.prod([size or 1 for size in shape]):
        x = x.reshape(len(x), *(size or 1 for size in shape))
    fits = x.ndim == len(shape) + 1 and all(
        size in (None, given) for size, given in zip(shape, x.shape[1:], strict=True)
    )
    if not fits or not len(x):
        raise InputError(
            f"Received an array of shape {x.shape}. Each sample needs {say_shape(shape)}."
        )
    if not np.isfinite(x).all():
        row = int(np.argwhere(~np.isfinite(x))[0][0])
        raise InputError(f"Row {row} holds a value that is missing or infinite. Fill it in.")
    return x


def predict_parts(
    model: keras.Model, x: Samples, rows: np.ndarray, white: float, scale: str
) -> np.ndarray:
    """What a model answers to some rows of ``x``, of which 64 MB at most are read at a time."""
    one = max(1, x.nbytes // max(1, len(x)))
    count = max(1, _MOST_BYTES // one // PREDICT_BATCH) * PREDICT_BATCH  # the batches stay the same
    parts = np.split(rows, range(count, len(rows), count))
    return np.concatenate([predict(model, to_model(model, x[p], white, scale)) for p in parts])


def predict(model: keras.Model, x: np.ndarray) -> np.ndarray:
    """What a model of one output answers to (n, *input shape)."""
    answer = model.predict(x, batch_size=PREDICT_BATCH, verbose=0)
    if isinstance(answer, list | dict):
        raise InputError("The model has several outputs. Allowed here: models of one output.")
    return np.asarray(answer)
