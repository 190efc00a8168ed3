"""What is worth knowing of a split, in words, worst first."""

from collections.abc import Iterator, Sequence

from experiments.datasets.audit import Audit, Order, Part, Shared
from experiments.datasets.catalogue import Task
from experiments.datasets.margins import (
    accuracy_margin,
    chance_of_difference,
    squared_error_margin,
)
from experiments.datasets.split_finding import Finding, Severity, percent, points

_FEW = 5  # samples of a class
_MOST_NAMES = 8
_SURE = 0.01  # a difference that chance makes less often is none of chance
_GOAL = 0.05  # points of accuracy that a validation set should tell apart, at 90 %
_LARGEST_SPLIT = 0.4


def find_all(audit: Audit) -> list[Finding]:
    """Everything found, worst first."""
    found = [
        *_one_value(audit), *_file_order(audit), *_missing(audit), *_leakage(audit),
        *_margin(audit), *_balance(audit), *_few(audit),
    ]  # fmt: skip
    return sorted(found, key=lambda finding: -finding.severity)


def margin_sentence(audit: Audit) -> str:
    """How exactly the validation samples tell how good a model is; empty without any."""
    part = audit.part("validation")
    if part is None:
        return ""
    if audit.task is Task.REGRESSION:
        error = squared_error_margin(part.samples)
        return (
            f"With {part.samples:,} validation samples, a mean squared error is known to about "
            f"±{percent(2 * error)} (95 %, for errors that are spread normally)."
        )
    low, middle, high = (100 * accuracy_margin(a, part.samples) for a in (0.5, 0.9, 0.99))
    return (
        f"With {part.samples:,} validation samples, an accuracy of 90 % is known to "
        f"±{points(middle)} points (95 %); of 50 % to ±{points(low)}, of 99 % to "
        f"±{points(high)}. Models that differ by less cannot be told apart."
    )


def largest_difference(left: Part, right: Part) -> tuple[int, float]:
    """The class (its number) whose share differs most between two parts, and by how much:
    0.1 is 10 points."""
    shares = [_share(left, k) - _share(right, k) for k in range(len(left.counts))]
    k = max(range(len(shares)), key=lambda number: abs(shares[number]))
    return k, abs(shares[k])


def _one_value(audit: Audit) -> Iterator[Finding]:
    if audit.values < 2:
        what = "one number" if audit.task is Task.REGRESSION else "one class"
        yield Finding(
            Severity.SERIOUS,
            f"All samples have {what}",
            "There is nothing to tell apart: a model that always says the same is always right. "
            "Use more of the file, or another target.",
        )


def _file_order(audit: Audit) -> Iterator[Finding]:
    order = audit.order
    if audit.method != "last" or order.order is Order.MIXED or audit.values < 2:
        return
    if order.correlation is not None:
        way = "rises" if order.correlation > 0 else "falls"
        yield Finding(
            Severity.SERIOUS,
            f"The file is sorted by {audit.target}",
            f"It {way} from the first row to the last (rank correlation "
            f"{order.correlation:.2f}). The last part of the file validates, so the model is asked "
            "about values that it hardly saw in training.",
            *_shuffled(audit),
        )
        return
    validation = audit.part("validation")
    held = sum(count > 0 for count in validation.counts) if validation else 0
    tail = "one class" if held == 1 else f"{held} of {audit.values} classes"
    how = "sorted by class" if order.order is Order.SORTED else "partly sorted by class"
    yield Finding(
        Severity.SERIOUS
        if order.order is Order.SORTED or held < audit.values
        else Severity.WARNING,
        f"The file is {how}, and its last part validates",
        f"Equal labels stand together: {order.runs:,} runs, where a shuffled file would have about "
        f"{order.expected_runs:,.0f}. So the validation samples are {tail}, and what is measured "
        "on them says little about the others.",
        *_shuffled(audit),
    )


def _missing(audit: Audit) -> Iterator[Finding]:
    training, validation = audit.part("training"), audit.part("validation")
    if audit.task is Task.REGRESSION or training is None or audit.values < 2:
        return
    held = validation.counts if validation else (0,) * len(audit.names)
    pairs = list(zip(audit.names, training.counts, held, strict=True))
    if untrained := [name for name, t, v in pairs if t == 0 < v]:
        yield Finding(
            Severity.SERIOUS,
            f"Missing from training: {_listed(untrained)}",
            "The model never sees these classes, so it is wrong about each of their validation "
            "samples.",
            *_shuffled(audit),
        )
    if validation and (unseen := [name for name, t, v in pairs if v == 0 < t]):
        single = all(t == 1 for _, t, v in pairs if v == 0 < t)
        yield Finding(
            Severity.WARNING,
            f"Missing from validation: {_listed(unseen)}",
            "How well the model knows these classes is not measured."
            + (" They have one sample each, which trains." if single else ""),
            *(() if single else _shuffled(audit)),
        )
    if absent := [name for name, t, v in pairs if t + v == 0]:
        yield Finding(
            Severity.WARNING,
            f"No samples at all: {_listed(absent)}",
            "The model has an output for these classes, but nothing to learn them from. Use more "
            "of the file.",
        )


