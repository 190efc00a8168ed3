"""Columns that teach nothing, or less than they seem to: indexes, and numbers that lose digits."""

import numpy as np
import pandas as pd
import pytest

from experiments.datasets.reading.choosing import reader_of
from experiments.datasets.reading.found import Wanted
from experiments.datasets.storing import look_into


def save(tmp_path, kind="csv", **columns):
    """A file with these columns, without an index."""
    path = tmp_path / f"table.{kind}"
    frame = pd.DataFrame(columns)
    frame.to_csv(path, index=False) if kind == "csv" else frame.to_parquet(path)
    return path


def look(path, **wanted):
    found, plan = look_into(path, Wanted(**wanted))
    return {column.name: column for column in found.columns}, plan


def samples(path, **wanted):
    """The plan, and all blocks as one."""
    asked = Wanted(**wanted)
    found, plan = look_into(path, asked)
    blocks = reader_of(path).blocks(path, found, plan, asked)
    arrays = [np.concatenate(some) for some in zip(*blocks, strict=True) if some[0] is not None]
    return plan, *arrays


@pytest.mark.parametrize("rows", [40, 3000])
@pytest.mark.parametrize("name", [None, "", "Unnamed: 0", "Unnamed: 0.1", "index", "level_0"])
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_the_index_of_drawn_or_shuffled_rows_is_no_feature(tmp_path, rows, name, kind):
    frame = pd.DataFrame({"size": np.arange(rows) / 3 % 7, "label": np.arange(rows) // (rows / 2)})
    drawn = frame.astype({"label": int}).sample(frac=0.8, random_state=1).rename_axis(name)
    path = tmp_path / f"table.{kind}"
    if kind == "csv":
        drawn.to_csv(path)
    elif name is None:
        drawn.to_parquet(path)
    else:
        drawn.reset_index(names="Unnamed: 0" if name == "" else name).to_parquet(path, index=False)
    plan = look(path)[1]
    assert [feature.name for feature in plan.features] == ["size"]
    assert any("another in every row: " in note for note in plan.notes)


def test_whole_numbers_of_a_file_without_names_stay(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("".join(f"{n * 7 % 301},{n % 5},{n % 2}\n" for n in range(300)))
    plan = look(path, header=False)[1]
    assert [feature.name for feature in plan.features] == ["column 1", "column 2"]
