"""What float32, in which samples are stored, loses of a column."""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from experiments.data.reading.reader import Column, ColumnKind
from experiments.data.reading.tables.column_values import numbers_in

_LARGEST, _SMALLEST = float(np.finfo(np.float32).max), float(np.finfo(np.float32).tiny)
_FEW_STEPS = 256  # between the smallest and the largest, as float32
_STEPS_OF_A_VALUE = 4  # where not all different values are known
_MUCH_EQUAL = 0.01  # of the different values
_DAY = 24 * 60


def why_equal(column: Column) -> str:
    """Why all values of a column are one as float32, as notes say it; "" where they are not."""
    if column.low is None or column.high is None:
        return ""
    if column.low == column.high:
        return "with one value only"
    largest = _largest(column)
    if largest < _SMALLEST:
        return "so small that float32, in which samples are stored, makes them 0"
    if largest < _LARGEST and _step(column) > column.high - column.low:
        return "so large that float32, in which samples are stored, cannot tell them apart"
    return ""


def about_precision(used: Iterable[Column]) -> tuple[str, ...]:
    """Notes on the columns of numbers that lose digits which tell their values apart."""
    return tuple(filter(None, map(_about, used)))


def about_times(dates: Iterable[Column]) -> tuple[str, ...]:
    """A note on how exact the times of day of dates are."""
    found = [column for column in dates if column.has_time and column.days]
    if not found:
        return ()
    farthest = max(abs(np.datetime64(day).astype(int)) for one in found for day in one.days or ())
    minutes = float(np.spacing(np.float32(farthest))) * _DAY
    names = ", ".join(column.name for column in found)
    return (f"Their times are kept to about {minutes:.0f} minutes (float32) in: {names}.",)


def _about(column: Column) -> str:
    if column.kind is not ColumnKind.NUMERIC or column.low is None or column.high is None:
        return ""
    largest, span = _largest(column), column.high - column.low
    if not _SMALLEST <= largest < _LARGEST:
        small = f"{column.name} is so small that float32, in which it is stored, makes it 0."
        return small if 0 < largest < _SMALLEST else ""
    step = _step(column)
    if column.is_integer and step <= 1:
        return ""
    coarse = (
        f"{column.name} is stored in steps of {step:g}, all that float32 can tell apart near "
        f"{largest:,.9g}. Subtract the smallest before, if less matters."
    )
    if not column.categories:
        return coarse if span < step * _STEPS_OF_A_VALUE * column.distinct else ""
    numbers = numbers_in(pa.array(column.categories), column.decimal_comma)
    values = np.unique([] if numbers is None else numbers.drop_null().to_numpy())
    stored = values.astype(np.float32)
    if span < _FEW_STEPS * step and (stored != values).any():
        return coarse
    kept = len(np.unique(stored))
    if len(values) - kept < _MUCH_EQUAL * len(values) or kept == len(values):
        return ""
    return (
        f"{column.name} has {len(values):,} different values, of which float32, in which it is "
        f"stored, tells {kept:,} apart. Scale it before, if that matters."
    )


def _largest(column: Column) -> float:
    return max(abs(column.low or 0.0), abs(column.high or 0.0))


def _step(column: Column) -> float:
    """How far apart float32 has numbers of this size."""
    return float(np.spacing(np.float32(_largest(column))))
