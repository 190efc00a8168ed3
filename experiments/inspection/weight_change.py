"""How far one array has moved from another."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

#: Numbers compared at a time, so that the copies in double precision stay small (8 MB each).
_BLOCK = 1_000_000


@dataclass(frozen=True)
class WeightChange:
    """The change of one array from ``a`` to ``b``.

    ``relative`` is |a-b| / |a| (2-norms), ``largest`` the largest |a-b|; both are None where the
    shapes differ, where they are not finite, and ``relative`` also where a is all zeros.
    """

    layer: str | None
    weight: str
    shapes: tuple[tuple[int, ...], tuple[int, ...]]
    identical: bool
    relative: float | None
    largest: float | None


def compare_arrays(
    layer: str | None,
    weight: str,
    shapes: tuple[tuple[int, ...], tuple[int, ...]],
    read_a: Callable[[], np.ndarray],
    read_b: Callable[[], np.ndarray],
) -> WeightChange:
    """Compare two arrays that are read only where their shapes agree."""
    if shapes[0] != shapes[1]:
        return WeightChange(layer, weight, shapes, False, None, None)
    a, b = np.ravel(_numbers(read_a())), np.ravel(_numbers(read_b()))
    if a.dtype == b.dtype and np.array_equal(a.view(np.uint8), b.view(np.uint8)):
        return WeightChange(layer, weight, shapes, True, 0.0, 0.0)
    moved = size = largest = 0.0
    for start in range(0, a.size, _BLOCK):
        before, after = (_wide(array[start : start + _BLOCK]) for array in (a, b))
        with np.errstate(all="ignore"):
            change = np.abs(before - after)
            moved += float(np.sum(change**2))
            size += float(np.sum(np.abs(before) ** 2))
            largest = max(largest, float(np.max(change, initial=0.0)), key=_nan_last)
    relative = math.sqrt(moved / size) if size else (None if moved else 0.0)
    return WeightChange(layer, weight, shapes, largest == 0, _finite(relative), _finite(largest))


def _numbers(array: np.ndarray) -> np.ndarray:
    """HDF5 gives bfloat16 as two bytes of no type; the upper half of a float32."""
    if array.dtype.kind != "V" or array.dtype.itemsize != 2:
        return array
    if array.dtype.names is None and array.dtype.type is not np.void:
        return array
    return (np.asarray(array).view(np.uint16).astype(np.uint32) << 16).view(np.float32)


def _wide(array: np.ndarray) -> np.ndarray:
    return array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)


def _nan_last(value: float) -> float:
    return math.inf if math.isnan(value) else value


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
