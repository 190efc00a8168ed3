"""Signs around numbers: 10.25 %, $5, 3 €, and the minus sign of typesetters."""

import re

import pyarrow as pa
import pyarrow.compute as pc

_SIGNS = "%€$£"
_SPACE = r"[ \x{a0}\x{202f}]*"
_GAP = "[ \xa0\u202f]*"  # the same, as Python's expressions write it
_MINUS = "\N{MINUS SIGN}"


def sign_of(text: str) -> str:
    """The sign at one of the ends of a number, before it or after it; "" without one."""
    bare = text.lstrip(f"+-{_MINUS} ")
    return next((end for end in (bare[-1:], bare[:1]) if end and end in _SIGNS), "")


def bare(text: str) -> str:
    """A number without any sign beside it, with a plain minus sign; other texts as they are, or
    still no numbers."""
    sign = sign_of(text)
    text = text.replace(_MINUS, "-")
    if not sign:
        return text
    return re.sub(rf"^([+-]?){_GAP}{re.escape(sign)}{_GAP}|{_GAP}{re.escape(sign)}$", r"\1", text)


def without_sign(texts: pa.Array) -> pa.Array | None:
    """Numbers without the sign that all of them have, with plain minus signs; None where that would
    change nothing, or where a text has another sign than the first."""
    first = pc.drop_null(texts)[:1].to_pylist()
    sign = sign_of(first[0]) if first else ""
    has_minus = pc.any(pc.match_substring(texts, _MINUS)).as_py()
    if not sign and not has_minus:
        return None
    if has_minus:
        texts = pc.replace_substring(texts, _MINUS, "-")
    if not sign:
        return texts
    pattern = f"^([+-]?){_SPACE}{re.escape(sign)}{_SPACE}|{_SPACE}{re.escape(sign)}$"
    if pc.all(pc.match_substring_regex(texts, pattern)).as_py() is False:
        return None
    return pc.replace_substring_regex(texts, pattern, r"\1")
