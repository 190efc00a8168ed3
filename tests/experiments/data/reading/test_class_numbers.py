"""Which whole numbers are classes: the same ones in every kind of file."""

import h5py
import numpy as np
import pandas as pd
import pytest

from experiments.data.catalog import Task
from experiments.data.reading.reader import ReadOptions
from experiments.data.reading.storing import look_into


def save(folder, kind, y):
    path = folder / f"data.{kind}"
    x = np.random.default_rng(0).normal(size=(len(y), 2))
    match kind:
        case "npz":
            np.savez(path, x=x, y=y)
        case "h5":
            with h5py.File(path, "w") as file:
                file["x"], file["y"] = x, y
        case "csv":
            pd.DataFrame(x, columns=["a", "b"]).assign(y=y).to_csv(path, index=False)
        case _:
            pd.DataFrame(x, columns=["a", "b"]).assign(y=y).to_parquet(path)
    return path


@pytest.mark.parametrize("kind", ["csv", "parquet", "npz", "h5"])
@pytest.mark.parametrize("dtype", ["int64", "float64"])
@pytest.mark.parametrize(
    ("y", "task"),
    [
        (np.arange(40) % 10 * 3, Task.MULTICLASS),  # few
        (np.arange(84) % 11 * 3, Task.REGRESSION),  # many, with gaps
        (np.arange(200) % 100, Task.MULTICLASS),  # counted from 0
        (np.arange(200) % 100 + 1, Task.MULTICLASS),  # counted from 1
        (np.arange(200) % 60 + 18, Task.REGRESSION),  # ages
        (np.arange(30) % 20, Task.REGRESSION),  # hardly one of each
        (np.arange(40) % 2 * 7, Task.BINARY),
    ],
)
def test_whole_numbers_are_classes_by_one_rule(tmp_path, kind, dtype, y, task):
    _, plan = look_into(save(tmp_path, kind, y.astype(dtype)), ReadOptions(target="y"))
    assert plan.task is task
    assert len(plan.class_names) == (0 if task is Task.REGRESSION else len(np.unique(y)))


@pytest.mark.parametrize("kind", ["csv", "parquet", "npz", "h5"])
def test_fractions_are_no_classes_however_few_there_are(tmp_path, kind):
    _, plan = look_into(save(tmp_path, kind, np.arange(40) % 2 + 0.5), ReadOptions(target="y"))
    assert plan.task is Task.REGRESSION and plan.class_names == ()