def _leakage(audit: Audit) -> Iterator[Finding]:
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


def _margin(audit: Audit) -> Iterator[Finding]:
    part, training = audit.part("validation"), audit.part("training")
    if part is None:
        yield Finding(
            Severity.WARNING,
            "Nothing validates",
            "Whether the model overfits cannot be seen, since all samples train.",
            "20 % for validation",
            {"split.validation_split": 0.2},
        )
        return
    if audit.task is Task.REGRESSION:
        wide, too_wide = squared_error_margin(part.samples), 0.2
        narrow, said = 0.1, f"±{percent(2 * wide)} of the mean squared error"
    else:
        wide, too_wide = accuracy_margin(0.9, part.samples), 2 * _GOAL
        narrow, said = _GOAL, f"±{points(100 * wide)} points at an accuracy of 90 %"
    if wide <= narrow:
        return
    n = part.samples + (training.samples if training else 0)
    wanted = next(
        (
            split / 100
            for split in range(25, round(100 * _LARGEST_SPLIT) + 1, 5)
            if split / 100 > part.samples / n + 0.02
            and _wide(audit, int(n * split / 100)) <= max(narrow, 0.75 * wide)
        ),
        None,
    )
    yield Finding(
        Severity.WARNING if wide > too_wide else Severity.NOTE,
        f"Few validation samples: {part.samples:,}",
        f"Chance alone moves the result by {said}. Do not choose between models by less."
        + (" With more validation samples it is known better, but fewer train." if wanted else ""),
        f"{percent(wanted)} for validation" if wanted else "",
        {"split.validation_split": wanted} if wanted else {},
    )


def _wide(audit: Audit, samples: int) -> float:
    if audit.task is Task.REGRESSION:
        return squared_error_margin(samples)
    return accuracy_margin(0.9, samples)


def _balance(audit: Audit) -> Iterator[Finding]:
    training, validation = audit.part("training"), audit.part("validation")
    if training is None or validation is None or audit.order.order is Order.SORTED:
        return  # of a sorted file that is said already
    if training.mean is not None and validation.mean is not None:
        spread = training.spread or 0.0
        apart = abs(training.mean - validation.mean)
        by_chance = spread * (1 / training.samples + 1 / validation.samples) ** 0.5
        if apart > max(0.25 * spread, 3 * by_chance) and spread:
            yield Finding(
                Severity.WARNING,
                f"The parts differ in {audit.target}",
                f"Its mean is {training.mean:.3g} in training and {validation.mean:.3g} in "
                f"validation, {apart / spread:.1f} standard deviations apart; chance hardly does "
                "that.",
                *_shuffled(audit),
            )
        return
    number, apart = largest_difference(training, validation)
    chance = chance_of_difference(training.counts, validation.counts)
    if apart >= 0.03 and chance < _SURE:
        yield Finding(
            Severity.WARNING,
            f"The parts differ in their classes, by up to {points(100 * apart)} points",
            f"{audit.names[number]} is {percent(_share(training, number))} of training and "
            f"{percent(_share(validation, number))} of validation. Chance does that less "
            f"than once in {min(1 / max(chance, 1e-6), 1e6):,.0f} times.",
            *_shuffled(audit),
        )


def _few(audit: Audit) -> Iterator[Finding]:
    parts = [part for part in audit.parts if part.name != "test"]
    if audit.task is Task.REGRESSION:
        return
    totals = [sum(part.counts[k] for part in parts) for k in range(len(audit.names))]
    if few := [name for name, total in zip(audit.names, totals, strict=True) if 0 < total < _FEW]:
        yield Finding(
            Severity.WARNING,
            f"Fewer than {_FEW} samples: {_listed(few)}",
            "That is too few to learn a class from and to measure it. Collect more, or put these "
            "classes together with others.",
        )


def _shuffled(audit: Audit) -> tuple[str, dict[str, str | float]] | tuple[()]:
    """The split that would help, if it is another one."""
    method = "shuffled" if audit.task is Task.REGRESSION else "stratified"
    if audit.method in (method, "none"):
        return ()
    return f"a {method} split", {"split.method": method}


def _target(audit: Audit) -> str:
    return "target" if audit.task is Task.REGRESSION else "label"


def _samples(count: int, part: str) -> str:
    return f"{count:,} {part} sample{'' if count == 1 else 's'}"


def _share(part: Part, number: int) -> float:
    return part.counts[number] / part.samples if part.samples else 0.0


def _listed(names: Sequence[str]) -> str:
    if len(names) <= _MOST_NAMES:
        return ", ".join(names)
    return f"{', '.join(names[:_MOST_NAMES])} and {len(names) - _MOST_NAMES} more"
