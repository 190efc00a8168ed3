"""How dates are written in a text: 2024-01-31, 31.01.2024, 1/31/24 1:05 PM, 24-1-31, 3 Jan 2024,
and as months 2024-01, Jan 2024."""

import re
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

#: 2024-01-31, 2024-01-31T13:05:00Z and the like; all other formats are of strptime, and without a
#: day (%d) of the first of the month.
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
# 1949-01, and not 4711-01
_MONTH = re.compile(
    r"(1[5-9]|20|21)\d{2}(?P<sep>[-/])(0[1-9]|1[0-2])"
    r"|[A-Za-z]{3,9}(?P<gap>[ -])(?P<year>(1[5-9]|20|21)\d{2}|\d{2})",
    re.ASCII,
)
_SEASON = re.compile(r"[0-9]{4}[-/][0-9]{2}")
# What Arrow does not read: white space before a zone, its name, more than six digits of a second
_ZONE = r"([0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.][0-9]{1,6})?)?)[0-9]* ?(Z|UTC|GMT|[+-][0-9:]{2,6}|)$"
_NAMED = "(UTC|GMT)$"
_FIRST_PARTS = {"%d": "day", "%m": "month", "%y": "year"}
_MUCH_WIDER = 3
_TIME = re.compile(
    r"(?P<gap>,? |T)\d{1,2}:\d{2}(?P<seconds>:\d{2})?(?P<half> ?[AaPp][Mm])?", re.ASCII
)


def formats_of(text: str) -> tuple[str, ...]:
    """The formats (of strptime) by which a text may be a date; several where the month, the day or
    the year may stand first, in this order. Without any, it may still be ISO 8601."""
    if month := _MONTH.fullmatch(text):
        gap = month["gap"]
        return (f"%b{gap}{_year(month['year'])}" if gap else f"%Y{month['sep']}%m",)
    date = _WRITTEN.match(text)
    if date is None:
        return ()
    rest = text[date.end() :]
    time = _TIME.fullmatch(rest)
    if rest and time is None:
        return ()
    return tuple(f"{day}{_time_format(time)}" for day in _day_formats(date))


def is_month(text: str) -> bool:
    """Whether a text is a month of a year: 1949-01, Jan 1949. Columns are often called so."""
    return _MONTH.fullmatch(text.strip()) is not None


def first_part(date_format: str) -> str:
    """What stands first where all parts are numbers and it could be another: "day", "month" or
    "year" (of two digits); "" for other formats."""
    return "" if "%b" in date_format else _FIRST_PARTS.get(date_format[:2], "")


def moments(texts: pa.Array, date_format: str) -> pa.Array | None:
    """Dates as timestamps (µs, UTC where a zone is written), null where missing; None where a text
    is no date of that format."""
    if date_format == ISO:
        return _moments_of_iso(texts)
    texts, date_format = _with_days(texts, date_format)
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


def are_dates(texts: pa.Array, date_format: str) -> pa.Array:
    """Whether each text is a date of a format of strptime; null where there is none."""
    texts, date_format = _with_days(texts, date_format)
    pattern = _pattern(date_format)
    fits = pc.match_substring_regex(texts, pattern)
    texts = pc.if_else(fits, texts, pa.scalar(None, pa.string()))
    found = pc.strptime(texts, format=date_format, unit="us", error_is_null=True)
    days = pc.cast(pc.replace_substring_regex(texts, pattern, r"\1"), pa.int64())
    return pc.and_(fits, pc.fill_null(pc.equal(pc.day(found), days), False))


def _moments_of_iso(texts: pa.Array) -> pa.Array | None:
    found = _cast_moments(texts)
    if found is None and pc.all(pc.match_substring_regex(texts, _ZONE)).as_py() is not False:
        texts = pc.replace_substring_regex(texts, _ZONE, r"\1\2")
        found = _cast_moments(pc.replace_substring_regex(texts, _NAMED, "Z"))
    return found


def _cast_moments(texts: pa.Array) -> pa.Array | None:
    naive = cast(texts, pa.timestamp("us"))
    return cast(texts, pa.timestamp("us", "UTC")) if naive is None else naive


def _with_days(texts: pa.Array, date_format: str) -> tuple[pa.Array, str]:
    """Months as the first of each."""
    if "%d" in date_format:
        return texts, date_format
    return pc.binary_join_element_wise(texts, "01", " "), f"{date_format} %d"


def fitting(texts: pa.Array, formats: Sequence[str]) -> tuple[str, ...]:
    """Those of some formats by which all texts are dates."""
    fits = tuple(one for one in formats if moments(texts, one) is not None)
    months = fits in (("%Y-%m",), ("%Y/%m",))
    return () if months and are_seasons(pc.unique(texts.drop_null()).to_pylist()) else fits


def are_seasons(texts: Sequence[str]) -> bool:
    """Whether different texts are two years each, 2009/10 and 2010/11, rather than months."""
    return len(texts) > 1 and all(
        _SEASON.fullmatch(text) and (int(text[2:4]) + 1) % 100 == int(text[5:]) for text in texts
    )


def likely(texts: Sequence[str], spans: Mapping[str, float]) -> tuple[str, ...]:
    """Those of the formats by which all dates can be read that are likely, the first one most.

    Dates that are all the 1st, or else of another day of their months, stand for whole months.
    ``spans`` are how many days the dates lie apart by each format.
    """
    dates = {one: moments(pa.array(texts, pa.string()), one) for one in spans}
    days = {one: pc.unique(pc.day(at)).to_pylist() for one, at in dates.items() if at is not None}
    close = _close(spans)
    if len(firsts := [one for one, found in days.items() if found == [1]]) == 1:
        # By 21-05-01 alone it may still be the 21st, of 2001
        unsure = first_part(firsts[0]) == "year" and firsts[0] not in close
        return (*firsts, *close) if unsure else tuple(firsts)
    same = tuple(one for one in close if len(days.get(one, ())) == 1)
    return same if len(same) == 1 else close


def _close(spans: Mapping[str, float]) -> tuple[str, ...]:
    """Formats without those by which dates are scattered: a year that is read as a day spreads
    them over decades. 21-01-31, 21-02-15, 22-01-01 are a year, or from 2001 to 2031."""
    year = [one for one in spans if first_part(one) == "year"]
    others = [one for one in spans if one not in year]
    if not year or not others:
        return tuple(spans)
    with_year, without = spans[year[0]], min(spans[one] for one in others)
    if with_year * _MUCH_WIDER < without:
        return tuple(year)
    return tuple(others) if without * _MUCH_WIDER < with_year else (*others, *year)


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
    both = (day_first,) if sep == "." else (month_first, day_first)
    return (*both, f"%y{sep}%m{sep}%d") if len(date["a"]) == len(date["c"]) == 2 else both


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
