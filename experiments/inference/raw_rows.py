"""Rows of a table as users write them, as the numbers that a saved model takes."""

import math
import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from experiments.core.errors import InputError
from experiments.core.words import listed
from experiments.data.catalog import DatasetInfo, Kind, Source
from experiments.data.reading.tables.column_values import MISSING, days_in
from experiments.data.reading.tables.date_styles import ISO
from experiments.data.reading.tables.number_signs import without_sign

_WORDS = {"true": 1.0, "yes": 1.0, "false": 0.0, "no": 0.0}
_DAY = 86_400
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)([.][0-9]+)?")  # and not 01234, a code


def takes_raw_rows(info: DatasetInfo) -> bool:
    """Whether models of a dataset take rows with missing values, and categories by number."""
    return info.source is Source.STORED and info.kind is Kind.TABULAR


def encode_rows(info: DatasetInfo, rows: Sequence[Any]) -> np.ndarray:
    """Rows of the features of a stored table as its samples are, float32 (n, features).

    A category is given by its name (1, 1.0 and "1" are the same, 01 is another), a date as in the
    dataset's file, as ISO 8601 or in days since 1970, a truth as true, false, yes or no; None and
    what the readers of files take for missing become NaN. Raises InputError with the row (from 1)
    and the column.
    """
    if rows and not isinstance(rows[0], list | tuple):
        rows = [rows]
    names = info.feature_names
    categories = [_names(some) if some else None for some in info.categories]
    formats = info.date_formats or [""] * len(names)
    found = np.empty((len(rows), len(names)), np.float32)
    for number, row in enumerate(rows):
        if not isinstance(row, list | tuple) or len(row) != len(names):
            received = len(row) if isinstance(row, list | tuple) else repr(row)
            raise InputError(
                f"Row {number + 1}: received {received} values. Each row needs {len(names)}: "
                f"{listed(names)}."
            )
        for i, value in enumerate(row):
            where = f"Row {number + 1}, {names[i]}"
            some = categories[i]
            found[number, i] = (
                _category(value, some, where) if some else _number(value, formats[i], where)
            )
    return found


class _Names(NamedTuple):
    """Where each category is: by its name, and by what it means if no other means the same."""

    written: dict[str, int]
    meant: dict[str | Decimal, int]


def _names(categories: Sequence[str]) -> _Names:
    meanings = [_meaning(text) for text in categories]
    times = Counter(meanings)
    return _Names(
        {text: place for place, text in enumerate(categories)},
        {one: at for at, one in enumerate(meanings) if one is not None and times[one] == 1},
    )


def _meaning(text: str) -> str | Decimal | None:
    """The number, or the truth in small letters, that a name is; None for others, and for codes."""
    if text.lower() in ("true", "false"):
        return text.lower()
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def _category(value: Any, names: _Names, where: str) -> float:
    if _is_missing(value):
        return math.nan
    text = str(value).strip()
    if text in names.written:
        return names.written[text]
    # A column of whole numbers with one missing is read as floats
    is_whole = isinstance(value, float) and value.is_integer()
    meaning = _meaning(str(int(value)) if is_whole else text)
    if meaning is None or meaning not in names.meant:
        raise InputError(
            f"{where}: received {text!r}. Allowed: {listed(list(names.written))}, or nothing if "
            f"it is not known."
        )
    return names.meant[meaning]


def _number(value: Any, date_format: str, where: str) -> float:
    if _is_missing(value):
        return math.nan
    text = str(value).strip().lower()
    found = _WORDS.get(text)
    if found is None:
        try:
            found = float(value)
        except (TypeError, ValueError):
            bare = without_sign(pa.array([text]))
            found = _days(text, date_format) if bare is None else _float(bare[0].as_py())
    if found is None or math.isinf(found):
        raise InputError(
            f"{where}: received {value!r}. Allowed: a number, a date such as 2024-01-31, true or "
            "false, or nothing if it is not known."
        )
    return found


def _float(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _is_missing(value: Any) -> bool:
    if isinstance(value, str):
        return value.strip() in MISSING
    return value is None or (isinstance(value, float) and math.isnan(value))


def _days(text: str, date_format: str) -> float | None:
    if date_format and (days := days_in(pa.array([text]), date_format)) is not None:
        return float(days[0].as_py())
    try:
        moment = datetime.fromisoformat(text.upper())
    except ValueError:
        days = days_in(pa.array([text.upper()]), ISO)  # 00:00 +0200, and UTC
        return None if days is None else float(days[0].as_py())
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment.timestamp() / _DAY
