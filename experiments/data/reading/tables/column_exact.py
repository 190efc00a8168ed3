"""Whole numbers that float64 cannot tell apart, exactly: ids and classes of 16 digits and more."""

import re

import numpy as np
import pyarrow as pa

from experiments.data.reading.keys import same_number
from experiments.data.reading.tables.column_values import is_text, numbers_in, without_marks
from experiments.data.reading.tables.number_styles import as_python_writes

#: From here on float64 has not all whole numbers.
FIRST_LARGE = float(1 << 53)
_WHOLE = re.compile(r"([+-]?[0-9]+)([.]0*)?")


def is_large(low: float | None, high: float | None) -> bool:
    """Whether a column with these limits has whole numbers that float64 may not tell apart."""
    return low is not None and high is not None and max(-low, high) >= FIRST_LARGE


def exact_in(array: pa.Array, decimal_comma: bool) -> list[int | float] | None:
    """Numbers, those that are large exactly: for a few values, NaN where missing; None where one is
    none."""
    numbers = numbers_in(array, decimal_comma)
    if numbers is None:
        return None
    values = numbers.to_numpy(zero_copy_only=False).astype(np.float64).tolist()
    large = _large(np.array(values))
    if len(large):
        written = as_python_writes(without_marks(array), decimal_comma) if is_text(array) else None
        array = array if written is None else written
        for place in large:
            digits = _WHOLE.fullmatch(str(array[int(place)].as_py()))
            values[place] = int(digits[1] if digits else values[place])
    return values


def exact_groups(array: pa.Array, decimal_comma: bool) -> np.ndarray | None:
    """The groups of some numbers, int64 (n,): the bits of a float64, or a hash of the digits of one
    that is large; None where one is no number."""
    encoded = array.dictionary_encode()
    exact = exact_in(encoded.dictionary, decimal_comma)
    if exact is None:
        return None
    values = np.array(exact, np.float64) + 0  # -0.0 + 0 is 0.0, which it equals
    groups = values.view(np.int64).copy()
    for place in _large(values):
        groups[place] = same_number(str(exact[place]))
    return groups[encoded.indices.to_numpy(zero_copy_only=False)]


def _large(values: np.ndarray) -> np.ndarray:
    return np.flatnonzero((np.abs(values) >= FIRST_LARGE) & np.isfinite(values))
