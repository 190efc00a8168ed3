"""How dates are written in a text: 2024-01-31, 31.01.2024, 1/31/24 1:05 PM, 31 Jan 2024."""

import re
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

#: 2024-01-31, 2024-01-31T13:05:00Z and the like; all other formats are of strptime.
ISO = "ISO 8601"
# What stands for each part of a format; a month's name may be short or whole
_PARTS = {
    "%Y": "[0-9]{4}", "%y": "[0-9]{2}", "%m": "[0-9]{1,2}", "%d": "([0-9]{1,2})",
    "%b": "[A-Za-z]{3,9}", "%H": "[0-9]{1,2}", "%I": "[0-9]{1,2}", "%M": "[0-9]{2}",
    "%S": "[0-9]{2}", "%p": "[AaPp][Mm]",
}  # fmt: skip
_WRITTEN = re.compile(
    r"(?P<numbers>(?P<a>\d{1,4})(?P<sep>[./-])(?P<b>\d{1,2})(?P=sep)(?P<c>\d{4}|\d{1,2}))"
    r"|(?P<day>\d{1,2})(?P<gap>[ -])[A-Za-z]{3,9}(?P=gap)(?P<year>\d{4}|\d{2})"
    r"|(?P<month>[A-Za-z]{3,9}) \d{1,2}(?P<comma>,?) (?P<after>\d{4})",
    re.ASCII,
)
_TIME = re.compile(
    r"(?P<gap>,? |T)\d{1,2}:\d{2}(?P<seconds>:\d{2})?(?P<half> ?[AaPp][Mm])?", re.ASCII
)


def formats_of(text: str) -> tuple[str, ...]:
    """The formats (of strptime) by which a text may be a date; two where the month or the day may
    stand first, in this order. Without any, it may still be ISO 8601."""
    date = _WRITTEN.match(text)
    if date is None:
        return ()
    rest = text[date.end() :]
    time = _TIME.fullmatch(rest)
    if rest and time is None:
        return ()
    return tuple(f"{day}{_time_format(time)}" for day in _day_formats(date))


def has_day_first(date_format: str) -> bool | None:
    """Whether the day stands before the month where both are numbers; None for other formats."""
    first = date_format[:2]
    return first == "%d" if first in ("%d", "%m") and "%b" not in date_format else None


def moments(texts: pa.Array, date_format: str) -> pa.Array | None:
    """Dates as timestamps (µs, UTC where a zone is written), null where missing; None where a text
    is no date of that format."""
    if date_format == ISO:
        naive = cast(texts, pa.timestamp("us"))
        return cast(texts, pa.timestamp("us", "UTC")) if naive is None else naive
    pattern = _pattern(date_format)
    if pc.all(pc.match_substring_regex(texts, pattern)).as_py() is False:
        return None
    found = pc.strptime(texts, format=date_format, unit="us", error_is_null=True)
    days = pc.cast(pc.replace_substring_regex(texts, pattern, r"\1"), pa.int64())
    # strptime takes February 31st for March 2nd
    if (
        found.null_count != texts.null_count
        or pc.all(pc.equal(pc.day(found), days)).as_py() is False
    ):
        return None
    return found


def fitting(texts: pa.Array, formats: Sequence[str]) -> tuple[str, ...]:
    """Those of some formats by which all texts are dates."""
    return tuple(one for one in formats if moments(texts, one) is not None)


def of_one_day(texts: Sequence[str], formats: Sequence[str]) -> str | None:
    """The one of two formats by which all dates are of the same day of their months, as dates that
    stand for whole months are; None where it is neither or both."""
    days = {one: moments(pa.array(texts, pa.string()), one) for one in formats}
    same = [one for one, at in days.items() if at is not None and len(pc.unique(pc.day(at))) == 1]
    return same[0] if len(same) == 1 else None


def _day_formats(date: re.Match[str]) -> tuple[str, ...]:
    if date["month"]:
        return (f"%b %d{date['comma']} %Y",)
    if date["day"]:
        gap = date["gap"]
        return (f"%d{gap}%b{gap}{_year(date['year'])}",)
    sep = date["sep"]
    if len(date["a"]) == 4:
        # 2024-01-31 is ISO 8601, however its time is written
        return (f"%Y{sep}%m{sep}%d",) if len(date["c"]) <= 2 else ()
    if len(date["a"]) > 2 or len(date["c"]) == 1:
        return ()
    year = _year(date["c"])
    day_first, month_first = f"%d{sep}%m{sep}{year}", f"%m{sep}%d{sep}{year}"
    return (day_first,) if sep == "." else (month_first, day_first)


def _year(digits: str) -> str:
    return "%Y" if len(digits) == 4 else "%y"


def _time_format(time: re.Match[str] | None) -> str:
    if time is None:
        return ""
    seconds = ":%S" if time["seconds"] else ""
    if not time["half"]:
        return f"{time['gap']}%H:%M{seconds}"
    return f"{time['gap']}%I:%M{seconds}{' ' if time['half'][0] == ' ' else ''}%p"


def _pattern(date_format: str) -> str:
    parts = re.split(r"(%[A-Za-z])", date_format)
    return f"^{''.join(_PARTS.get(part) or re.escape(part) for part in parts)}$"


def cast(texts: pa.Array, kind: pa.DataType) -> pa.Array | None:
    """Texts as Arrow reads them for a type; None where it cannot."""
    try:
        return pc.cast(texts, kind)
    except pa.ArrowInvalid:
        return None
