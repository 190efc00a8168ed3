"""How numbers are written in a text: with a decimal point, or with a decimal comma."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from experiments.data.reading.tables.number_signs import bare

# 1,234,567.8e9: what groups digits stands before three of them. Where points are decimal, spaces
# that break group digits only before a point and one or two more: telephone numbers have spaces
_TAIL = r"([eE][+-]?[0-9]+)?|(?i:inf|infinity|nan))$"
_SPACED = r"[0-9]{1,3}( [0-9]{3})+\.[0-9]{1,2}|"
_POINT = (
    rf"^[+-]?({_SPACED}([0-9]{{1,3}}([,'’\x{{a0}}\x{{202f}}][0-9]{{3}})+|[0-9]*)(\.[0-9]*)?" + _TAIL
)
_COMMA = r"^[+-]?(([0-9]{1,3}([. '’\x{a0}\x{202f}][0-9]{3})+|[0-9]*)(,[0-9]*)?" + _TAIL
_GROUPS_OF_COMMAS = r"[. '’\x{a0}\x{202f}]"
_GROUPS_OF_POINTS = r"[, '’\x{a0}\x{202f}]"


def _sure(decimal: str, group: str) -> re.Pattern[str]:
    """A number that can be read in no other way: 1,5 and 0,125 and 1.234,5, but not 1,234."""
    return re.compile(
        rf"[+-]?([0-9]+{decimal}([0-9]{{1,2}}|[0-9]{{4,}})|0?{decimal}[0-9]+|[0-9]{{4,}}{decimal}"
        rf"[0-9]+|[0-9]{{1,3}}({group}[0-9]{{3}})+{decimal}[0-9]*)([eE][+-]?[0-9]+)?"
    )


_SURE_COMMA = _sure(",", r"[. '’\xa0\u202f]")
_SURE_POINT = _sure(r"\.", r"[, '’\xa0\u202f]")
_THOUSAND_OR_NOT = re.compile(r"[+-]?[1-9][0-9]{0,2}[.,][0-9]{3}")


class AmbiguousNumber(NamedTuple):
    """A column, from 0, whose numbers could be thousands as well as decimals, and one of them.

    ``others`` is whether other columns show how they are written.
    """

    column: int
    text: str
    others: bool


class Commas(NamedTuple):
    """Which columns, from 0, have decimal commas, and which of all are unclear."""

    columns: frozenset[int]
    unclear: tuple[AmbiguousNumber, ...] = ()


def find_commas(columns: Sequence[Iterable[str]], delimiter: str) -> Commas:
    """Which columns have decimal commas, by some of their cells.

    A column that shows it is as it shows; others (1,234) are as most of those that do. In a file
    in which none does, cells that are split by semicolons have decimal commas. Where commas split
    the cells and any column has decimal points, "3,5" is a list.
    """
    shown: dict[int, bool] = {}
    either: dict[int, str] = {}
    for number, cells in enumerate(columns):
        cells = [bare(text) for text in map(str.strip, cells) if "," in text or "." in text]
        comma = any(map(_SURE_COMMA.fullmatch, cells))
        point = any(map(_SURE_POINT.fullmatch, cells))
        if comma != point:
            shown[number] = comma
        elif not comma and (found := next(filter(_THOUSAND_OR_NOT.fullmatch, cells), None)):
            either[number] = found
    if delimiter == "," and not all(shown.values()):
        return Commas(frozenset())
    commas = sum(shown.values())
    with_comma = any("," in text for text in either.values())
    others = 2 * commas >= len(shown) if shown else delimiter == ";" and with_comma
    unclear = tuple(
        AmbiguousNumber(number, text, bool(shown))
        for number, text in either.items()
        if _could_be_otherwise(text, others, list(shown.values()), delimiter)
    )
    return Commas(frozenset(n for n in range(len(columns)) if shown.get(n, others)), unclear)


def _could_be_otherwise(text: str, commas: bool, shown: list[bool], delimiter: str) -> bool:
    """Whether neither the sign itself nor the other columns speak for how a number is read."""
    if "." in text and commas:
        return True  # 52.516 beside 0,5: a thousand, or from elsewhere
    if "." in text:
        return delimiter != "," and not shown
    return not shown or len(set(shown)) > 1


def about_unclear(
    unclear: Sequence[tuple[str, AmbiguousNumber]], commas: frozenset[int]
) -> tuple[str, ...]:
    """A note for the columns, by name, that are read in the same way."""
    notes: dict[tuple[str, bool], tuple[str, list[str]]] = {}
    for name, (column, text, others) in unclear:
        sign = "." if "." in text else ","
        decimal = (sign == ",") is (column in commas)
        read = f"{float(text.replace(sign, '.' if decimal else '')):.15g}"
        since = (
            "because other columns have decimal commas" if others and column in commas
            else "as most columns are" if others
            else "because the file does not show which is meant"
        )  # fmt: skip
        wish = "groups thousands" if decimal else "is decimal"
        option = sign if not decimal else {".": ",", ",": "."}[sign]
        words = (
            f"In {{}}: {text} is read as {read}, {since}. If the "
            f"{'point' if sign == '.' else 'comma'} {wish}, say so in Numbers (--decimal "
            f"{option}), which applies to all columns."
        )
        notes.setdefault((sign, decimal), (words, []))[1].append(name)
    return tuple(words.format(", ".join(names[:10])) for words, names in notes.values())


def are_numbers(texts: pa.Array, decimal_comma: bool) -> pa.Array:
    """Whether each text is written as a number; null where there is none."""
    return pc.match_substring_regex(texts, _COMMA if decimal_comma else _POINT)


def as_python_writes(texts: pa.Array, decimal_comma: bool) -> pa.Array | None:
    """Numbers without what groups their digits, with decimal points; None where one is none."""
    if pc.all(are_numbers(texts, decimal_comma)).as_py() is False:
        return None
    plain = pc.replace_substring_regex(
        texts, _GROUPS_OF_COMMAS if decimal_comma else _GROUPS_OF_POINTS, ""
    )
    return pc.replace_substring(plain, ",", ".") if decimal_comma else plain
