"""What would be stored of a table: the target, the task, the features, and what is refused."""

from pathlib import Path

import numpy as np
import pytest

from experiments.core.errors import DatasetError
from experiments.data.catalog import Task
from experiments.data.reading.reader import Plan, ReadOptions
from experiments.data.reading.storing import look_into
from experiments.data.reading.text.csv_files import CSV


def table(tmp_path: Path, header: str, rows: list[str]) -> Path:
    path = tmp_path / "table.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def plan(path: Path, **wanted: object) -> Plan:
    asked = ReadOptions(**wanted)
    return CSV.plan(path, CSV.look(path, asked), asked)


def samples(path: Path, **wanted: object) -> tuple[Plan, np.ndarray, np.ndarray]:
    asked = ReadOptions(**wanted)
    found = CSV.look(path, asked)
    planned = CSV.plan(path, found, asked)
    blocks = list(CSV.blocks(path, found, planned, asked))
    x, y = (np.concatenate(parts) for parts in zip(*(block[:2] for block in blocks), strict=True))
    assert x.shape == (planned.samples, *planned.shape)
    return planned, x, y


def with_target(tmp_path: Path, targets: list[object]) -> Path:
    return table(tmp_path, "size,target", [f"{n}.5,{value}" for n, value in enumerate(targets)])


@pytest.mark.parametrize(
    ("header", "target"),
    [
        ("a,b,c", "c"),
        ("Class,b,c", "Class"),
        ("a,LABEL,y", "LABEL"),
        ("y,b,target", "target"),
        ("a,Outcome,c", "Outcome"),
    ],
)
def test_target_is_found_by_its_name_or_is_the_last_column(tmp_path, header, target):
    path = table(tmp_path, header, [f"{n},{n * 2},{n * 3}" for n in range(30)])
    planned = plan(path)
    assert planned.target == target
    assert repr(target) in planned.notes[0]
    assert plan(path, target=header[0:1] if header[1] == "," else "b").target != target


@pytest.mark.parametrize(
    ("targets", "task", "classes"),
    [
        (["no", "yes", "yes"] * 5, Task.BINARY, ("no", "yes")),
        (["True", "false", "true"] * 5, Task.BINARY, ("false", "True")),
        ([0, 1] * 5, Task.BINARY, ("0", "1")),
        (["0.0", "1", "1.0"] * 5, Task.BINARY, ("0.0", "1")),
        (["spam", "ham"] * 5, Task.BINARY, ("ham", "spam")),
        ([10, 9, 2] * 5, Task.MULTICLASS, ("2", "9", "10")),
        (["c", "a", "b"] * 5, Task.MULTICLASS, ("a", "b", "c")),
        ([1, 2, 3, 4, 1, 2, 3], Task.REGRESSION, ()),
        ([0.5, 1.5] * 10, Task.REGRESSION, ()),
        (list(range(18, 39)) * 10, Task.REGRESSION, ()),
    ],
)
def test_task_follows_from_the_values_of_the_target(tmp_path, targets, task, classes):
    planned, _, y = samples(with_target(tmp_path, targets))
    assert (planned.task, planned.class_names) == (task, classes)
    assert any(str(task) in note for note in planned.notes)
    if task is Task.REGRESSION:
        np.testing.assert_array_equal(y, np.array(targets, float))
    else:
        assert y.dtype == np.int64
        assert set(y) == set(range(len(classes)))


def test_class_names_stand_for_the_numbers_that_are_stored(tmp_path):
    targets = [10, 9, 2, 2, 10] * 5
    planned, _, y = samples(with_target(tmp_path, targets))
    assert [int(planned.class_names[place]) for place in y] == targets


def test_task_that_is_asked_for_is_taken_if_it_fits(tmp_path):
    path = with_target(tmp_path, list(range(30)) * 3)
    assert plan(path, task=Task.MULTICLASS).class_names == tuple(map(str, range(30)))
    with pytest.raises(DatasetError, match="30 different values"):
        plan(path, task=Task.BINARY)
    with pytest.raises(DatasetError, match="'target' is categorical"):
        plan(with_target(tmp_path, ["a", "b"] * 9), task=Task.REGRESSION)
    with pytest.raises(DatasetError, match="several rows of each class"):
        plan(with_target(tmp_path, [n / 7 for n in range(2000)]), task=Task.MULTICLASS)


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        (["a"] * 10, "one value in all rows \\('a'\\)"),
        (["1", "1.0"] * 5, "one value in all rows"),
        (["true", "True"] * 5, "one value in all rows"),
        ([7.5] * 10, "one value"),
        ([""] * 10, "missing in 10 of 10 rows, first in row 1"),
        (["a", "b", "a", "NaN", "b"] * 2, "missing in 2 of 10 rows, first in row 4"),
        ([1.5, 2.5, "nan"] * 3, "missing in 3 of 9 rows, first in row 3"),
        ([1.5, 2.5, "?"] * 3, "missing in 3 of 9 rows, first in row 3"),
        ([f"text {n}" for n in range(400)], "400 different texts in 400 rows"),
        ([f"text {n}" for n in range(1500)], "over 1,000 different texts"),
        ([f"2020-01-{n + 1:02d}" for n in range(20)], "different dates"),
        ([1.5, 2.5, "inf"], "row 3 .* 'target' has inf"),
        ([1.5, 2.5, "1e39"], "row 3 .* has 1e39"),
    ],
)
def test_targets_that_cannot_be_learned_are_refused(tmp_path, targets, message):
    with pytest.raises(DatasetError, match=message) as refused:
        plan(with_target(tmp_path, targets))
    assert "table.csv" in str(refused.value)


