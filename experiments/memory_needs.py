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

from experiments.datasets.catalogue import Kind
from experiments.specs import RunSpec

_MEGABYTE = 1_000_000
_TENSORFLOW = 690 * _MEGABYTE  # resident once it is imported
_GRAPH = 110 * _MEGABYTE  # what the first epoch adds: traced functions, threads, buffers
#: Copies of the samples at a time, the file's own included: tables are standardised in float64.
_COPIES = {Kind.IMAGE: 3.0, Kind.TABULAR: 4.6}
_ROW = 50  # bytes: its target, its number in the split and in the order, its hash in the audit
_WEIGHT = 16  # bytes: the weight, its gradient, and the two slots of Adam
_OUTPUT = 12  # bytes of each number that a layer puts out: itself, kept, and its gradient


def predict_peak(spec: RunSpec, layers: Sequence[dict[str, Any]]) -> int:
    """Bytes that training will hold at its peak, TensorFlow included.

    ``layers`` are the rows of models.model_outline.
    """
    info = spec.dataset.info
    samples = min(info.samples, spec.dataset.max_samples or info.samples)
    if spec.dataset.memory_mb is not None:
        data = spec.dataset.memory_mb * _MEGABYTE
    else:
        data = int(samples_bytes(spec) * _COPIES[info.kind])
    model = sum(layer["parameters"] for layer in layers) * _WEIGHT
    outputs = sum(_numbers(str(layer["output_shape"])) for layer in layers)
    batch = min(spec.training.batch_size, samples) * outputs * _OUTPUT
    return _TENSORFLOW + _GRAPH + data + samples * _ROW + model + batch


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
