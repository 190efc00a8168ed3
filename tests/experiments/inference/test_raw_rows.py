"""Rows as users write them, given to the model of a run."""

import json

import numpy as np
import pandas as pd
import pytest

from experiments.core.errors import InputError
from experiments.data.dataset_spec import DatasetSpec
from experiments.data.loading import load_dataset
from experiments.data.reading.reader import ReadOptions
from experiments.data.reading.storing import store_file
from experiments.inference.prediction import (
    open_model,
    predict_file,
    predict_rows,
    predict_samples,
)
from experiments.inference.raw_rows import encode_rows
from experiments.inference.sample_files import read_table
from experiments.running.inline_launcher import run_inline
from experiments.spec.spec_files import parse_spec
from experiments.tracking.stored_datasets import add_dataset


def passengers(path):
    """Rows with categories, whole numbers that are categories, a date, a truth, and gaps."""
    random = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "age": random.integers(18, 80, 120).astype(float),
            "port": random.choice(["Cherbourg", "Southampton", "Cobh"], 120),
            "paid": random.choice(["yes", "no"], 120),
            "day": pd.date_range("1912-04-01", periods=120).strftime("%Y-%m-%d"),
            "fate": random.choice(["lived", "died"], 120),
        }
    )
    table.loc[::9, "age"] = None
    table.loc[::7, "port"] = None
    table.to_csv(path, index=False)
    return table


@pytest.fixture
def trained(store, tmp_path):
    path = tmp_path / "ship.csv"
    passengers(path)
    info = store_file(path, "ship", ReadOptions())
    add_dataset(store, info, path.name)
    spec = {"dataset": {"name": info.name}, "model": {"layers": [4]}, "training": {"epochs": 1}}
    return run_inline(store, parse_spec(spec))[0]


def test_the_file_that_a_model_learned_from_can_be_given_to_it_as_it_is(store, trained, tmp_path):
    run_id = trained
    answers = predict_file(store, run_id, tmp_path / "ship.csv")["predictions"]
    known = predict_samples(store, {"run": run_id}, part="train", count=200)["samples"]
    assert len(answers) == 120 and len(known) == 96
    for sample in known:
        np.testing.assert_allclose(answers[sample["index"]], sample["prediction"], rtol=1e-5)
    shuffled = pd.read_csv(tmp_path / "ship.csv")[["day", "fate", "paid", "port", "age"]]
    shuffled.to_csv(tmp_path / "other.csv", index=False)
    again = predict_file(store, run_id, tmp_path / "other.csv")["predictions"]
    np.testing.assert_array_equal(again, answers)


def test_a_file_with_codes_and_numbered_classes_can_be_given_to_the_model(store, tmp_path):
    path = tmp_path / "homes.csv"
    rows = "".join(f"{n / 7},0{n % 4}234,{n % 3 + 1},{n % 2}\n" for n in range(60))
    path.write_text(f"size,zip,class,sold\n{rows}")
    info = store_file(path, "homes", ReadOptions(target="sold", categories=("class",)))
    add_dataset(store, info, path.name)
    spec = {"dataset": {"name": info.name}, "model": {"layers": [4]}, "training": {"epochs": 1}}
    run_id = run_inline(store, parse_spec(spec))[0]
    answers = predict_file(store, run_id, path)["predictions"]
    known = predict_samples(store, {"run": run_id}, part="train", count=60)["samples"]
    for sample in known:
        np.testing.assert_allclose(answers[sample["index"]], sample["prediction"], rtol=1e-5)
    (typed,) = predict_rows(store, {"run": run_id}, [[1 / 7, "01234", 2]])["predictions"]
    np.testing.assert_allclose(typed, answers[1], rtol=1e-5)


def test_rows_of_json_with_gaps_are_answered_and_what_is_open_says_the_categories(store, trained):
    run_id = trained
    opened = open_model(store, run_id)
    assert opened["dates"] == [3]
    assert opened["raw_rows"] and opened["categories"][1] == ["Cherbourg", "Cobh", "Southampton"]
    rows = [
        [
            30,
            "Cobh",
            True,
            "1912-04-10",
        ],
        [None, None, "no", -21_000.0],
    ]
    answer = predict_rows(store, {"run": run_id}, json.loads(json.dumps(rows)))["predictions"]
    assert np.isfinite(answer).all() and answer[0] != answer[1]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ([30, "Paris", "no", 0], "Row 2, port: received 'Paris'. Allowed: Cherbourg, Cobh"),
        (["old", "Cobh", "no", 0], "Row 2, age: received 'old'. Allowed: a number"),
        ([30, "Cobh", "no", "soon"], "Row 2, day: received 'soon'"),
        ([float("inf"), "Cobh", "no", 0], "Row 2, age: received inf"),
        ([30, "Cobh"], "Row 2: received 2 values. Each row needs 4: age, port, paid, day"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_place(workspace, tmp_path, row, said):
    passengers(tmp_path / "ship.csv")
    info = store_file(tmp_path / "ship.csv", "ship", ReadOptions())
    with pytest.raises(InputError) as error:
        encode_rows(info, [[30, "Cobh", "yes", 0], row])
    assert said in str(error.value)


def test_a_csv_is_read_by_names_or_by_position_and_else_refused(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("b,a\n1,2\n")
    assert read_table(path, ["a", "b"]) == [[2, 1]]
    assert read_table(path) == [[1, 2]]
    path.write_text("3,4\n5,\n")
    assert read_table(path, ["a", "b"]) == [[3, 4], [5, None]]
    path.write_text("1,2,3\n")
    with pytest.raises(InputError, match="received 3 columns"):
        read_table(path, ["a", "b"])


def test_a_csv_is_read_in_the_ways_in_which_data_may_be_written(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_bytes("größe;preis;sorte\n1.234,5;?;Süß\n2,25;7;herb\n".encode("cp1252"))
    assert read_table(path, ["sorte", "größe", "preis"]) == [
        ["Süß", 1234.5, None], ["herb", 2.25, 7],
    ]  # fmt: skip
    path.write_text("1,2\n3,4,5\n")
    with pytest.raises(InputError, match="3 cells"):
        read_table(path, ["a", "b"])


def test_rows_are_encoded_as_they_were_stored(workspace, tmp_path):
    passengers(tmp_path / "ship.csv")
    info = store_file(tmp_path / "ship.csv", "ship", ReadOptions())
    rows = read_table(tmp_path / "ship.csv", info.feature_names)
    stored = load_dataset(DatasetSpec(name=info.name), 1).x
    np.testing.assert_array_equal(encode_rows(info, rows), stored)


def test_whole_numbers_that_are_categories_are_known_with_a_gap_too(workspace, tmp_path):
    numbers = pd.DataFrame({"a": [1.5, 2.5] * 10, "kind": ["1a", "2"] * 10, "target": [0, 1] * 10})
    numbers.to_csv(tmp_path / "n.csv", index=False)
    info = store_file(tmp_path / "n.csv", "n", ReadOptions())
    assert info.categories[1] == ("1a", "2")
    assert encode_rows(info, [[1.5, 2.0], [1.5, 2], [1.5, None]])[:, 1].tolist()[:2] == [1, 1]
