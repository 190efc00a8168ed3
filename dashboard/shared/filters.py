"""Filters of runs as a user types them: words, a pattern, or conditions.

Compiled once into a function of a run; nothing is asked of the store.
"""

import re
from collections.abc import Callable

from dashboard.shared.condition_fields import described
from dashboard.shared.conditions import parse_conditions
from experiments.core.errors import FilterError
from experiments.diagnosis.histories import Histories
from experiments.tracking.runs import Run

Keeps = Callable[[Run], bool]

_CONDITION = re.compile(
    r"""[\w."'`)]\s*(?:[<>=]|!=)|\s(?:i|r)?like\s*['"]|\sin\s*\(\s*['"\d.-]|\sis\s+(?:not\s+)?null""",
    re.IGNORECASE,
)
_PATTERN = re.compile(r"[\\^$*+?()\[\]{}|]")


def parse_filter(text: str, histories: Histories | None = None) -> Keeps:
    """A function that tells whether a run passes the filter; raises FilterError.

    - Words: each must occur in the name, the id or a parameter's value, in whatever case.
    - A regular expression, searched in the name: text with any of ``\\ ^ $ * + ? ( ) [ ] { } |``,
      or between slashes (``/lr=0.1/``).
    - Conditions, as in MLflow's search and shorter: see ``conditions``. ``histories`` serves
      ``best.<metric>`` of runs that recorded no best value.
    """
    text = text.strip()
    if _is_marked(text):
        return _pattern(text[1:-1], offset=1)
    if _CONDITION.search(text):
        return parse_conditions(text, histories)
    if _PATTERN.search(text):
        return _pattern(text, offset=0)
    words = text.lower().split()
    return lambda run: all(word in described(run) for word in words)


def is_words(text: str) -> bool:
    """Whether the filter is neither a pattern nor conditions."""
    text = text.strip()
    return not (_is_marked(text) or _CONDITION.search(text) or _PATTERN.search(text))


def as_conditions(text: str) -> str:
    """A filter that is not empty, as conditions to which others can be joined."""
    text = text.strip()
    if is_words(text):
        return " and ".join(
            f"anything rlike {quoted('(?i)' + re.escape(word))}" for word in text.split()
        )
    if not _is_marked(text) and _CONDITION.search(text):
        return text
    return f"name rlike {quoted('(?i)' + (text[1:-1] if _is_marked(text) else text))}"


def quoted(text: str) -> str:
    """A text in such quotes as it does not have itself."""
    quote = next((quote for quote in "'\"`" if quote not in text), "'")
    return f"{quote}{text.replace(quote, '')}{quote}"


def _is_marked(text: str) -> bool:
    return len(text) > 2 and text.startswith("/") and text.endswith("/")


def _pattern(text: str, offset: int) -> Keeps:
    try:
        found = re.compile(text, re.IGNORECASE).search
    except re.error as problem:
        at = "" if problem.pos is None else f" at character {problem.pos + 1 + offset}"
        raise FilterError(
            f"The pattern {text!r} is not a regular expression{at}: {problem.msg}. Put \\ before "
            f"a character that is meant literally, or leave it out."
        ) from None
    return lambda run: found(run.name) is not None
