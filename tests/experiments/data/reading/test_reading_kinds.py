"""Columns of numbers that are names: those that the user says, and codes with leading zeros."""

import datetime
import decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from experiments.core.errors import DatasetError, InputError
from experiments.data.catalog import Task
from experiments.data.dataset_spec import DatasetSpec
from experiments.data.loading import load_dataset
from experiments.data.reading.kinds import reader_of
from experiments.data.reading.reader import Column, ColumnKind, Plan, ReadOptions
from experiments.data.reading.storing import look_into, store_file
from experiments.data.reading.tables.column_tracking import ColumnTracker
from experiments.inference.raw_rows import encode_rows
from experiments.inference.sample_files import read_table

FEW = [1, 2, 3, 2]


def save(tmp_path: Path, rows: int = 40, kind: str = "csv", **columns: list[object]) -> Path:
    """Columns whose values are repeated, and a binary target."""
    repeated = {name: (some * rows)[:rows] for name, some in columns.items()}
    frame = pd.DataFrame({"size": np.arange(rows) / 3, **repeated})
    if "label" not in repeated:
        frame["label"] = np.arange(rows) % 2
    path = tmp_path / f"table.{kind}"
    if kind == "csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path)
    return path


def look(path: Path, **wanted: object) -> tuple[dict[str, Column], Plan]:
    found, plan = look_into(path, ReadOptions(**wanted))
    return {column.name: column for column in found.columns}, plan


def samples(path: Path, **wanted: object) -> tuple[Plan, np.ndarray, np.ndarray, np.ndarray | None]:
    asked = ReadOptions(**wanted)
    found, plan = look_into(path, asked)
    blocks = list(reader_of(path).blocks(path, found, plan, asked))
    x, y, groups, *_ = zip(*blocks, strict=True)
    return (
        plan, np.concatenate(x), np.concatenate(y),
        None if groups[0] is None else np.concatenate(groups),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("values", "before", "categories"),
    [
        ([10, 9, 2], "numeric", ("2", "9", "10")),
        ([1.5, 0.25], "numeric", ("0.25", "1.5")),
        (["true", "False"], "boolean", ("False", "true")),
        (["2024-01-31", "2023-01-31"], "date", ("2023-01-31", "2024-01-31")),
        (["1e3", "-", "2"], "numeric", ("-", "2", "1e3")),
    ],
)
def test_columns_asked_for_as_categories_are_categories_as_they_are_written(
    tmp_path, values, before, categories
):
    path = save(tmp_path, kept=values)
    assert look(path)[0]["kept"].kind == before
    plan, x, *_ = samples(path, categories=("kept",))
    feature = plan.features[1]
    assert (feature.kind, feature.categories) == (ColumnKind.CATEGORICAL, categories)
    assert [categories[int(place)] for place in x[:, 1]] == list(map(str, (values * 40)[:40]))


@pytest.mark.parametrize(
    ("array", "categories"),
    [
        (pa.array([3, 20, None, 3]), ("3", "20")),
        (pa.array([1.0, 2.5, None, -0.0]), ("0", "1", "2.5")),
        (pa.array(np.array([0.1, 2, 2, 2], np.float32)), ("0.1", "2")),
        (pa.array(np.array([7, 2, 2, 2], np.float16)), ("2", "7")),
        (pa.array([1e16, 2.0, 2.0, 2.0]), ("2", "10000000000000000")),
        (pa.array([True, False, None, True]), ("False", "True")),
        (pa.array([decimal.Decimal("1.00"), decimal.Decimal("1.50")] * 2), ("1", "1.50")),
        (pa.array([datetime.date(2024, 1, 31), None] * 2), ("2024-01-31",)),
        (
            pa.array([datetime.datetime(2024, 1, 31), datetime.datetime(2024, 1, 31, 9)] * 2),
            ("2024-01-31", "2024-01-31 09:00:00"),
        ),
        (pa.array([1, 2, 2, 1]).dictionary_encode(), ("1", "2")),
    ],
)
def test_what_parquet_stores_as_numbers_is_named_as_it_would_be_written(
    tmp_path, array, categories
):
    repeated = pa.concat_arrays([array.dictionary_decode() if pa.types.is_dictionary(
        array.type) else array] * 10)  # fmt: skip
    table = pa.table({"a": np.arange(40.0), "kept": repeated, "label": np.arange(40) % 2})
    path = tmp_path / "t.parquet"
    pq.write_table(table, path, row_group_size=7)
    plan, x, *_ = samples(path, categories=("kept",), features=("kept",))
    assert plan.features[0].categories == categories
    assert np.isnan(x[:, 0]).sum() == repeated.null_count
    assert {categories[int(place)] for place in x[~np.isnan(x)]} == set(categories)


