"""What validation and test samples have in common with those that train."""

from collections.abc import Iterator

from experiments.core.findings import Action, Changes, Finding, Severity, percent
from experiments.data.catalog import Task
from experiments.data.split.audit import Audit, Overlap


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


def _leak(audit: Audit, name: str, shared: Overlap, how: str) -> Finding:
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
        f"The model can have memorized them, so the {name} result looks better than it is on new "
        f"samples.{other} For example {name} row {row:,} and training row {training:,}. "
        f"Another split does not help: leave the copies out of the file.{alike}{sampled}",
    )


def _groups(audit: Audit) -> Iterator[Finding]:
    found = audit.groups
    if found is None:
        return
    for name, rows, shared, known in (
        ("validation", found.rows, found.shared, "train"),
        ("test", found.test_rows, found.test_shared, "train or validate"),
    ):
        part = audit.part(name)
        if part is None or not rows:
            continue
        share, verb = rows / part.samples, "is" if rows == 1 else "are"
        by_group = name == "validation" or "test" not in audit.given
        yield Finding(
            Severity.SERIOUS if share >= 0.1 else Severity.WARNING,
            f"{_samples(rows, name)} ({percent(share, 1)}) {verb} of groups that {known}",
            f"{shared:,} of {found.groups:,} groups of {found.column} are in both parts. What the "
            "model learned of a group helps it there, so the result looks better than it is on "
            "groups that it has never seen.",
            *(
                Action("a split by group", {"split.method": "group"})
                if by_group and audit.method != "time"
                else Action()
            ),
        )


def _times(audit: Audit) -> Iterator[Finding]:
    found = audit.times
    if found is None:
        return
    by_group = audit.method == "group"
    whole: Changes = {"split.folds": None, "split.fold": None} if audit.folds else {}
    changes = {"split.method": "time", **whole}
    for name, rows, newest in (
        ("validation", found.rows, "the newest training sample"),
        ("test", found.test_rows, "the newest that trains or validates"),
    ):
        part = audit.part(name)
        if part is None or not rows:
            continue
        share, verb = rows / part.samples, "is" if rows == 1 else "are"
        fixed = by_group or (name == "test" and "test" in audit.given)
        yield Finding(
            Severity.NOTE if by_group else Severity.WARNING,
            f"{_samples(rows, name)} ({percent(share, 1)}) {verb} older than {newest}",
            f"By {found.column}, training knows what came after them. If the model is to predict "
            "the future, the result looks better than it will be.",
            *(Action() if fixed else Action("a split by time", changes)),
        )


def _target(audit: Audit) -> str:
    return "target" if audit.task is Task.REGRESSION else "label"


def _samples(count: int, part: str) -> str:
    return f"{count:,} {part} sample{'' if count == 1 else 's'}"
