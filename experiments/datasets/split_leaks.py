"""What validation and test samples have in common with those that train."""

from collections.abc import Iterator

from experiments.datasets.audit import Audit, Shared
from experiments.datasets.catalogue import Task
from experiments.datasets.split_finding import Action, Changes, Finding, Severity, percent


def find_leaks(audit: Audit) -> Iterator[Finding]:
    """Copies across parts, groups across parts, and what is older than the training samples."""
    yield from _copies(audit)
    yield from _groups(audit)
    yield from _times(audit)


def _copies(audit: Audit) -> Iterator[Finding]:
    for name, exact, near in (
        ("validation", audit.exact.validation, audit.near.validation),
        ("test", audit.exact.test, audit.near.test),
    ):
        if exact.rows:
            yield _leak(audit, name, exact, "also in training")
        if near.rows:
            yield _leak(audit, name, near, "nearly the same as a training sample")


def _leak(audit: Audit, name: str, shared: Shared, how: str) -> Finding:
    share = shared.rows / shared.looked
    training, row = shared.examples[0]
    other = (
        f" {shared.other:,} of them with another {_target(audit)} there, so at most one is right."
        if shared.other
        else ""
    )
    alike = (
        " In a table of few different values, equal rows may well be different samples."
        if not audit.image
        else ""
    )
    sampled = (
        f" Only {audit.looked:,} of {audit.samples:,} rows were compared; there are more."
        if audit.looked < audit.samples
        else ""
    )
    verb = "is" if shared.rows == 1 else "are"
    severity = Severity.SERIOUS if share >= 0.1 else Severity.WARNING
    return Finding(
        severity if share >= 0.01 else Severity.NOTE,
        f"{_samples(shared.rows, name)} ({percent(share, 1)}) {verb} {how}",
        f"The model can know them by heart, so the {name} result looks better than it is on new "
        f"samples.{other} For example {name} row {row:,} and training row {training:,}. "
        f"Another split does not help: leave the copies out of the file.{alike}{sampled}",
    )


def _groups(audit: Audit) -> Iterator[Finding]:
    part = audit.part("validation")
    if audit.groups is None or part is None or not audit.groups.rows:
        return
    found, share = audit.groups, audit.groups.rows / part.samples
    verb = "is" if found.rows == 1 else "are"
    yield Finding(
        Severity.SERIOUS if share >= 0.1 else Severity.WARNING,
        f"{_samples(found.rows, 'validation')} ({percent(share, 1)}) {verb} of groups that train",
        f"{found.shared:,} of {found.groups:,} groups of {found.column} are in both parts. What "
        "the model learnt of a group helps it there, so the result looks better than it is on "
        "groups that it has never seen.",
        *(
            Action()
            if audit.method == "time"
            else Action("a split by group", {"split.method": "group"})
        ),
    )


def _times(audit: Audit) -> Iterator[Finding]:
    part = audit.part("validation")
    if audit.times is None or part is None or not audit.times.rows:
        return
    share = audit.times.rows / part.samples
    by_group = audit.method == "group"
    verb = "is" if audit.times.rows == 1 else "are"
    whole: Changes = {"split.folds": None, "split.fold": None} if audit.folds else {}
    changes = {"split.method": "time", **whole}
    yield Finding(
        Severity.NOTE if by_group else Severity.WARNING,
        f"{_samples(audit.times.rows, 'validation')} ({percent(share, 1)}) {verb} older than the "
        "newest training sample",
        f"By {audit.times.column}, training knows what came after them. Where the model shall "
        "predict what comes, the result looks better than it will be.",
        *(Action() if by_group else Action("a split by time", changes)),
    )


def _target(audit: Audit) -> str:
    return "target" if audit.task is Task.REGRESSION else "label"


def _samples(count: int, part: str) -> str:
    return f"{count:,} {part} sample{'' if count == 1 else 's'}"
