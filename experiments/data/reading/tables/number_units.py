"""Texts that may be amounts: 50 kg, (5), 1,23,456, 5 and 10 %."""

import re
from collections.abc import Iterable
from typing import NamedTuple

_NUMBER = (
    "(?P<number>[+\N{MINUS SIGN}-]?"
    r"([0-9]{1,3}([,.'’ \xa0\u202f][0-9]{3})+([.,][0-9]+)?|[0-9]+([.,][0-9]+)?))"
)
_SIGN = "[%€$£₹¥₩₽₺]"
_PLAIN = re.compile(_NUMBER)
_INDIAN = r"[+-]?₹? ?[0-9]{1,2}(,[0-9]{2})+,[0-9]{3}(\.[0-9]+)?"
_OTHERWISE = re.compile(rf"\({_SIGN}?{_NUMBER} ?%?\)|{_INDIAN}")
_SIGNED = re.compile(rf"-?(?P<before>{_SIGN})? ?{_NUMBER} ?(?P<after>{_SIGN})?")
_WITH_UNIT = re.compile(rf"{_NUMBER}(?P<gap>[ \xa0\u202f]?)(?P<unit>°?[^\W\d_]*(/[^\W\d_]+)?)")
_LONGEST_UNIT = 6
_NO_UNITS = ("st", "nd", "rd", "th", "am", "pm")
_CAPITAL_UNITS = "KM"  # thousands and millions; 3D and 85123A are names
_NEARLY_ALL = 0.9


class Amounts(NamedTuple):
    """What stands beside the numbers, "" for brackets and the like, and one of the texts."""

    unit: str
    example: str


def amounts_in(texts: Iterable[str]) -> Amounts | None:
    """What different texts are, if nearly all are numbers with the same unit, or else numbers of
    which some have the same sign, stand in brackets, or are grouped as in India; None otherwise."""
    texts = list(texts)
    first: dict[str, str] = {}
    counts: dict[str, int] = {}
    plain = 0
    for text in texts:
        if _PLAIN.fullmatch(text):
            plain += 1
        elif (unit := _unit_of(text)) is not None:
            first.setdefault(unit, text)
            counts[unit] = counts.get(unit, 0) + 1
    if not counts:
        return None
    unit = max(counts, key=lambda one: counts[one])
    beside = plain if not unit or re.fullmatch(_SIGN, unit) else 0
    if counts[unit] + beside < _NEARLY_ALL * len(texts):
        return None
    return Amounts(unit, first[unit])


def _unit_of(text: str) -> str | None:
    """What stands beside a number, "" for brackets and groups of two; None for other texts."""
    if _OTHERWISE.fullmatch(text):
        return ""
    if signed := _SIGNED.fullmatch(text):
        return signed["before"] or signed["after"] or ""
    found = _WITH_UNIT.fullmatch(text)
    if found is None or not 0 < len(found["unit"]) <= _LONGEST_UNIT:
        return None
    unit = found["unit"]
    if unit.lower() in _NO_UNITS:
        return None
    if not found["gap"]:
        of_decades = unit == "s" and found["number"].endswith("0")  # 20s, 1980s
        if of_decades or (len(unit) == 1 and unit.isupper() and unit not in _CAPITAL_UNITS):
            return None
    return unit
