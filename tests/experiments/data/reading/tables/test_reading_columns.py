"""Columns that teach nothing, or less than they seem to: indexes, and numbers that lose digits."""

import numpy as np
import pandas as pd
import pytest

from experiments.data.reading.kinds import reader_of
from experiments.data.reading.reader import ReadOptions
from experiments.data.reading.storing import look_into


def save(tmp_path, kind="csv", **columns):
    """A file with these columns, without an index."""
    path = tmp_path / f"table.{kind}"
    frame = pd.DataFrame(columns)
    frame.to_csv(path, index=False) if kind == "csv" else frame.to_parquet(path)
    return path


def look(path, **wanted):
    found, plan = look_into(path, ReadOptions(**wanted))
    return {column.name: column for column in found.columns}, plan


def samples(path, **wanted):
    """The plan, and all blocks as one."""
    asked = ReadOptions(**wanted)
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


RNG = np.random.default_rng(7)
FEW_FILMS = RNG.integers(1, 5000, 50_000)
ONE_TWICE = np.append(np.arange(5, 20_000), 5)


COMING_TWICE = {
    "films": FEW_FILMS, "sorted": np.sort(FEW_FILMS), "one": ONE_TWICE, "large": 2**60 + FEW_FILMS,
    "many": np.tile(RNG.permutation(150_000), 2),
}  # fmt: skip
OF_A_ROW = {
    "shuffled": RNG.permutation(50_000) * 3 + 7, "many": RNG.permutation(300_000) * 3 + 7,
    "large": 2**60 + RNG.permutation(20_000),
}  # fmt: skip


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("values", COMING_TWICE.values(), ids=COMING_TWICE)
def test_ids_that_come_twice_are_not_called_ids_of_the_rows(tmp_path, kind, values):
    rows = np.arange(len(values))
    columns, plan = look(save(tmp_path, kind, movieId=values, size=rows % 7 / 4, label=rows % 2))
    assert not columns["movieId"].is_unique
    assert not any("another in every row" in note for note in plan.notes)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("values", OF_A_ROW.values(), ids=OF_A_ROW)
def test_ids_of_the_rows_are_left_out_in_any_order(tmp_path, kind, values):
    rows = np.arange(len(values))
    columns, plan = look(save(tmp_path, kind, order_id=values, size=rows % 7 / 4, label=rows % 2))
    assert columns["order_id"].is_unique
    assert [feature.name for feature in plan.features] == ["size"]


IDS = {
    "of 18 digits": [900719925474099200 + n // 3 for n in range(30)],
    "of 19 digits, and small": [n // 3 if n < 15 else 2**63 - n // 3 for n in range(30)],
    "negative": [-900719925474099200 - n // 3 for n in range(30)],
    "of 30 digits": [10**29 + n // 3 for n in range(30)],
}


@pytest.mark.parametrize("ids", IDS.values(), ids=IDS)
def test_groups_are_exact_however_many_digits_they_have(tmp_path, ids):
    texts = [str(one) for one in ids]
    columns = {"patient": texts, "size": np.arange(30) / 7, "label": np.arange(30) % 2}
    groups = samples(save(tmp_path, **columns), group="patient")[3]
    assert len(set(groups)) == 10
    assert (groups.reshape(10, 3) == groups[::3, None]).all()
    if max(map(abs, ids)) < 2**63:
        numbers = save(tmp_path, "parquet", **columns | {"patient": np.array(ids, np.int64)})
        np.testing.assert_array_equal(samples(numbers, group="patient")[3], groups)


def test_groups_of_small_numbers_are_their_bits(tmp_path):
    values = [0.0, -0.0, 1.5, 7, 2**52] * 6
    path = save(tmp_path, "parquet", patient=values, size=np.arange(30) / 7, label=[0, 1] * 15)
    groups = samples(path, group="patient")[3]
    np.testing.assert_array_equal(groups, (np.array(values) + 0).view(np.int64))


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("first", [9007199254740992, -9223372036854775807])
def test_classes_are_exact_however_many_digits_they_have(tmp_path, kind, first):
    path = save(tmp_path, kind, size=np.arange(30) / 7, label=[first + n % 3 for n in range(30)])
    plan, _, y = samples(path)
    assert plan.class_names == tuple(str(first + n) for n in range(3))
    np.testing.assert_array_equal(y, np.arange(30) % 3)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_times_that_float64_cannot_tell_apart_are_told(tmp_path, kind):
    columns = {"size": np.arange(30) / 7, "label": [0, 1] * 15}
    path = save(tmp_path, kind, at=1_700_000_000_000_000_000 + np.arange(30), **columns)
    assert "at is kept in steps of 256" in " ".join(look(path, time="at")[1].notes)
    path = save(tmp_path, kind, at=1_700_000_000_000 + np.arange(30), **columns)
    assert "is kept in steps" not in " ".join(look(path, time="at")[1].notes)


LOST = {
    "julian days": 2460310.5 + np.arange(300) * 0.01,
    "degrees": 48.1374312 + np.arange(300) * 1e-7,
    "quarters": 1e8 + np.arange(300) * 0.25,
    "more quarters than are kept": 1e8 + np.arange(3000) * 0.25,
    "a few far apart": np.where(np.arange(300) % 2, 0, 1e8 + np.arange(300)),
    "too small": (1 + np.arange(300)) * 1e-50,
}


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("values", LOST.values(), ids=LOST)
def test_digits_that_float32_loses_are_told(tmp_path, kind, values):
    rows = np.arange(len(values))
    path = save(tmp_path, kind, lost=values, size=rows % 7 / 4, label=rows % 2)
    assert any("float32" in note and "lost" in note for note in look(path)[1].notes)
    asked = look(path, features=("lost", "size"))[1]
    assert any("float32" in note and "lost" in note for note in asked.notes)


KEPT = {
    "whole": np.arange(300) * 1000,
    "large and exact": 2.0**30 + 128 * np.arange(300),
    "measured": np.random.default_rng(0).normal(280, 10, 3000).round(2),
    "shares": np.random.default_rng(0).uniform(size=3000),
    "small": 1e-30 * np.arange(300),
    "degrees, of which two are equal": [48.1374312, 48.1374313, *np.linspace(-90, 90, 298)],
}


@pytest.mark.parametrize("values", KEPT.values(), ids=KEPT)
def test_no_digits_are_told_where_all_are_kept_that_matter(tmp_path, values):
    rows = np.arange(len(values))
    path = save(tmp_path, kept=values, size=rows % 7 / 4, label=rows % 2)
    assert not any("float32" in note for note in look(path)[1].notes)


def test_targets_that_float32_cannot_tell_apart_are_told_where_they_are_amounts(tmp_path):
    size = np.arange(300) % 7 / 4
    path = save(tmp_path, size=size, label=1704067200 + 3 * np.arange(300) + 0.5)
    assert "label is stored in steps of 128" in " ".join(look(path)[1].notes)
    path = save(tmp_path, size=size, label=1704067200 + np.arange(300) % 2)
    assert "float32" not in " ".join(look(path)[1].notes)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_how_exact_times_of_day_are_is_told(tmp_path, kind):
    columns = {"size": np.arange(30) / 7, "label": [0, 1] * 15}
    at = pd.date_range("2024-01-31 13:05", periods=30, freq="s")
    notes = " ".join(look(save(tmp_path, kind, at=at, **columns))[1].notes)
    assert "Their times are kept to about 3 minutes (float32) in: at." in notes
    days = pd.date_range("2024-01-31", periods=30)
    assert "minutes" not in " ".join(look(save(tmp_path, kind, at=days, **columns))[1].notes)
