"""What a condition can ask of a run: metrics, best values, parameters, tags and attributes."""

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from dashboard.shared.run_numbers import best_value, recorded_metric
from experiments.core.errors import FilterError, unknown
from experiments.diagnosis.histories import Histories
from experiments.diagnosis.naming import NOT_JUDGED
from experiments.tracking.runs import Run, Tag

Value = float | str
Reader = Callable[[Run], Value | None]

_PREFIXES = {
    "metrics": ("metric", "metrics"),
    "params": ("parameter", "parameters", "param", "params"),
    "tags": ("tag", "tags"),
    "attributes": ("attribute", "attributes", "attr", "run"),
    "best": ("best",),
}
_KIND = {prefix: kind for kind, prefixes in _PREFIXES.items() for prefix in prefixes}
_QUOTES = "\"'`"


def _milliseconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp() * 1000


def described(run: Run) -> str:
    """What a word is looked for in: name, id and values of parameters, in small letters."""
    return "\n".join((run.name, run.id, *run.params.values())).lower()


#: MLflow's attributes, and ours: verdict, duration (seconds), and anything that words find.
ATTRIBUTES: Mapping[str, Reader] = {
    "status": lambda run: run.status.value,
    "run_id": lambda run: run.id,
    "run_name": lambda run: run.name,
    "run name": lambda run: run.name,
    "name": lambda run: run.name,
    "experiment_id": lambda run: run.experiment_id,
    "user_id": lambda run: run.tags.get(Tag.USER),
    "start_time": lambda run: _milliseconds(run.created),
    "created": lambda run: _milliseconds(run.created),
    "started": lambda run: _milliseconds(run.started),
    "end_time": lambda run: _milliseconds(run.ended),
    "ended": lambda run: _milliseconds(run.ended),
    "verdict": lambda run: run.verdict,
    "duration": lambda run: run.seconds,
    "anything": described,
}
_TIMES = ("start_time", "created", "started", "end_time", "ended")


class Field:
    """Reads one thing of a run; ``literal`` is how a value has to be written to compare with it."""

    def __init__(self, read: Reader, literal: Callable[[str], Value] = str) -> None:
        self.read = read
        self.literal = literal

    def __call__(self, run: Run) -> Value | None:
        return self.read(run)


def field(written: str, name: str, histories: Histories | None, text_asked: bool) -> Field:
    """The field of a name as it was ``written``, and without quotes; raises FilterError.

    A bare name is an attribute, a metric or a parameter, whichever a run has first; of a
    parameter its last part is enough (``learning_rate``). ``text_asked``: it is compared with a
    text, so that ``loss = 'mse'`` means the parameter and ``loss < 1`` the metric.
    """
    prefix, _, key = name.partition(".")
    kind = _KIND.get(prefix.lower()) if key and written[0] not in _QUOTES else None
    if kind == "attributes":
        if key.lower() not in ATTRIBUTES:
            raise FilterError(unknown("attribute", key, ATTRIBUTES))
        return _attribute(key.lower())
    if kind == "metrics":
        return Field(lambda run: recorded_metric(run, key))
    if kind == "best":
        return Field(lambda run: _nothing_if_nan(best_value(run, histories, key)))
    if kind == "params":
        return Field(_Param(key))
    if kind == "tags":
        return Field(lambda run: run.tags.get(key))
    if name.lower() in ATTRIBUTES and written[0] not in _QUOTES:
        return _attribute(name.lower())
    return Field(_bare(name, text_asked))


def _attribute(name: str) -> Field:
    if name in _TIMES:
        return Field(ATTRIBUTES[name], _moment)
    if name == "status":
        return Field(ATTRIBUTES[name], str.upper)
    if name == "verdict":
        return Field(ATTRIBUTES[name], lambda text: text.lower().replace(" ", "_"))
    return Field(ATTRIBUTES[name])


def _bare(name: str, text_asked: bool) -> Reader:
    param = _Param(name)
    if text_asked:
        return param
    if name in NOT_JUDGED:  # the learning rate that was set, not the one it ended with
        return lambda run: recorded_metric(run, name) if (value := param(run)) is None else value
    return lambda run: param(run) if (value := recorded_metric(run, name)) is None else value


class _Param:
    """A parameter by its name or its last parts; remembers the whole names that it found."""

    def __init__(self, name: str) -> None:
        self.end = f".{name}"
        self.names = [name]

    def __call__(self, run: Run) -> str | None:
        for name in self.names:
            if name in run.params:
                return run.params[name]
        for name in run.params:
            if name.endswith(self.end):
                self.names.append(name)
                return run.params[name]
        return None


def _moment(text: str) -> Value:
    """A date as MLflow has it, in ms since 1970: 1790000000000 or 2026-11-23 or with a time."""
    if text.isdigit():
        return float(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise FilterError(
            f"received {text!r} as a time. Write it like 2026-11-23 or '2026-11-23 16:30' (UTC)."
        ) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000


def _nothing_if_nan(value: float) -> float | None:
    return None if math.isnan(value) else value