def test_the_same_names_come_from_a_text_and_from_parquet(tmp_path):
    columns = {"place": [3, 20, 1], "open": [True, False], "zip": ["01234", "99999", "55555"]}
    wanted = {"categories": ("place", "open"), "group": "place", "features": ("place", "open")}
    text = samples(save(tmp_path, **columns), **wanted)
    parquet = samples(save(tmp_path, kind="parquet", **columns), **wanted)
    assert text[0] == parquet[0]
    for some, other in zip(text[1:], parquet[1:], strict=True):
        np.testing.assert_array_equal(some, other)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_numeric_target_becomes_classes_that_are_named(tmp_path, kind):
    path = save(tmp_path, 60, kind, label=[2.5, 10, 30, 7])
    assert look(path)[1].task is Task.REGRESSION
    plan, _, y, _ = samples(path, categories=("label",))
    whole = "{:.1f}" if kind == "csv" else "{:g}"  # a text has what is written in it
    assert plan.task is Task.MULTICLASS
    assert plan.class_names == tuple(map(whole.format, [2.5, 7, 10, 30]))
    assert [float(plan.class_names[place]) for place in y[:4]] == [2.5, 10, 30, 7]
    with pytest.raises(DatasetError, match="'label' is categorical"):
        look(path, categories=("label",), task=Task.REGRESSION)


def test_categories_of_too_many_values_are_left_out_and_told(tmp_path):
    path = save(tmp_path, ticket=list(range(40)))
    columns, plan = look(path, categories=("ticket",))
    assert columns["ticket"].kind is ColumnKind.TEXT
    assert [feature.name for feature in plan.features] == ["size"]
    assert "asked for as categories, with too many different values" in " ".join(plan.notes)


def test_a_time_cannot_be_a_name(tmp_path):
    path = save(tmp_path, year=[2021, 2022, 2023])
    assert look(path, time="year")[1].time == "year"
    with pytest.raises(DatasetError, match="time column 'year' is categorical"):
        look(path, time="year", categories=("year",))


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"categories": ("zap",)}, "Unknown column for --categories 'zap'. Did you mean 'zip'?"),
        ({"numbers": ("zap",)}, "Unknown column for --numbers 'zap'. Did you mean 'zip'?"),
        ({"categories": ("zip",), "numbers": ("zip",)}, "'zip' was asked for both as"),
        ({"numbers": ("word",)}, "'word' was asked for as numbers, and row 2 (of data, from 1) has "
         "'none such'. Allowed: a number in each row"),
        ({"numbers": ("day",)}, "'day' was asked for as numbers, and row 1 (of data, from 1) has "
         "'2024-01-31'"),
    ],
)  # fmt: skip
def test_columns_that_cannot_be_what_was_asked_for_are_refused(tmp_path, wanted, said):
    path = save(tmp_path, zip=["01234"], word=["1", "none such"], day=["2024-01-31"])
    with pytest.raises(DatasetError) as refused:
        look(path, **wanted)
    assert said in str(refused.value)


def test_what_parquet_has_as_booleans_is_no_number(tmp_path):
    path = save(tmp_path, kind="parquet", flag=[None, True, False])
    with pytest.raises(DatasetError, match=r"row 2 \(of data, from 1\) has 'True'"):
        look(path, numbers=("flag",))


def test_columns_that_are_not_single_values_are_no_categories(tmp_path):
    path = save(tmp_path, kind="parquet", pair=[[1, 2]])
    with pytest.raises(DatasetError, match="asked for as categories, and is of the type list"):
        look(path, categories=("pair",))


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_codes_with_leading_zeros_are_categories_and_told(tmp_path, kind):
    path = save(tmp_path, kind=kind, zip=["90210", "01234", None, "55555", "  01234 "])
    columns, plan = look(path)
    assert (columns["zip"].kind, columns["zip"].code) == (ColumnKind.CATEGORICAL, "01234")
    assert columns["zip"].missing == 8
    assert plan.features[1].categories == ("01234", "55555", "90210")
    (told,) = [note for note in plan.notes if "leading zeros" in note]
    assert "zip (such as 01234)" in told and "As numbers (--numbers)" in told
    columns, plan = look(path, numbers=("zip",))
    assert (columns["zip"].kind, columns["zip"].low) == (ColumnKind.NUMERIC, 1234)
    assert columns["zip"].code and not any("leading zeros" in note for note in plan.notes)


