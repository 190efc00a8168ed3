"""How much memory a run will need at its peak, and how much it needed.

A rule of thumb with measured factors (docs/data.md): the benchmark ``streaming`` compares it with
what was measured.
"""

import re
import resource
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from experiments.data.catalog import Kind
from experiments.spec.run_spec import RunSpec

_MEGABYTE = 1_000_000
_TENSORFLOW = 340 * _MEGABYTE  # resident in a process that was forked after its import
_OWN = 350 * _MEGABYTE  # more in a process that has imported it itself: the library's file
_GRAPH = 110 * _MEGABYTE  # what the first epoch adds: traced functions, threads, buffers
#: Copies of the samples at a time, the file's own included: tables are standardized in float64.
_COPIES = {Kind.IMAGE: 3.0, Kind.TABULAR: 5.6}
#: Times the budget where samples stream: the pool that trains, and the next one while it is read.
_POOLS = 1.7
_ROW = 50  # bytes: its target, its number in the split and in the order, its hash in the audit
_WEIGHT = 16  # bytes: the weight, its gradient, and the two slots of Adam
_FLOAT = 4
_FROZEN = 8  # bytes of a weight that does not train: itself, and as it is loaded
_INSIDE = 5  # bytes of each number that a layer of a base puts out while it trains (measured)
_FEATURES_BATCH = 64  # samples whose features are computed at a time
_KEPT_OUTPUT = 0.4  # bytes of each number that a layer puts out there: most are let go at once
_OUTPUT = 12  # bytes of each number that a layer puts out: itself, kept, and its gradient


def predict_peak(spec: RunSpec, layers: Sequence[dict[str, Any]], forked: bool = True) -> int:
    """Bytes that training will hold at its peak, TensorFlow included.

    ``layers`` are the rows of models.model_outline; ``forked`` is whether a worker's process
    trains, which shares TensorFlow's files with its siblings.
    """
    info = spec.dataset.info
    samples = min(info.samples, spec.dataset.max_samples or info.samples)
    if spec.dataset.memory_mb is not None:
        data = int(spec.dataset.memory_mb * _MEGABYTE * _POOLS)
    else:
        data = int(samples_bytes(spec) * _COPIES[info.kind])
    model = sum(
        layer["parameters"] * (_WEIGHT if spec.finetune or "inside" not in layer else _FROZEN)
        for layer in layers
    )
    outputs = sum(_numbers(str(layer["output_shape"])) for layer in layers)
    bases = [layer["inside"] for layer in layers if "inside" in layer]
    inside = sum(_all_numbers(base) for base in bases) if spec.finetune else 0
    size = min(spec.training.batch_size, samples)
    batch = size * (outputs * _OUTPUT + inside * _INSIDE)
    if bases:  # its features are computed in batches of one size, and kept
        largest = max(_all_numbers(base) for base in bases)
        batch = max(batch, int(_FEATURES_BATCH * largest * _KEPT_OUTPUT))
        if spec.dataset.memory_mb is None:
            copies = (spec.augmentation and spec.augmentation.cached_copies) or 0
            data += samples * (1 + copies) * _numbers(_features_shape(layers)) * _FLOAT
    base = _TENSORFLOW + _GRAPH + (0 if forked else _OWN)
    return base + data + samples * _ROW + model + batch


def _all_numbers(rows: Sequence[dict[str, Any]]) -> int:
    """How many numbers one sample makes in all layers of a model inside the model."""
    return sum(
        _all_numbers(row["inside"]) if "inside" in row else _numbers(str(row["output_shape"]))
        for row in rows
    )


def _features_shape(layers: Sequence[dict[str, Any]]) -> str:
    return next((str(row["output_shape"]) for row in layers if row["name"] == "features"), "")


def samples_bytes(spec: RunSpec) -> int:
    """Bytes of the samples of a spec, without their targets."""
    info = spec.dataset.info
    samples = min(info.samples, spec.dataset.max_samples or info.samples)
    each = 1 if info.kind is Kind.IMAGE and info.white == 255 else 4
    return samples * int(np.prod(info.shape)) * each


def measured_peak() -> int:
    """Bytes that this process has held at its peak so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _numbers(shape: str) -> int:
    """How many numbers one sample makes in a layer of this output shape, in Keras' text."""
    sizes = [int(size) for size in re.findall(r"\d+", shape)]
    return int(np.prod(sizes)) if sizes else 0
