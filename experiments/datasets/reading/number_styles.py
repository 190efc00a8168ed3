"""How numbers are written in a text: with a decimal point, or with a decimal comma."""

import re
from collections.abc import Iterable, Sequence

import pyarrow as pa
import pyarrow.compute as pc

# 1,234,567.8e9: what groups digits stands before three of them. Spaces that break group nothing
# where points are decimal: telephone numbers are written so
_TAIL = r"([eE][+-]?[0-9]+)?|(?i:inf|infinity|nan))$"
_POINT = r"^[+-]?(([0-9]{1,3}([,'’\x{a0}\x{202f}][0-9]{3})+|[0-9]*)(\.[0-9]*)?" + _TAIL
_COMMA = r"^[+-]?(([0-9]{1,3}([. '’\x{a0}\x{202f}][0-9]{3})+|[0-9]*)(,[0-9]*)?" + _TAIL
_GROUPS_OF_COMMAS = r"[. '’\x{a0}\x{202f}]"
_GROUPS_OF_POINTS = r"[,'’\x{a0}\x{202f}]"


def _sure(decimal: str, group: str) -> re.Pattern[str]:
    """A number that can be read in no other way: 1,5 and 0,125 and 1.234,5, but not 1,234."""
    return re.compile(
        rf"[+-]?([0-9]+{decimal}([0-9]{{1,2}}|[0-9]{{4,}})|0?{decimal}[0-9]+|[0-9]{{4,}}{decimal}"
        rf"[0-9]+|[0-9]{{1,3}}({group}[0-9]{{3}})+{decimal}[0-9]*)([eE][+-]?[0-9]+)?"
    )


_SURE_COMMA = _sure(",", r"[. '’\xa0\u202f]")
_SURE_POINT = _sure(r"\.", r"[,'’\xa0\u202f]")
_THOUSAND_OR_NOT = re.compile(r"[+-]?[1-9][0-9]{0,2},[0-9]{3}")


def comma_columns(columns: Sequence[Iterable[str]], delimiter: str) -> frozenset[int]:
    """Which columns, from 0, have decimal commas, by some of their cells.

    A column that shows it is as it shows; others (1,234) are as most of those that do. In a file
    in which none does, cells that are split by semicolons have decimal commas. Where commas split
    the cells and any column has decimal points, "3,5" is a list.
    """
    shown: dict[int, bool] = {}
    unclear = False
    for number, cells in enumerate(columns):
        cells = [text for text in map(str.strip, cells) if "," in text or "." in text]
        comma = any(map(_SURE_COMMA.fullmatch, cells))
        point = any(map(_SURE_POINT.fullmatch, cells))
        if comma != point:
            shown[number] = comma
        unclear = unclear or any(map(_THOUSAND_OR_NOT.fullmatch, cells))
    if delimiter == "," and not all(shown.values()):
        return frozenset()
    commas = sum(shown.values())
    others = 2 * commas >= len(shown) if shown else delimiter == ";" and unclear
    return frozenset(n for n in range(len(columns)) if shown.get(n, others))


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