@pytest.mark.parametrize(
    "values",
    [
        ["20240131", "19990131"],
        ["1999", "2024"],
        ["0123", "123"],
        ["012", "345"],
        ["0.25", "1.75"],
        ["+012", "3456"],
        ["0001", "-001"],
        ["0001", "1e10"],
        ["0,123", "1,123"],
        ["0", "1000"],
    ],
)
def test_numbers_without_leading_zeros_or_of_several_lengths_stay_numbers(tmp_path, values):
    column = look(save(tmp_path, kept=values))[0]["kept"]
    assert (column.kind, column.code) == (ColumnKind.NUMERIC, "")


def test_days_of_eight_digits_with_leading_zeros_are_codes_and_not_lost(tmp_path):
    column = look(save(tmp_path, day=["01022024", "31122023"]))[0]["day"]
    assert (column.kind, column.code) == (ColumnKind.CATEGORICAL, "01022024")


def test_marks_of_missing_values_do_not_hide_codes(tmp_path):
    columns, plan = look(save(tmp_path, zip=["01234", "-", "99999"]))
    assert columns["zip"].code == "01234"
    assert plan.features[1].categories == ("-", "01234", "99999")


@pytest.mark.parametrize(
    ("batches", "is_code"),
    [
        ([["1234", "9999"], ["0001"]], True),
        ([[None], ["0001"], [None, "1234"]], True),
        ([["0001"], ["12"]], False),
        ([["0001"], ["1.25"]], False),
        ([["0001"], ["0.25"]], False),
        ([["1.50"], ["0001"]], False),
        ([["0001"], ["12345"], ["0001"]], False),
        ([["0001"], ["abcd"]], False),
    ],
)
def test_codes_are_found_over_batches(batches, is_code):
    tracker = ColumnTracker("a", 1)
    for batch in batches:
        tracker.add(pa.array(batch, pa.string()))
    assert bool(tracker.column().code) is is_code


def test_codes_of_too_many_kinds_are_left_out_and_told(tmp_path):
    columns, plan = look(save(tmp_path, ticket=[f"{n:06}" for n in range(40)]))
    assert columns["ticket"].kind is ColumnKind.TEXT
    assert "Left out, a different code in every row: ticket." in plan.notes
    assert any("ticket (such as 000000)" in note for note in plan.notes)


def test_codes_that_should_be_a_target_or_a_time_say_what_to_do(tmp_path):
    path = save(tmp_path, label=[f"{n:04}" for n in range(40)])
    with pytest.raises(DatasetError, match=r"codes \(such as 0000\) are numbers, say so in As num"):
        look(path)
    assert look(path, numbers=("label",))[1].task is Task.REGRESSION
    path = save(tmp_path, at=["0930", "1015", "1200"])
    with pytest.raises(DatasetError, match="codes are numbers, say so in As numbers"):
        look(path, time="at")
    assert look(path, time="at", numbers=("at",))[1].time == "at"


def test_arrays_say_that_columns_have_no_effect(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.ones((20, 3)), y=np.arange(20) % 2)
    _, plan = look_into(tmp_path / "a.npz", ReadOptions(categories=("x",), skip_bad=True))
    assert "For tables only, and without effect here: --categories." in plan.notes
    assert "For images only, and without effect here: --skip-bad." in plan.notes


def test_the_file_of_names_can_be_predicted_on_as_it_was_stored(workspace, tmp_path):
    path = save(
        tmp_path, zip=["01234", "99999"], grade=[1.0, 2.0, None], version=["1.1", "1.10", "2.0"],
    )  # fmt: skip
    info = store_file(path, "names", ReadOptions(categories=("grade", "version")))
    assert info.categories[1:] == (("01234", "99999"), ("1.0", "2.0"), ("1.1", "1.10", "2.0"))
    stored = load_dataset(DatasetSpec(name=info.name), 1).x
    rows = read_table(path, info.feature_names, info.categories)
    np.testing.assert_array_equal(encode_rows(info, rows), stored)
    for grade in (2, 2.0, "2", "2.0", " 2.00 "):
        assert encode_rows(info, [[0, "01234", grade, "1.1"]])[0, 2] == 1
    assert encode_rows(info, [[0, 99999, None, 2]])[0, 1:].tolist()[::2] == [1, 2]
    for row in ([0, 1234, 1, "2.0"], [0, "01234", 1, "1.100"], [0, "01234", "01", "2.0"]):
        with pytest.raises(InputError, match=r"Row 1, .*: received"):
            encode_rows(info, [row])


def test_booleans_that_are_names_are_known_however_they_are_written(workspace, tmp_path):
    path = save(tmp_path, kind="parquet", flag=[True, False])
    info = store_file(path, "flags", ReadOptions(categories=("flag",)))
    rows = [[0, True], [0, "true"], [0, "True"], [0, False]]
    assert encode_rows(info, rows)[:, 1].tolist() == [1, 1, 1, 0]
