"""Rows of a dataset as they were in the file."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from experiments.data.catalog import DatasetInfo
from experiments.data.distributions import date_text
from experiments.data.preview import Preview


def named_rows(info: DatasetInfo, x: np.ndarray, names: Sequence[str] = ()) -> pd.DataFrame:
    """Rows (n, features) with the names of the features, categories by name, and dates as dates.

    ``names`` are for a dataset of the catalog, which has them beside its samples.
    """
    names = list(info.feature_names or names) or [f"x{i}" for i in range(x.shape[1])]
    table = pd.DataFrame(x, columns=names)
    for position, categories in enumerate(info.categories):
        if categories:
            by_number = dict(enumerate(categories))
            table.isetitem(position, table.iloc[:, position].map(by_number).to_numpy())
    for position, date_format in enumerate(info.date_formats):
        if date_format:
            table.isetitem(position, [date_text(days) for days in x[:, position]])
    return table


def row_table(info: DatasetInfo, preview: Preview) -> pd.DataFrame:
    """The first rows with their targets, classes by name."""
    table = named_rows(info, preview.x)
    table.columns = pd.Index(preview.columns["Feature"])
    y = preview.y[preview.rows]
    table[info.target or "target"] = [info.class_names[int(v)] for v in y] if info.classes else y
    table.index = pd.Index(preview.rows, name="row")
    return table
