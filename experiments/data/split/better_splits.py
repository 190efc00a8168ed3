"""The other splits that the samples of an audited one can have, each as changes to the spec."""

from experiments.core.findings import Action, Changes, percent
from experiments.data.catalog import Task
from experiments.data.split.audit import Audit

_FOLDS = 5
_TEST = 0.2


def other_ways(audit: Audit) -> list[Action]:
    """All other splits that these samples can have, whether or not anything speaks for them."""
    ways = []
    if audit.method != "none":
        one: Changes = {"split.folds": None, "split.fold": None} if audit.folds else {}
        methods = {"last": "the last part of the file", "shuffled": "a shuffled split"}
        if audit.task is not Task.REGRESSION:
            methods["stratified"] = "a stratified split"
        if audit.groups:
            methods["group"] = f"a split by {audit.groups.column}"
        if audit.times:
            methods["time"] = f"the latest by {audit.times.column}"
        if "validation" in audit.given:
            methods["given"] = "the parts of the file"
        alone = {"time": one, "given": {**one, "split.test_split": None}}
        ways = [
            Action(words, {"split.method": method, **alone.get(method, {})})
            for method, words in methods.items()
            if method != audit.method
        ]
        if audit.folds:
            ways.append(Action("one split, no folds", one))
    folds = in_folds(audit)
    more = [folds] if folds.changes and not audit.folds else []
    if audit.part("test") is None and "test" not in audit.given and audit.method != "given":
        held = Action(f"{percent(_TEST)} held out for a test", {"split.test_split": _TEST})
        more.append(held)
    return [*ways, *more]


def in_folds(audit: Audit) -> Action:
    """A run for each of five folds, or of fewer where there are not as many samples or groups; not
    cut from the file as it is, which may be sorted. Nothing where later samples validate."""
    method = audit.method
    if method in ("last", "none", "given"):
        method = "group" if audit.groups else _drawn(audit)
    folds = min(_FOLDS, _divided(audit))
    if audit.groups and method == "group":
        folds = min(_FOLDS, audit.groups.divided or audit.groups.groups)  # 0 in older audits
    if folds < 2 or method == "time":
        return Action()
    drawn: Changes = {} if method == audit.method else {"split.method": method}
    return Action(f"{folds} folds, a run each", {"split.folds": folds, "split.fold": None, **drawn})


def _divided(audit: Audit) -> int:
    """How many samples train or validate."""
    return sum(part.samples for part in audit.parts if part.name != "test")


def shuffled(audit: Audit) -> Action:
    """The split that would help, if it is another one."""
    method = _drawn(audit)
    if audit.method in (method, "none", "group", "time", "given"):
        return Action()
    return Action(f"a {method} split", {"split.method": method})


def _drawn(audit: Audit) -> str:
    return "shuffled" if audit.task is Task.REGRESSION else "stratified"
