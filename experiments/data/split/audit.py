"""What a split does to a dataset, measured: plain data that is stored with the run.

Rows are numbered from 0, as in ``split.npz``; those of a test part that is not among the samples
(keras.datasets') by themselves.
"""

from dataclasses import asdict, dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Any

import numpy as np
from pydantic import TypeAdapter, ValidationError

from experiments.core.errors import DatasetError
from experiments.core.format_versions import check_format
from experiments.data.catalog import VALIDATION, Task
from experiments.data.loading import Dataset
from experiments.data.split.duplicates import DuplicateScan, exact_groups, look_at, near_groups
from experiments.data.split.margins import label_runs, rank_correlation
from experiments.data.split.splits import Split, in_words

#: The artifact that a run's audit is.
AUDIT_FILE = "split_audit.json"
_FORMAT = 1
_MOST_RANGES = 10
_MOST_EXAMPLES = 5
_BINS = 20
#: Numbers that agree to so many steps of their standard deviation count as the same target.
_TARGET_STEPS = 1000


class Order(StrEnum):
    """How the file is ordered by its target."""

    SORTED = "sorted"  # each class stands together, or the numbers rise or fall
    GROUPED = "grouped"  # classes stand together in longer runs than chance makes
    MIXED = "mixed"


@dataclass(frozen=True)
class SplitPart:
    """``counts`` are of the classes, or of a number's bins; ``ranges`` are the first few of
    ``range_count`` runs of rows, first and last. ``mean`` and ``spread`` (the standard deviation)
    are of numbers only."""

    name: str
    samples: int
    counts: tuple[int, ...]
    ranges: tuple[tuple[int, int], ...]
    range_count: int
    mean: float | None = None
    spread: float | None = None


@dataclass(frozen=True)
class FileOrder:
    """Runs of equal labels in the file, and how many a shuffled file would have; for a regression
    ``correlation``, Spearman's, of the row number with the target."""

    order: Order
    runs: int = 0
    expected_runs: float = 0.0
    correlation: float | None = None


@dataclass(frozen=True)
class Overlap:
    """Rows of one part that training has too: ``same`` with the same label, ``other`` only with
    another. ``examples`` are pairs of a training row and a row of the part."""

    looked: int
    same: int
    other: int
    examples: tuple[tuple[int, int], ...]

    @property
    def rows(self) -> int:
        """All of them."""
        return self.same + self.other


@dataclass(frozen=True)
class DuplicateCounts:
    """``extra`` rows repeat one in the same part (keras.datasets' test parts are not counted); the
    rest is across parts. Near copies are counted without the exact ones."""

    extra: int
    validation: Overlap
    test: Overlap


@dataclass(frozen=True)
class Groups:
    """Of ``groups`` in a column ``shared`` have rows in training and in validation; ``rows`` of
    the validation rows are in one of these. The same for the test part, and all others. ``divided``
    groups train or validate."""

    column: str
    groups: int
    shared: int
    rows: int
    test_shared: int = 0
    test_rows: int = 0
    divided: int = 0


@dataclass(frozen=True)
class Times:
    """``rows`` of the validation rows are no later than the newest training row, by a column, and
    ``test_rows`` of the test rows no later than the newest of all others."""

    column: str
    rows: int
    test_rows: int = 0


@dataclass(frozen=True)
class Audit:
    """How samples are divided, what each part holds, and what the parts share."""

    sentence: str
    method: str
    task: Task
    image: bool
    target: str
    samples: int
    looked: int  # rows that were compared to find copies
    values: int  # different targets
    names: tuple[str, ...]  # the classes, or the bins of a number
    parts: tuple[SplitPart, ...]
    order: FileOrder
    exact: DuplicateCounts
    near: DuplicateCounts
    groups: Groups | None = None
    times: Times | None = None
    folds: int = 0  # how many; 0 for no such split
    held_out: bool = False  # the test part is of the same rows
    given: tuple[str, ...] = ()  # parts that the file of the dataset has: validation, test

    def part(self, name: str) -> SplitPart | None:
        """The part of that name: training, validation or test."""
        return next((part for part in self.parts if part.name == name), None)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {"format": _FORMAT} | asdict(self)

    @classmethod
    def from_dict(cls, data: object) -> "Audit":
        """The audit that to_dict wrote; raises DatasetError for anything else."""
        if isinstance(data, dict):
            check_format("The split audit", data, _FORMAT, DatasetError)
        try:
            return _AUDIT.validate_python(data)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "the whole"
            raise DatasetError(
                f"The split audit cannot be read: {where}: {first['msg']}. Train the run again to "
                "have a new one."
            ) from None


