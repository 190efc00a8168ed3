"""What is worth knowing of a split, in words, worst first."""

from collections.abc import Iterator

from experiments.core.findings import Action, Finding, Severity, percent, points
from experiments.core.words import listed
from experiments.data.catalog import Task
from experiments.data.split.audit import Audit, Order, SplitPart
from experiments.data.split.better_splits import in_folds, shuffled
from experiments.data.split.leaks import find_leaks
from experiments.data.split.margins import (
    accuracy_margin,
    chance_of_difference,
    squared_error_margin,
)

_FEW = 5  # samples of a class
_SURE = 0.01  # a difference that chance makes less often is none of chance
_GOAL = 0.05  # points of accuracy that a validation set should tell apart, at 90 %
_LARGEST_SPLIT = 0.4


def find_all(audit: Audit) -> list[Finding]:
    """Everything found, worst first."""
    found = [
        *_one_value(audit), *_file_order(audit), *_missing(audit), *find_leaks(audit),
        *_margin(audit), *_balance(audit), *_few(audit), *_test(audit),
    ]  # fmt: skip
    return sorted(found, key=lambda finding: -finding.severity)


def margin_sentence(audit: Audit) -> str:
    """How exactly the validation and test samples tell how good a model is; empty without any."""
    said = []
    if audit.part("validation"):
        means = f"In the mean over the {audit.folds} folds, with" if audit.folds else "With"
        samples = _validating(audit)
        known = _known_to(audit, samples)
        said.append(
            f"{means} {samples:,} validation samples, {known}"
            + (
                ""
                if audit.task is Task.REGRESSION
                else " Smaller differences between models are not significant."
            )
        )
    if test := audit.part("test"):
        said.append(f"With {test.samples:,} test samples, {_known_to(audit, test.samples)}")
    return " ".join(said)


def _known_to(audit: Audit, samples: int) -> str:
    if audit.task is Task.REGRESSION:
        error = squared_error_margin(samples)
        return (
            f"a mean squared error is known to about ±{percent(2 * error)} (95 %, for errors that "
            "are spread normally)."
        )
    low, middle, high = (100 * accuracy_margin(a, samples) for a in (0.5, 0.9, 0.99))
    return (
        f"an accuracy of 90 % is known to ±{points(middle)} points (95 %); of 50 % to "
        f"±{points(low)}, of 99 % to ±{points(high)}."
    )


def largest_difference(left: SplitPart, right: SplitPart) -> tuple[int, float]:
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
            "There is nothing to learn: a model that always answers the same is always right. "
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
            f"{order.correlation:.2f}). The last part of the file validates, so the model is "
            "tested on values that it hardly saw in training.",
            *shuffled(audit),
        )
        return
    part = audit.part("validation") or audit.part("test")
    held = sum(count > 0 for count in part.counts) if part else 0
    tail = "one class" if held == 1 else f"{held} of {audit.values} classes"
    how = "sorted by class" if order.order is Order.SORTED else "partly sorted by class"
    name = part.name if part else "validation"
    yield Finding(
        Severity.SERIOUS
        if order.order is Order.SORTED or held < audit.values
        else Severity.WARNING,
        f"The file is {how}, and its last part {'validates' if name == 'validation' else 'tests'}",
        f"Equal labels stand together: {order.runs:,} runs, where a shuffled file would have about "
        f"{order.expected_runs:,.0f}. So the {name} samples are {tail}, and what is measured "
        "on them says little about the others.",
        *shuffled(audit),
    )


def _missing(audit: Audit) -> Iterator[Finding]:
    training, validation = audit.part("training"), audit.part("validation")
    if audit.task is Task.REGRESSION or training is None or audit.values < 2:
        return
    none = (0,) * len(audit.names)
    held = validation.counts if validation else none
    test = audit.part("test")
    pairs = list(zip(audit.names, training.counts, held, strict=True))
    tested = test.counts if test else none
    for name, counts in (("validation", held), ("test", tested)):
        here = zip(audit.names, training.counts, counts, strict=True)
        if missing := [kind for kind, trains, n in here if trains == 0 < n]:
            given = name == "test" and not _is_drawn_test(audit)
            yield Finding(
                Severity.SERIOUS,
                f"Missing from training{', and tested' * (name == 'test')}: {listed(missing)}",
                f"The model never sees these classes, so it gets all of their {name} samples "
                f"wrong.",
                *(Action() if given else shuffled(audit)),
            )
    if validation and (unseen := [name for name, t, v in pairs if v == 0 < t]):
        single = all(t == 1 for _, t, v in pairs if v == 0 < t)
        yield Finding(
            Severity.WARNING,
            f"Missing from validation: {listed(unseen)}",
            "How well the model knows these classes is not measured."
            + (" They have one sample each, which trains." if single else ""),
            *(Action() if single else shuffled(audit)),
        )
    everywhere = [sum(counts) for counts in zip(training.counts, held, tested, strict=True)]
    if absent := [name for name, n in zip(audit.names, everywhere, strict=True) if not n]:
        yield Finding(
            Severity.WARNING,
            f"No samples at all: {listed(absent)}",
            "The model has an output for these classes, but nothing to learn them from. Use more "
            "of the file.",
        )


