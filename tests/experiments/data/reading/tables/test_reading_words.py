"""None, NA and the like: names of classes in a target, missing in a feature."""

import numpy as np
import pandas as pd
import pytest

from experiments.core.errors import DatasetError
from experiments.data.catalog import Task
from experiments.data.dataset_spec import DatasetSpec
from experiments.data.loading import load_dataset
from experiments.data.reading.reader import ColumnKind, ReadOptions
from experiments.data.reading.storing import look_into, store_file

SLEEP = ["None", "Insomnia", "None", "Sleep Apnea"]


def save(tmp_path, kind="csv", label=(*SLEEP, *SLEEP), repeated=10, **columns):
    path = tmp_path / f"sleep.{kind}"
    frame = pd.DataFrame(columns | {"disorder": list(label) * repeated})
    frame.insert(0, "age", np.arange(len(frame)) / 3)
    frame.to_csv(path, index=False) if kind == "csv" else frame.to_parquet(path)
    return path


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_none_is_a_class_where_many_rows_have_it(workspace, tmp_path, kind):
    path = save(tmp_path, kind)
    _, plan = look_into(path, ReadOptions())
    assert plan.class_names == ("Insomnia", "None", "Sleep Apnea")
    assert "A class of disorder, and not missing: 'None' (40 rows)." in plan.notes
    info = store_file(path, "sleep", ReadOptions())
    y = load_dataset(DatasetSpec(name=info.name), 1).y.ravel().astype(int)
    assert [plan.class_names[place] for place in y[:4]] == SLEEP


@pytest.mark.parametrize(("label", "task"), [
    (["yes", "No", "None"], Task.MULTICLASS), (["some", "None"], Task.BINARY),
    (["a", "NA", "N/A"], Task.MULTICLASS), ([" None ", "a"], Task.BINARY),
])  # fmt: skip
def test_words_are_classes_beside_any_texts(workspace, tmp_path, label, task):
    info = store_file(save(tmp_path, label=label), "words", ReadOptions())
    assert info.task is task and info.class_names == tuple(sorted(map(str.strip, label)))
    y = load_dataset(DatasetSpec(name=info.name), 1).y.ravel().astype(int)
    assert [info.class_names[place] for place in y[: len(label)]] == list(map(str.strip, label))


@pytest.mark.parametrize(("label", "said"), [
    ([*"abcde" * 9, "None"], "first in row 46 (of data, from 1), where 'None' counts as missing"),
    ([*"abcde" * 9, "None"], "If 'None' is a class, write it differently."),
    (["a", "b", "None", ""], "first in row 3 (of data, from 1), where 'None' counts as missing"),
    (["a", "b", "?"], "first in row 3 (of data, from 1), where '?' counts as missing"),
    (["a", "b", "null"], "where 'null' counts as missing. Every row needs one"),
    (["a", "b", ""], "first in row 3 (of data, from 1). Every row needs one"),
    ([0, 1, "NA"], "where 'NA' counts as missing"),
])  # fmt: skip
def test_what_counts_as_missing_in_a_target_is_quoted(tmp_path, label, said):
    with pytest.raises(DatasetError) as refused:
        look_into(save(tmp_path, label=label), ReadOptions())
    assert said in str(refused.value)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_words_that_are_taken_as_missing_in_features_are_told(tmp_path, kind):
    path = save(tmp_path, kind, alley=["NA", "Paved", "Grvl", "NA"] * 20, other=list("abcd") * 20)
    found, plan = look_into(path, ReadOptions())
    assert found.columns[1].missing == 40
    assert "Taken as missing: 'NA' in alley." in plan.notes


def test_what_mysql_writes_for_missing_is_missing(tmp_path):
    path = tmp_path / "titles.tsv"
    path.write_text("year\tgenre\ty\n" + "1990\tdrama\t0\n\\N\t\\N\t1\n1992\tcomedy\t1\n" * 20)
    year, genre, _ = look_into(path, ReadOptions())[0].columns
    assert (year.kind, year.missing) == (ColumnKind.NUMERIC, 20)
    assert (genre.categories, genre.missing) == (("comedy", "drama"), 20)
