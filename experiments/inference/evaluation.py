"""How good a model is on a dataset: metrics from its predictions, by one definition for all."""

from typing import Any

import numpy as np

from experiments.core.errors import InputError
from experiments.data.catalog import Task
from experiments.inference.loaded_models import Source, load
from experiments.inference.model_data import choose_part
from experiments.inference.prediction import predict_parts
from experiments.inference.scores import measure_classes, measure_values, probabilities
from experiments.tracking.store import Store

_MOST = 10_000  # samples; of more, so many are taken evenly spaced


def evaluate(
    store: Store,
    source: Source,
    part: str = "validation",
    dataset: str | None = None,
    scale: str = "raw",
) -> dict[str, Any]:
    """Metrics, and for each sample its ``truth`` and what was ``predicted``: a class or a value.

    ``samples`` of ``total`` were measured; ``note`` says what was done to the outputs, or nothing.
    Raises InputError for data that does not fit, and for predictions that are not numbers.
    """
    loaded = load(store, source)
    chosen = choose_part(loaded, dataset, part)
    info, total = chosen.dataset.info, len(chosen.rows)
    if not total:
        raise InputError(f"The {part} part has no samples. Choose another part.")
    index = chosen.rows[np.linspace(0, total - 1, min(total, _MOST)).astype(int)]
    truth = chosen.y[index].reshape(-1)
    outputs = predict_parts(loaded.model, chosen.x, index, info.white, scale)
    outputs = outputs.reshape(len(index), -1).astype(np.float64)
    if bad := int((~np.isfinite(outputs)).any(axis=1).sum()):
        raise InputError(
            f"The model answers {bad:,} of {len(index):,} samples with NaN or infinity, so there "
            "is nothing to measure. It diverged in training, or expects its input in other units."
        )
    note = ""
    if info.task is Task.REGRESSION:
        metrics, predicted = measure_values(truth, outputs[:, 0]), outputs[:, 0]
    else:
        shares, note = probabilities(outputs)
        metrics, predicted = measure_classes(truth.astype(int), shares), shares.argmax(axis=1)
    return {
        "samples": len(index), "total": total, "metrics": metrics, "task": info.task.value,
        "class_names": list(info.class_names), "target": info.target,
        "truth": truth.tolist(), "predicted": predicted.tolist(), "note": note,
    }  # fmt: skip