_AUDIT = TypeAdapter(Audit)


def audit_split(dataset: Dataset, split: Split) -> Audit:
    """The audit of a split. Takes about a second for 60,000 images of 28×28; of more rows than
    duplicates.MOST_ROWS a sample is compared."""
    y, codes = dataset.y.reshape(-1), target_codes(dataset, dataset.y)
    y_test = None if dataset.y_test is None else dataset.y_test.reshape(-1)
    regression = dataset.info.task is Task.REGRESSION
    edges = _edges(y) if regression else None
    parts = [_part("training", split.train, y, edges, dataset.info.classes)]
    if len(split.validation):
        parts.append(_part("validation", split.validation, y, edges, dataset.info.classes))
    if y_test is not None:
        rows = np.arange(len(y_test))
        parts.append(_part("test", rows, y_test, edges, dataset.info.classes))
    elif len(split.test):
        parts.append(_part("test", split.test, y, edges, dataset.info.classes))
    names = dataset.info.class_names if edges is None else _bin_names(edges)
    scan = look_at(dataset.x, dataset.x_test, split.seed)
    labels = codes[scan.rows]
    if dataset.y_test is not None:
        labels = np.concatenate([labels, target_codes(dataset, dataset.y_test)[scan.test_rows]])
    exact = exact_groups(scan)
    near = near_groups(scan, dataset.info.kind, exact)
    exact_copies, near_copies = _copies(scan, split, labels, exact, near)
    return Audit(
        sentence=in_words(split),
        method=split.method if len(split.validation) or _is_held_out(split) else "none",
        task=dataset.info.task,
        image=dataset.info.kind == "image",
        target=dataset.info.target,
        samples=len(y) + (0 if y_test is None else len(y_test)),
        looked=len(scan),
        values=len(np.unique(y)),
        names=tuple(names),
        parts=tuple(parts),
        order=_order(y, regression),
        exact=exact_copies,
        near=near_copies,
        groups=_groups(dataset, split),
        times=_times(dataset, split),
        folds=split.folds,
        held_out=len(split.test) > 0,
        given=_given(dataset),
    )


def _is_held_out(split: Split) -> bool:
    return len(split.test) > 0 and not split.test_given


def _given(dataset: Dataset) -> tuple[str, ...]:
    validates = dataset.parts is not None and bool((dataset.parts == VALIDATION).any())
    there = {"validation": validates, "test": dataset.info.test_given}
    return tuple(name for name, is_there in there.items() if is_there)


def _groups(dataset: Dataset, split: Split) -> Groups | None:
    if dataset.groups is None or not len(split.validation) + len(split.test):
        return None
    values, numbers = np.unique(dataset.groups, return_inverse=True)

    def shared(known: np.ndarray, held: np.ndarray) -> tuple[int, int]:
        of_both = np.intersect1d(numbers[known], numbers[held])
        return len(of_both), int(np.isin(numbers[held], of_both).sum())

    both = np.concatenate([split.train, split.validation])
    in_validation, rows = shared(split.train, split.validation)
    in_test, test_rows = shared(both, split.test)
    return Groups(
        column=dataset.info.group, groups=len(values), shared=in_validation, rows=rows,
        test_shared=in_test, test_rows=test_rows, divided=len(np.unique(numbers[both])),
    )  # fmt: skip


def _times(dataset: Dataset, split: Split) -> Times | None:
    times = dataset.times
    if times is None or not len(split.validation) + len(split.test):
        return None
    newest = times[split.train].max()
    newest_known = max(newest, times[split.validation].max(initial=newest))
    return Times(
        dataset.info.time,
        int((times[split.validation] <= newest).sum()),
        int((times[split.test] <= newest_known).sum()),
    )


def target_codes(dataset: Dataset, y: np.ndarray) -> np.ndarray:
    """Targets, (n,) or (n, 1), as whole numbers; equal ones mean the same."""
    y = y.reshape(-1)
    if dataset.info.task is not Task.REGRESSION:
        return y.astype(np.int64)
    step = float(dataset.y.std(dtype=float)) / _TARGET_STEPS or 1.0
    return np.round(y.astype(float) / step).astype(np.int64)


