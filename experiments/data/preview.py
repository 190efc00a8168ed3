"""A look at a dataset: its classes counted, a few samples of each; the rest stays on disk."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from experiments.data.catalog import DatasetInfo, Kind, Source, Task
from experiments.data.dataset_spec import DatasetSpec
from experiments.data.distributions import DrawnSamples, draw_sample, histogram
from experiments.data.loading import load_dataset
from experiments.data.stored import SAMPLES_FILE, folder_of

_ROWS = 200
_OF_EACH_CLASS = 8
_MOST_CLASSES = 12


class Preview(NamedTuple):
    """``y`` is every target, (n,). ``x`` are some samples, ``rows`` their numbers from 0: of
    images up to 8 of each of the first 12 classes, of tables the first 200. ``columns``
    describes the features of a table, one row each, from ``sampled``. ``bytes_in_memory`` is what
    all samples take, ``bytes_on_disk`` the file where this machine has one."""

    x: np.ndarray
    y: np.ndarray
    rows: np.ndarray
    columns: pd.DataFrame
    bytes_in_memory: int
    bytes_on_disk: int | None
    sampled: DrawnSamples


def look(info: DatasetInfo) -> Preview:
    """The preview of a dataset that is on this machine; raises DatasetError."""
    dataset = load_dataset(DatasetSpec(name=info.name), seed=1, lazily=True)
    y = dataset.y.reshape(-1)
    rows = _chosen(info, y)
    sampled = draw_sample(dataset.x, y)
    columns = _columns(info, dataset.feature_names, sampled.x)
    path = folder_of(info.content_hash) / SAMPLES_FILE if info.source is Source.STORED else None
    size = path.stat().st_size if path else None
    return Preview(
        x=dataset.x[rows],
        y=y,
        rows=rows,
        columns=columns,
        bytes_in_memory=dataset.x.nbytes,
        bytes_on_disk=size,
        sampled=sampled,
    )


def class_counts(info: DatasetInfo, y: np.ndarray) -> pd.Series:
    """How many samples each class has, by its name."""
    counts = np.bincount(y.astype(np.int64), minlength=info.classes)
    return pd.Series(counts, index=list(info.class_names), name="samples")


def _chosen(info: DatasetInfo, y: np.ndarray) -> np.ndarray:
    if info.kind is Kind.TABULAR or info.task is Task.REGRESSION:
        return np.arange(min(len(y), _ROWS if info.kind is Kind.TABULAR else _OF_EACH_CLASS * 4))
    some = [
        np.flatnonzero(y == number)[:_OF_EACH_CLASS]
        for number in range(min(info.classes, _MOST_CLASSES))
    ]
    return np.concatenate(some)


def _columns(info: DatasetInfo, names: tuple[str, ...], x: np.ndarray) -> pd.DataFrame:
    if info.kind is not Kind.TABULAR:
        return pd.DataFrame()
    frame = pd.DataFrame(x, columns=list(names) or [f"x{i}" for i in range(x.shape[1])])
    categories = info.categories or ((),) * x.shape[1]
    dates = [bool(one) for one in info.date_formats] or [False] * x.shape[1]
    numbers = frame.astype(float)
    lowest, middle, highest = (getattr(numbers, part)() for part in ("min", "median", "max"))
    return pd.DataFrame(
        {
            "Feature": frame.columns,
            "Spread": [
                histogram(frame.iloc[:, i].to_numpy(), some).to_list()
                for i, some in enumerate(categories)
            ],
            "Kind": [
                f"{len(some)} categories" if some else "date" if date else "number"
                for some, date in zip(categories, dates, strict=True)
            ],
            "Missing": numbers.isna().sum().to_numpy(),
            "Lowest": [_unless_category(v, c) for v, c in zip(lowest, categories, strict=True)],
            "Middle": [_unless_category(v, c) for v, c in zip(middle, categories, strict=True)],
            "Highest": [_unless_category(v, c) for v, c in zip(highest, categories, strict=True)],
        }
    )


def _unless_category(value: float, categories: tuple[str, ...]) -> float:
    """NaN for a category, whose number means nothing."""
    return float("nan") if categories else float(value)
