"""Numbers that may be the names of columns: they count, are years, or far from those below."""

import re
from collections.abc import Sequence

from experiments.data.reading.tables.column_values import MARKS, MISSING

#: Columns: no sample counts so far by chance.
LONG_COUNT = 10
#: Columns: nor goes so far in steps of 2.
LONG_STEPS = 5

_FEW_ROWS = 3  # show nothing about a column
_WHOLE = re.compile(r"[-+]?[0-9]+")
_NUMBER = re.compile(r"[-+]?([0-9]+([.,][0-9]*)?|[.,][0-9]+)([eE][-+]?[0-9]+)?")
_YEAR = re.compile(r"1[5-9][0-9]{2}|20[0-9]{2}")
_MISSING = frozenset((*MISSING, *MARKS))


def counts(texts: Sequence[str]) -> bool:
    """Whether they are whole numbers, each one more than the one before; of many, equal steps."""
    if len(texts) < 2 or not all(text.isascii() and text.isdigit() for text in texts[:2]):
        return False
    start, step = int(texts[0]), int(texts[1]) - int(texts[0])
    if step < 1 or (step > 1 and len(texts) < LONG_STEPS):
        return False
    return all(text == str(start + step * n) for n, text in enumerate(map(str.strip, texts)))


def are_years(texts: Sequence[str]) -> bool:
    """Whether they are years, of 1500 to 2099; missing ones do not count."""
    present = _present(texts)
    return bool(present) and all(map(_YEAR.fullmatch, present))


def has_no_whole_number(column: Sequence[str]) -> bool:
    """Whether whole numbers are strange to a column: it has fractions, texts or dates alone."""
    present = _present(column)
    return len(present) >= _FEW_ROWS and not any(map(_WHOLE.fullmatch, present))


def has_no_number(column: Sequence[str]) -> bool:
    """Whether a column has texts or dates alone."""
    present = _present(column)
    return bool(present) and not any(map(_NUMBER.fullmatch, present))


def has_numbers_alone(column: Sequence[str]) -> bool:
    """Whether all of a column are numbers, missing ones aside."""
    present = _present(column)
    return bool(present) and all(map(_NUMBER.fullmatch, present))


def is_far_from(name: str, column: Sequence[str]) -> bool:
    """Whether a number is further from all of a column than those are from each other."""
    present = _present(column)
    if not present or not all(map(_NUMBER.fullmatch, (name, *present))):
        return False
    numbers = [float(text.replace(",", ".")) for text in present]
    low, high = min(numbers), max(numbers)
    return not 2 * low - high <= float(name.replace(",", ".")) <= 2 * high - low


def _present(texts: Sequence[str]) -> list[str]:
    return [text for text in map(str.strip, texts) if text not in _MISSING]
