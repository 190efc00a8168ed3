"""Predicting with the saved model of a run: on its own samples, on rows, on a picture."""

import json
import time
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np

from experiments.datasets.catalogue import Kind
from experiments.datasets.loading import Dataset, load_dataset
from experiments.datasets.splits import Split, divide
from experiments.errors import InputError, unknown
from experiments.models import model_outline
from experiments.saving import MODEL_FILE, load_model
from experiments.specs import RunSpec
from experiments.tracking.artifacts import fetch_artifact
from experiments.tracking.runs import get_spec
from experiments.tracking.store import Store
from experiments.training import PREDICT_BATCH

_MOST_SAMPLES = 200
_CHECKED = PREDICT_BATCH  # one whole batch, as it was predicted when the model was saved
_SAME = 1e-5

Answer = dict[str, Any]


class Loaded(NamedTuple):
    """A run's model, read back from its HDF5, with the spec and the data that it belongs to."""

    model: keras.Model
    spec: RunSpec
    dataset: Dataset
    split: Split
    bytes: int
    seconds: float


_loaded: dict[str, Loaded] = {}


def load_run(store: Store, run_id: str) -> Loaded:
    """The model of a run; the last three are kept. Raises ArtifactError and DatasetError."""
    if run_id not in _loaded:
        started = time.perf_counter()
        spec = get_spec(store, run_id)
        path = fetch_artifact(store, run_id, MODEL_FILE)
        model = load_model(path)
        dataset, split = _data(spec.model_dump_json())
        seconds = time.perf_counter() - started
        while len(_loaded) >= 3:
            del _loaded[next(iter(_loaded))]
        _loaded[run_id] = Loaded(model, spec, dataset, split, path.stat().st_size, seconds)
    return _loaded[run_id]


@lru_cache(maxsize=2)
def _data(spec_json: str) -> tuple[Dataset, Split]:
    spec = RunSpec.model_validate_json(spec_json)
    dataset = load_dataset(spec.dataset, spec.seed)
    return dataset, divide(dataset.y, spec.split, spec.seed)


def open_model(store: Store, run_id: str) -> Answer:
    """What was read back, and whether it predicts what was recorded when it was saved."""
    loaded = load_run(store, run_id)
    model, info = loaded.model, loaded.dataset.info
    optimizer = model.optimizer
    return {
        "layers": model_outline(model),
        "parameters": model.count_params(),
        "optimizer": optimizer.name if optimizer else "",
        "optimizer_step": int(optimizer.iterations) if optimizer else 0,
        "loss": loaded.spec.loss,
        "input_shape": list(model.input_shape[1:]),
        "kind": info.kind.value,
        "task": info.task.value,
        "class_names": list(info.class_names),
        "feature_names": list(loaded.dataset.feature_names),
        "check": _check(store, run_id, loaded),
        "bytes": loaded.bytes,
        "seconds": loaded.seconds,
    }


def _check(store: Store, run_id: str, loaded: Loaded) -> Answer:
    with np.load(fetch_artifact(store, run_id, "predictions.npz")) as recorded:
        index = recorded["index"][:_CHECKED]
        before = recorded["prediction"][:_CHECKED]
    now = _predict(loaded.model, loaded.dataset.x[index])
    difference = float(np.max(np.abs(now - before)))
    scale = max(1.0, float(np.max(np.abs(before))))
    return {
        "samples": len(index),
        "max_difference": difference,
        "agrees": difference <= _SAME * scale,
    }


def predict_samples(
    store: Store, run_id: str, part: str = "validation", count: int = 12, start: int = 0
) -> Answer:
    """Samples of the run's own data with their truth and the prediction."""
    loaded = load_run(store, run_id)
    parts = {"validation": loaded.split.validation, "train": loaded.split.train}
    if part not in parts:
        raise InputError(unknown("part", part, parts))
    index = parts[part][start : start + min(count, _MOST_SAMPLES)]
    if not len(index):
        return {"samples": [], "total": len(parts[part])}
    x, y = loaded.dataset.x[index], loaded.dataset.y[index].reshape(len(index))
    samples = [
        {"index": int(i), "input": row.tolist(), "truth": truth.item(), "prediction": p.tolist()}
        for i, row, truth, p in zip(index, x, y, _predict(loaded.model, x), strict=True)
    ]
    return {"samples": samples, "total": len(parts[part])}