def _edges(y: np.ndarray) -> np.ndarray:
    edges: np.ndarray = np.histogram_bin_edges(y.astype(float), _BINS)
    return edges


def _bin_names(edges: np.ndarray) -> tuple[str, ...]:
    return tuple(f"{low:.3g} to {high:.3g}" for low, high in pairwise(edges))


def _part(
    name: str, rows: np.ndarray, y: np.ndarray, edges: np.ndarray | None, classes: int
) -> SplitPart:
    values = y[rows]
    breaks = np.flatnonzero(np.diff(rows) != 1)
    first = rows[np.concatenate([[0], breaks + 1])]
    last = rows[np.concatenate([breaks, [len(rows) - 1]])]
    ranges = tuple((int(a), int(b)) for a, b in zip(first, last, strict=True))
    if edges is None:
        counts = np.bincount(values.astype(np.int64), minlength=classes)
        return SplitPart(
            name=name,
            samples=len(rows),
            counts=tuple(counts.tolist()),
            ranges=ranges[:_MOST_RANGES],
            range_count=len(ranges),
        )
    # a test part may reach beyond what is known
    counts, _ = np.histogram(np.clip(values.astype(float), edges[0], edges[-1]), edges)
    return SplitPart(
        name=name, samples=len(rows), counts=tuple(counts.tolist()),
        ranges=ranges[:_MOST_RANGES], range_count=len(ranges),
        mean=float(values.mean(dtype=float)), spread=float(values.std(dtype=float)),
    )  # fmt: skip


def _order(y: np.ndarray, regression: bool) -> FileOrder:
    if regression:
        correlation = rank_correlation(y)
        # beyond chance for few rows as well: its standard error is 1/√(n − 1)
        is_sorted = abs(correlation) > max(0.5, 3 / np.sqrt(max(len(y) - 1, 1)))
        order = Order.SORTED if is_sorted else Order.MIXED
        return FileOrder(order, correlation=correlation)
    runs, expected, deviations = label_runs(y)
    if deviations < 4 or runs > expected / 2:
        return FileOrder(Order.MIXED, runs, expected)
    order = Order.SORTED if runs == len(np.unique(y)) else Order.GROUPED
    return FileOrder(order, runs, expected)


def _copies(
    scan: DuplicateScan, split: Split, labels: np.ndarray, exact: np.ndarray, near: np.ndarray
) -> tuple[DuplicateCounts, DuplicateCounts]:
    """Exact copies, and near ones that are no exact ones."""
    n = len(scan.rows)
    part = np.full(len(scan), 2)
    part[:n] = np.isin(scan.rows, split.validation, assume_unique=True)
    part[:n][np.isin(scan.rows, split.test, assume_unique=True)] = 2
    numbers = np.concatenate([scan.rows, scan.test_rows])
    found = [_matches(groups, part, labels) for groups in (exact, near)]
    extra = [_extra(groups[:n], part[:n]) for groups in (exact, near)]

    def shared(kind: int, which: int) -> Overlap:
        any_, same, train_of = found[kind]
        rows = (part == which) & any_
        if kind == 1:
            rows &= ~found[0][0]
        examples = np.flatnonzero(rows)[:_MOST_EXAMPLES]
        return Overlap(
            int((part == which).sum()), int((rows & same).sum()), int((rows & ~same).sum()),
            tuple((int(numbers[train_of[row]]), int(numbers[row])) for row in examples),
        )  # fmt: skip

    return (
        DuplicateCounts(extra[0], shared(0, 1), shared(0, 2)),
        DuplicateCounts(extra[1] - extra[0], shared(1, 1), shared(1, 2)),
    )


def _matches(
    groups: np.ndarray, part: np.ndarray, labels: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Whether training has each row, has it with the same label, and the first position where."""
    training = np.flatnonzero(part == 0)
    first = np.full(int(groups.max()) + 1, -1)
    first[groups[training[::-1]]] = training[::-1]
    values, numbers = np.unique(labels, return_inverse=True)
    labeled = groups * len(values) + numbers.reshape(-1)
    return first[groups] >= 0, np.isin(labeled, labeled[training]), first[groups]


def _extra(groups: np.ndarray, part: np.ndarray) -> int:
    """Rows that repeat one of their own part."""
    return len(groups) - len(np.unique(groups * 3 + part))
