"""The values of a column of a table: which texts are missing, numbers, booleans or dates."""

import hashlib
import re
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from experiments.data.reading.reader import ColumnKind, Style
from experiments.data.reading.tables.date_styles import ISO, cast, fitting, formats_of, moments
from experiments.data.reading.tables.number_signs import sign_of, without_sign
from experiments.data.reading.tables.number_styles import as_python_writes

#: Texts that stand for a missing value.
MISSING = (
    *("", "?", "NA", "N/A", "n/a", "#N/A", "#NA", "<NA>", "NaN", "nan", "NAN", "-nan", "-NaN"),
    *("null", "NULL", "Null", "None", r"\N"),  # \N: as MySQL writes it
)
#: Those of them that may as well be the name of a class.
NAMES = ("NA", "N/A", "n/a", "None")
#: Texts that stand for a missing value where all the others are numbers.
MARKS = (
    *("-", "--", ".", "n.a.", "N.A.", "missing", "Missing", "unknown", "Unknown"),
    *("#DIV/0!", "#VALUE!", "#REF!", "#NUM!", "#NAME?"),
)
#: A text of more characters than this is no category, and is shown cut.
LONGEST_CATEGORY = 100

_MISSING, _NOTHING = pa.array(MISSING), pa.array([""])
_MARKS = pa.array(MARKS)
_TRUE = pa.array(["true", "yes"])
_PAIRS = (pa.array(["false", "true"]), pa.array(["no", "yes"]))
_MICROSECONDS_OF_A_DAY = 86_400_000_000


def clean(texts: pa.Array, as_written: bool = False) -> pa.Array:
    """Texts without white space around them; null where they are missing, or ``as_written`` only
    where nothing stands."""
    trimmed = pc.utf8_trim_whitespace(texts)
    missing = _NOTHING if as_written else _MISSING
    return pc.if_else(pc.is_in(trimmed, value_set=missing), pa.scalar(None, pa.string()), trimmed)


def shorten(text: str) -> str:
    """A text that is too long for a category as its start and its hash: longer than any category,
    and still different from other texts."""
    if len(text) <= LONGEST_CATEGORY:
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{text[:LONGEST_CATEGORY]}… {digest}"


def is_text(array: pa.Array) -> bool:
    """Whether the values are written as texts."""
    return pa.types.is_string(array.type)


def numbers_in(array: pa.Array, decimal_comma: bool) -> pa.Array | None:
    """Numbers (float64, null where missing), or None where one of the values is none."""
    if pa.types.is_boolean(array.type) or _is_moment(array.type):
        return None
    if not is_text(array):
        return _without_nan(pc.cast(array, pa.float64(), safe=False))
    numbers = None if decimal_comma else cast(array, pa.float64())
    if numbers is None:
        texts = without_marks(array)
        written = as_python_writes(texts, decimal_comma)
        if written is None and (bare := without_sign(texts)) is not None:
            written = as_python_writes(bare, decimal_comma)
        numbers = None if written is None else cast(written, pa.float64())
    return None if numbers is None else _without_nan(numbers)


def without_marks(texts: pa.Array) -> pa.Array:
    """Texts with null for the marks that numbers have where one is missing."""
    return pc.if_else(pc.is_in(texts, value_set=_MARKS), pa.scalar(None, pa.string()), texts)


def sign_in(array: pa.Array) -> str:
    """The sign of the first of some numbers (see number_signs), "" without one."""
    if not is_text(array):
        return ""
    texts = (one.as_py() for one in array)
    return next((sign_of(text) for text in texts if text is not None and text not in MARKS), "")


def booleans_in(array: pa.Array) -> pa.Array | None:
    """True and false, or yes and no in any case, as 1.0 and 0.0; None where a value is neither."""
    if pa.types.is_boolean(array.type):
        return pc.cast(array, pa.float64())
    if not is_text(array):
        return None
    lower = pc.utf8_lower(array)
    for pair in _PAIRS:
        if pc.all(pc.is_in(lower.drop_null(), value_set=pair)).as_py() is not False:
            truth = pc.cast(pc.is_in(lower, value_set=_TRUE), pa.float64())
            return pc.if_else(pc.is_valid(lower), truth, pa.scalar(None, pa.float64()))
    return None


def date_formats(array: pa.Array, known: Sequence[str] | None = None) -> tuple[str, ...]:
    """The formats (see date_styles) by which all values are dates; of ``known``, if given, else of
    those that the first value may have."""
    if not is_text(array):
        return (ISO,) if _is_moment(array.type) else ()
    if known is None:
        first = array.drop_null()[:1].to_pylist()
        known = fitting(array, [ISO]) or (formats_of(first[0]) if first else ())
    return fitting(array, known)


def days_in(array: pa.Array, date_format: str) -> pa.Array | None:
    """Dates and times as days since 1970; None where a value is none of this format."""
    found = None
    if _is_moment(array.type):
        found = pc.cast(array, pa.timestamp("us", getattr(array.type, "tz", None)), safe=False)
    elif is_text(array):
        found = moments(array, date_format)
    if found is None:
        return None
    since = pc.cast(pc.cast(found, pa.int64()), pa.float64(), safe=False)
    return pc.divide(since, float(_MICROSECONDS_OF_A_DAY))


def values_in(array: pa.Array, kind: ColumnKind, style: Style) -> np.ndarray | None:
    """The values of a numeric, boolean or date column: (n,) float64, NaN where missing.

    None where one of them is not of that kind.
    """
    if kind is ColumnKind.NUMERIC:
        values = numbers_in(array, style.decimal_comma)
    elif kind is ColumnKind.BOOLEAN:
        values = booleans_in(array)
    else:
        values = days_in(array, style.date_format)
    if values is None:
        return None
    return values.to_numpy(zero_copy_only=False).astype(np.float64, copy=False)


def texts_in(array: pa.Array) -> list[str]:
    """The values as they are written, those that are missing left out."""
    array = array.drop_null()
    if is_text(array):
        return [shorten(text) for text in array.to_pylist()]
    if _is_moment(array.type):
        return list(pc.cast(array, pa.string()).to_pylist())
    return [str(value) for value in array.to_numpy(zero_copy_only=False)]


def as_names(array: pa.Array) -> pa.Array:
    """The values as texts that are names: a whole number is "1" where it is stored as 1.0 too, a
    midnight is only its day; texts are as they are."""
    if is_text(array):
        return array
    if _is_moment(array.type):
        texts = pc.replace_substring_regex(pc.cast(array, pa.string()), r"[.]0+(Z?)$", r"\1")
        return pc.replace_substring_regex(texts, " 00:00:00Z?$", "")
    encoded = pc.dictionary_encode(array)
    values = encoded.dictionary.to_numpy(zero_copy_only=False)
    if pa.types.is_floating(array.type):
        # + 0: -0.0 is 0.0
        names = [f"{one + 0:.0f}" if one.is_integer() else str(one) for one in values]
    else:
        names = [re.sub(r"[.]0+$", "", str(one)) for one in values]
    return pa.array(names, pa.string()).take(encoded.indices)


def _is_moment(kind: pa.DataType) -> bool:
    return bool(pa.types.is_timestamp(kind) or pa.types.is_date(kind))


def _without_nan(numbers: pa.Array) -> pa.Array:
    nan = pc.is_nan(numbers)
    if not pc.any(nan).as_py():
        return numbers
    return pc.if_else(nan, pa.scalar(None, pa.float64()), numbers)