def test_features_are_all_columns_that_can_be_and_the_others_are_told(tmp_path):
    rows = [
        f"{n},{n / 3},{'yes no'.split()[n % 2]},{'abc'[n % 3]},2021-02-{n % 28 + 1:02d},id-{n},,5,"
        f"{'red' if n % 2 else 'blue'}"
        for n in range(30)
    ]
    header = "Unnamed: 0,number,answer,letter,day,key,nothing,always,class"
    planned, x, _ = samples(table(tmp_path, header, rows))
    assert [feature.name for feature in planned.features] == ["number", "answer", "letter", "day"]
    notes = " ".join(planned.notes)
    for part in (
        "the numbers of the rows: Unnamed: 0.",
        "a different text in every row: key.",
        "empty: nothing.",
        "one value only: always.",
        "days since 1970: day.",
    ):
        assert part in notes
    assert planned.features[2].categories == ("a", "b", "c")
    np.testing.assert_array_equal(x[4], np.float32([4 / 3, 1, 1, 18659 + 4]))


def test_features_that_are_asked_for_come_in_that_order(tmp_path):
    path = table(tmp_path, "a,b,c,d", [f"{n},{n * 2},{n * 3},{n % 2}" for n in range(9)])
    planned, x, _ = samples(path, features=("c", "a"))
    assert [feature.name for feature in planned.features] == ["c", "a"]
    np.testing.assert_array_equal(x[2], [6, 2])


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"target": "clas"}, "Unknown target 'clas'. Did you mean 'class'?"),
        ({"features": ("siz",)}, "Unknown feature 'siz'. Did you mean 'size'?"),
        ({"features": ("class",)}, "also the target"),
        ({"features": ("size", "size")}, "more than once"),
        ({"features": ("key",)}, "'key' is text"),
        ({"features": ("nothing",)}, "'nothing' is empty"),
    ],
)
def test_names_that_cannot_be_used_are_refused(tmp_path, wanted, message):
    rows = [f"{n},id{n},,{'ab'[n % 2]}" for n in range(9)]
    with pytest.raises(DatasetError) as refused:
        plan(table(tmp_path, "size,key,nothing,class", rows), **wanted)
    assert message in str(refused.value)


def test_table_without_a_feature_is_refused_and_says_why(tmp_path):
    path = table(tmp_path, "key,class", [f"id{n},{n % 2}" for n in range(9)])
    with pytest.raises(DatasetError, match=r"no feature .* every row: key"):
        plan(path)


@pytest.mark.parametrize("value", ["inf", "-inf", "1e400", "-3.5e38"])
def test_numbers_that_cannot_be_stored_are_refused_with_the_row(tmp_path, value):
    rows = [f"{n},{n % 2}" for n in range(9)]
    path = table(tmp_path, "size,class", [*rows, f"{value},1", *rows])
    with pytest.raises(DatasetError) as refused:
        plan(path)
    assert "row 10 (of data, from 1) of the column 'size' has " + value in str(refused.value)


def test_number_that_cannot_be_stored_is_no_harm_in_a_column_that_is_left_out(tmp_path):
    rows = [f"{n},{'inf' if n == 3 else n},{n % 2}" for n in range(9)]
    planned = plan(table(tmp_path, "size,bad,class", rows), features=("size",))
    assert planned.shape == (1,)


def test_rows_with_missing_features_are_left_out_on_request(tmp_path):
    rows = [f"{'' if n == 3 else n},{'' if n == 5 else 'xy'[n % 2]},{n % 2}" for n in range(10)]
    path = table(tmp_path, "size,letter,class", rows)
    planned, x, y = samples(path, drop_missing=True)
    assert planned.samples == 8
    np.testing.assert_array_equal(x[:, 0], [0, 1, 2, 4, 6, 7, 8, 9])
    np.testing.assert_array_equal(y, [0, 1, 0, 0, 0, 1, 0, 1])
    assert any("2 rows with missing values" in note for note in planned.notes)
    _, x, _ = samples(path)
    assert np.isnan(x).sum() == 2
    planned, _, _ = samples(path, drop_missing=True, features=("letter",))
    assert planned.samples == 9


def test_class_that_goes_with_its_missing_values_is_refused(tmp_path):
    rows = [f"{'' if n % 3 == 2 else n},{'abc'[n % 3]}" for n in range(12)]
    with pytest.raises(DatasetError, match="none of the classes c"):
        plan(table(tmp_path, "size,class", rows), drop_missing=True)


def test_what_is_for_images_only_is_told_to_have_no_effect(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,label\n" + "".join(f"{n},{n % 2}\n" for n in range(20)))
    assert not any("without effect" in note for note in look_into(path, ReadOptions())[1].notes)
    notes = look_into(path, ReadOptions(skip_bad=True, size=(8, 8)))[1].notes
    assert "For images only, and without effect here: --skip-bad and --size." in notes