def predict_rows(store: Store, run_id: str, rows: list[Any]) -> Answer:
    """Predictions for raw samples: rows of features, or pictures as nested lists."""
    loaded = load_run(store, run_id)
    return {"predictions": _predict(loaded.model, _as_samples(loaded, rows)).tolist()}


def predict_picture(store: Store, run_id: str, path: str) -> Answer:
    """The prediction for a picture file, brought to the model's size, colours and value range."""
    loaded = load_run(store, run_id)
    picture = read_picture(Path(path), loaded.dataset)
    return {
        "predictions": _predict(loaded.model, picture[None]).tolist(),
        "seen": picture.tolist(),
    }


def predict_file(store: Store, run_id: str, path: Path) -> Answer:
    """Predictions for a file of samples: .npy, .npz (its first array), .csv, .json or a picture."""
    if path.suffix.lower() in (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp"):
        return predict_picture(store, run_id, str(path))
    return predict_rows(store, run_id, read_rows(path))


def read_rows(path: Path) -> list[Any]:
    """The samples in a .npy, .npz, .csv or .json file; raises InputError."""
    try:
        match path.suffix.lower():
            case ".npy":
                return np.load(path, allow_pickle=False).tolist()
            case ".npz":
                with np.load(path, allow_pickle=False) as arrays:
                    return arrays[arrays.files[0]].tolist()
            case ".json":
                return json.loads(path.read_text())
            case ".csv":
                return _read_csv(path)
    except (OSError, ValueError, IndexError, EOFError) as error:
        raise InputError(f"{path} cannot be read: {error}.") from None
    raise InputError(
        f"Received {path.name!r}. Allowed: .npy, .npz, .csv, .json, or a picture "
        "(.png, .jpg, .bmp, .gif, .webp)."
    )


def _read_csv(path: Path) -> list[Any]:
    import pandas as pd

    frame = pd.read_csv(path, header=None)
    if not all(pd.api.types.is_numeric_dtype(kind) for kind in frame.dtypes):
        frame = pd.read_csv(path)  # the first line holds names
    return frame.to_numpy(dtype=np.float32).tolist()


def read_picture(path: Path, dataset: Dataset) -> np.ndarray:
    """A picture file as the model expects it: (height, width, channels) float32 in the data set's
    value range. Raises InputError for a model that takes rows and for what is no picture."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    if dataset.info.kind is not Kind.IMAGE:
        raise InputError(
            f"The model was trained on {dataset.info.name}, which has rows of "
            f"{dataset.info.shape[0]} features. Give it rows, as .csv, .json or .npy."
        )
    height, width, channels = dataset.info.shape
    try:
        with Image.open(path) as image:
            upright = ImageOps.exif_transpose(image).convert("L" if channels == 1 else "RGB")
            pixels = np.asarray(upright.resize((width, height), Image.Resampling.LANCZOS))
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f"{path.name} is not a picture that can be read: {error}.") from None
    scaled = pixels.reshape(height, width, channels) / 255.0 * dataset.info.white
    return scaled.astype(np.float32)


def _as_samples(loaded: Loaded, rows: list[Any]) -> np.ndarray:
    shape = tuple(loaded.model.input_shape[1:])
    try:
        x = np.asarray(rows, dtype=np.float32)
    except (ValueError, TypeError):
        raise InputError(
            f"The rows are not all numbers, or not all of one length. Each needs {_words(shape)}."
        ) from None
    if x.shape == shape:
        x = x[None]
    if x.ndim == 2 and x.shape[1] == int(np.prod(shape)):
        x = x.reshape(len(x), *shape)
    if x.shape[1:] != shape or not len(x):
        raise InputError(
            f"Received an array of shape {x.shape}. Each sample needs {_words(shape)}."
        )
    if not np.isfinite(x).all():
        row = int(np.argwhere(~np.isfinite(x))[0][0])
        raise InputError(f"Row {row} holds a value that is missing or infinite. Fill it in.")
    return x


def _words(shape: tuple[int, ...]) -> str:
    if len(shape) == 1:
        return f"{shape[0]} numbers"
    return f"{' × '.join(map(str, shape))} values"


def _predict(model: keras.Model, x: np.ndarray) -> np.ndarray:
    return np.asarray(model.predict(x, batch_size=PREDICT_BATCH, verbose=0))