def _validating(audit: Audit) -> int:
    """How many samples the result rests on: with folds each validates once."""
    return sum(part.samples for part in audit.parts if part.name in _parts_of(audit))


def _parts_of(audit: Audit) -> tuple[str, ...]:
    return ("training", "validation") if audit.folds else ("validation",)


def _margin(audit: Audit) -> Iterator[Finding]:
    part, training = audit.part("validation"), audit.part("training")
    if part is None:
        yield Finding(
            Severity.WARNING,
            "No validation samples",
            "Overfitting cannot be detected, because all samples are used for training.",
            "20 % for validation",
            {"split.validation_split": 0.2},
        )
        return
    if audit.task is Task.REGRESSION:
        wide, too_wide = squared_error_margin(_validating(audit)), 0.2
        narrow, said = 0.1, f"±{percent(2 * wide)} of the mean squared error"
    else:
        wide, too_wide = accuracy_margin(0.9, _validating(audit)), 2 * _GOAL
        narrow, said = _GOAL, f"±{points(100 * wide)} points at an accuracy of 90 %"
    if wide <= narrow:
        return
    n = part.samples + (training.samples if training else 0)
    better, action = "", Action()
    whole = not audit.folds  # else each sample validates by now
    if whole and audit.method != "time" and _wide(audit, int(n * _LARGEST_SPLIT)) > narrow:
        better = " With folds each sample validates once, and the mean over them is known better."
        action = in_folds(audit)
    elif whole and (wanted := _larger(audit, part.samples / n, n, max(narrow, 0.75 * wide))):
        better = " With more validation samples it is known better, but fewer train."
        action = Action(f"{percent(wanted)} for validation", {"split.validation_split": wanted})
    yield Finding(
        Severity.WARNING if wide > too_wide else Severity.NOTE,
        f"Few validation samples: {_validating(audit):,}",
        f"Chance alone changes the result by {said}. Do not choose between models by less.{better}",
        *action,
    )


def _larger(audit: Audit, now: float, samples: int, width: float) -> float | None:
    """The smallest larger share for validation that makes the result that narrow."""
    for percents in range(25, round(100 * _LARGEST_SPLIT) + 1, 5):
        share = percents / 100
        if share > now + 0.02 and _wide(audit, int(samples * share)) <= width:
            return share
    return None


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
                f"validation, {apart / spread:.1f} standard deviations apart; that is unlikely to "
                "be chance.",
                *shuffled(audit),
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
            *shuffled(audit),
        )


def _few(audit: Audit) -> Iterator[Finding]:
    parts = [part for part in audit.parts if part.name != "test"]
    if audit.task is Task.REGRESSION:
        return
    totals = [sum(part.counts[k] for part in parts) for k in range(len(audit.names))]
    if few := [name for name, total in zip(audit.names, totals, strict=True) if 0 < total < _FEW]:
        yield Finding(
            Severity.WARNING,
            f"Fewer than {_FEW} samples: {listed(few)}",
            "That is too few to learn a class and to measure it. Collect more samples, or merge "
            "these classes with others.",
        )


def _is_drawn_test(audit: Audit) -> bool:
    """Whether the test part follows from the split, and is none of the file's."""
    return audit.held_out and "test" not in audit.given


def _test(audit: Audit) -> Iterator[Finding]:
    """Classes that the test part has none of, and a validation part that is not used."""
    test, training = audit.part("test"), audit.part("training")
    if test is None and "test" in audit.given:
        yield Finding(
            Severity.WARNING,
            "The file's test part is cut off",
            "None of the first samples, to which the data is cut, are of it, so nothing is tested. "
            "Use more of the file.",
        )
    if "validation" in audit.given and audit.method != "given":
        yield Finding(
            Severity.NOTE,
            "The file has a validation part of its own",
            "Its samples are split again here, together with the training samples. Use the file's "
            "own part to compare with what others measured on it.",
            "the parts of the file",
            {
                "split.method": "given", "split.test_split": None,
                **({"split.folds": None, "split.fold": None} if audit.folds else {}),
            },
        )  # fmt: skip
    if test is None or training is None or audit.task is Task.REGRESSION:
        return
    pairs = zip(audit.names, training.counts, test.counts, strict=True)
    if unseen := [name for name, trains, tests in pairs if trains and not tests]:
        drawn = shuffled(audit) if _is_drawn_test(audit) else Action()
        yield Finding(
            Severity.WARNING,
            f"Missing from the test: {listed(unseen)}",
            "How well the model knows these classes is not tested.",
            *drawn,
        )


def _share(part: SplitPart, number: int) -> float:
    return part.counts[number] / part.samples if part.samples else 0.0
