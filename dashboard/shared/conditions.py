"""Conditions on runs: MLflow's filter syntax, and a shorter way to say the same.

``metrics.val_loss < 0.3 and params."model.name" = 'mlp' and attributes.status = 'FINISHED'`` is
MLflow's; ``val_loss < 0.3 and model.name = mlp and status = finished`` does as well. Beyond MLflow
there are ``or``, ``not``, parentheses, ``rlike`` (a regular expression), ``in`` for everything,
``best.val_loss``, and quotes only where a text has blanks or signs in it.

MLflow compares parameters as texts, so that '10' is no number above '9'. Here they compare as
numbers where both sides are numbers. As in MLflow, a run that does not have what is asked for does
not pass, whatever the comparison.
"""

import operator
import re
from collections.abc import Callable
from typing import NamedTuple, NoReturn

from dashboard.shared.condition_fields import Field, Value, field
from dashboard.shared.param_texts import number_of
from experiments.core.errors import FilterError
from experiments.diagnosis.histories import Histories
from experiments.tracking.runs import Run

Keeps = Callable[[Run], bool]

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<sign><=|>=|!=|<>|==|=|<|>|\(|\)|,)
      | (?P<word>(?:"[^"]*"|'[^']*'|`[^`]*`|[^\s()<>=!,"'`])+)
    )""",
    re.VERBOSE,
)
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'|`[^`]*`")
_SIGNS: dict[str, Callable[[Value, Value], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "==": operator.eq,
    "!=": operator.ne,
    "<>": operator.ne,
}
_COMPARISONS = "<, <=, >, >=, =, !=, LIKE, ILIKE, RLIKE, IN, NOT IN, IS NULL, IS NOT NULL"
_JOINING = ("and", "or")


class _Token(NamedTuple):
    """A word or sign, and where it begins."""

    text: str
    at: int
    is_sign: bool

    @property
    def word(self) -> str:
        """In small letters if it can be a keyword, else empty."""
        return "" if self.is_sign else self.text.lower()

    @property
    def bare(self) -> str:
        """Without its quotes."""
        return _QUOTED.sub(lambda quoted: quoted[0][1:-1], self.text)

    @property
    def is_quoted(self) -> bool:
        return _QUOTED.fullmatch(self.text) is not None


def parse_conditions(text: str, histories: Histories | None = None) -> Keeps:
    """The conditions as one function of a run; raises FilterError that says where and why."""
    return _Parser(text, histories).parse()


class _Parser:
    """Reads the conditions from left to right; ``not`` binds closer than ``and`` than ``or``."""

    def __init__(self, text: str, histories: Histories | None) -> None:
        self.text = text
        self.histories = histories
        self.tokens = self._tokens()
        self.at = 0

    def parse(self) -> Keeps:
        keeps = self._either()
        if self._next() is not None:
            self._refuse("AND, OR or the end")
        return keeps

    def _tokens(self) -> list[_Token]:
        tokens, at = [], 0
        end = len(self.text.rstrip())
        while at < end:
            found = _TOKEN.match(self.text, at)
            if found is None:
                at += len(self.text[at:]) - len(self.text[at:].lstrip())
                quote = self.text[at] in "\"'`"
                raise self._error(at, "a quote that is closed" if quote else "a name or a sign")
            kind = str(found.lastgroup)
            tokens.append(_Token(found[kind], found.start(kind), kind == "sign"))
            at = found.end()
        return tokens

    def _either(self) -> Keeps:
        parts = [self._both()]
        while self._take("or"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else lambda run: any(keeps(run) for keeps in parts)

    def _both(self) -> Keeps:
        parts = [self._one()]
        while self._take("and"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else lambda run: all(keeps(run) for keeps in parts)

    def _one(self) -> Keeps:
        if self._take("not"):
            denied = self._one()
            return lambda run: not denied(run)
        if self._take("("):
            inner = self._either()
            if not self._take(")"):
                self._refuse(")")
            return inner
        return self._comparison()

    def _comparison(self) -> Keeps:
        token = self._next()
        if token is None or token.is_sign or token.word in _JOINING:
            self._refuse("what to compare, such as val_loss, model.name or status")
        assert token is not None
        self.at += 1
        if self._take("is"):
            wanted = self._take("not")
            if not self._take("null"):
                self._refuse("NULL or NOT NULL")
            read = self._field(token, text_asked=True)
            return lambda run: (read(run) is not None) is wanted
        negated = self._take("not")
        if self._take("in"):
            return self._among(token, negated)
        sign = self._next()
        if sign is not None and sign.word in ("like", "ilike", "rlike"):
            self.at += 1
            return self._like(token, sign.word, negated)
        if sign is None or sign.text not in _SIGNS or negated:
            self._refuse(f"a comparison ({_COMPARISONS})")
        assert sign is not None
        self.at += 1
        return self._compared(token, _SIGNS[sign.text])

    def _compared(self, name: _Token, holds: Callable[[Value, Value], bool]) -> Keeps:
        value = self._value()
        number = number_of(value.bare)
        read = self._field(name, text_asked=number is None)
        text = self._literal(read, value)
        if isinstance(text, float):
            number = text
        ordered = holds not in (operator.eq, operator.ne)
        if ordered and number is None:
            raise self._error(value.at, f"a number to compare {name.bare} with")

        def keeps(run: Run) -> bool:
            found = read(run)
            if found is None:
                return False
            if number is not None:
                found_number = found if isinstance(found, float) else number_of(found)
                if found_number is not None:
                    return holds(found_number, number)
            return not ordered and holds(found, text)

        return keeps

    def _among(self, name: _Token, negated: bool) -> Keeps:
        if not self._take("("):
            self._refuse("( and a list, as in ('a', 'b')")
        values = [self._value()]
        while self._take(","):
            values.append(self._value())
        if not self._take(")"):
            self._refuse(", or )")
        read = self._field(name, text_asked=any(number_of(v.bare) is None for v in values))
        texts = {self._literal(read, value) for value in values}
        numbers = {number_of(value.bare) for value in values} - {None}

        def keeps(run: Run) -> bool:
            found = read(run)
            if found is None:
                return False
            number = found if isinstance(found, float) else number_of(found)
            return (found in texts or number in numbers) is not negated

        return keeps

    def _like(self, name: _Token, kind: str, negated: bool) -> Keeps:
        value = self._value()
        pattern = value.bare if kind == "rlike" else _like_pattern(value.bare)
        flags = re.IGNORECASE | re.DOTALL if kind == "ilike" else re.DOTALL
        try:
            compiled = re.compile(pattern, flags)
        except re.error as problem:
            raise self._error(value.at, f"a regular expression ({problem.msg})") from None
        matches = compiled.search if kind == "rlike" else compiled.fullmatch
        read = self._field(name, text_asked=True)

        def keeps(run: Run) -> bool:
            found = read(run)
            return found is not None and (matches(str(found)) is None) is negated

        return keeps

    def _field(self, token: _Token, text_asked: bool) -> Field:
        try:
            return field(token.text, token.bare, self.histories, text_asked)
        except FilterError as error:
            raise FilterError(f"{self._place(token.at)}: {error}") from None

    def _literal(self, read: Field, value: _Token) -> Value:
        try:
            return read.literal(value.bare)
        except FilterError as error:
            raise FilterError(f"{self._place(value.at)}: {error}") from None

    def _value(self) -> _Token:
        token = self._next()
        if token is None or token.is_sign or (token.word in _JOINING and not token.is_quoted):
            self._refuse("a value: a number, or a text in quotes")
        assert token is not None
        self.at += 1
        return token

    def _next(self) -> _Token | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def _take(self, text: str) -> bool:
        token = self._next()
        if token is None or (token.text if token.is_sign else token.word) != text:
            return False
        self.at += 1
        return True

    def _refuse(self, allowed: str) -> NoReturn:
        token = self._next()
        raise self._error(len(self.text) if token is None else token.at, allowed)

    def _error(self, at: int, allowed: str) -> FilterError:
        return FilterError(
            f"{self._place(at)}: expected {allowed}. A filter reads like "
            "val_loss < 0.3 and model.name = 'mlp'; put text with spaces or symbols in quotes."
        )

    def _place(self, at: int) -> str:
        rest = self.text[at : at + 20].strip()
        found = f"{rest!r} at character {at + 1}" if rest else "the end"
        return f"The filter {self.text!r} cannot be understood at {found}"


def _like_pattern(text: str) -> str:
    """SQL's LIKE as a regular expression: % is any text, _ any character."""
    return re.escape(text).replace("%", ".*").replace("_", ".")
