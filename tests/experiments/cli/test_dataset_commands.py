"""`python -m experiments datasets`: list, add, delete."""

import json
import os
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from experiments.__main__ import main
from experiments.core.errors import DatasetError
from experiments.core.settings import read_settings
from experiments.data.reading.text.csv_files import CSV
from experiments.data.stored import stored_names
from experiments.running.dataset_process import look_at
from experiments.tracking.stored_datasets import list_datasets


@pytest.fixture
def files(tmp_path):
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    random = np.random.default_rng(0)
    rows = [f"{a:.3f},{b:.3f},{'yes' if a > b else 'no'}" for a, b in random.normal(size=(60, 2))]
    good.write_text("a,b,more\n" + "\n".join(rows) + "\n")
    bad.write_text("a,b\n1,2\n3\n")
    return good, bad


def answers(capsys):
    return json.loads(capsys.readouterr().out)


def test_dry_run_tells_of_each_file_and_stores_nothing(files, store, capsys):
    assert main(["datasets", "add", *map(str, files), "--dry-run", "--json"]) == 2
    good, bad = answers(capsys)
    assert (good["file"], good["accepted"], good["reason"]) == (str(files[0]), True, "")
    assert [column["kind"] for column in good["found"]["columns"]] == [
        "numeric", "numeric", "boolean",
    ]  # fmt: skip
    assert {"whole", "each", "counted", "timed"} <= good["found"]["columns"][0].keys()
    assert good["plan"]["class_names"] == ["no", "yes"] and good["name"] is None
    assert not bad["accepted"] and "row 2" in bad["reason"]
    assert stored_names() == [] and list_datasets(store) == []


def test_what_is_infinite_is_null_in_json(store, capsys, tmp_path):
    path = tmp_path / "infinite.csv"
    rows = "".join(f"{n},{value},{n % 2}\n" for n, value in enumerate(["inf", "inf", "-inf"] * 3))
    path.write_text(f"a,b,label\n{rows}")
    assert main(["datasets", "add", str(path), "--features", "a", "--dry-run", "--json"]) == 0
    said = capsys.readouterr().out
    assert "Infinity" not in said
    column = json.loads(said)[0]["found"]["columns"][1]
    assert (column["low"], column["high"]) == (None, None)


def test_how_a_text_was_read_is_said(store, capsys, tmp_path):
    path = tmp_path / "homes.csv"
    rows = "".join(f"{n},5;{n % 2}\n" for n in range(40))
    path.write_text(f"size;label\n{rows}", "utf-8-sig")
    assert main(["datasets", "add", str(path), "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "Text in utf-8 with a BOM, semicolon between fields, decimal commas, names in" in said


def test_added_file_can_be_listed_trained_on_and_deleted(files, store, capsys, tmp_path):
    assert main(["datasets", "add", str(files[0]), "--name", "which is more", "--json"]) == 0
    (answer,) = answers(capsys)
    assert answer["name"] == list_datasets(store)[0].name
    assert main(["datasets", "--json"]) == 0
    assert answers(capsys)[-1]["title"] == "which is more"
    spec = tmp_path / "spec.yaml"
    spec.write_text("dataset: {name: which_is_more}\ntraining: {epochs: 1}\n")
    assert main(["submit", str(spec), "--json"]) == 0
    capsys.readouterr()
    assert main(["datasets", "delete", "which_is_more"]) == 0
    assert list_datasets(store) == []
    assert main(["submit", str(spec), "--json"]) == 2
    assert "which_is_more" in capsys.readouterr().err


def test_a_dataset_is_renamed(files, store, capsys):
    assert main(["datasets", "add", str(files[0]), "--name", "first", "--json"]) == 0
    before = answers(capsys)[0]["name"]
    assert main(["datasets", "rename", "first", "the second name", "--json"]) == 0
    (one,) = list_datasets(store)
    assert answers(capsys)["name"] == one.name == before.replace("first", "the_second_name")
    assert one.title == "the second name"
    assert main(["datasets", "rename", "first", "third"]) == 2
    assert "first" in capsys.readouterr().err


def test_a_group_and_a_time_are_named_when_data_is_added(files, store, capsys):
    assert main(["datasets", "add", str(files[0]), "--group", "a", "--time", "b", "--json"]) == 2
    (answer,) = answers(capsys)
    assert "has no feature besides the target" in answer["reason"]
    assert main(["datasets", "add", str(files[0]), "--group", "a", "--dry-run", "--json"]) == 0
    (answer,) = answers(capsys)
    assert answer["plan"]["group"] == "a" and answer["plan"]["shape"] == [1]


def test_columns_are_said_to_be_names_or_numbers_when_data_is_added(store, capsys, tmp_path):
    path = tmp_path / "homes.csv"
    rows = "".join(f"{n / 3},{n % 3},0{n % 4}23,{n % 2}\n" for n in range(40))
    path.write_text(f'size,"kind, as sold",zip,label\n{rows}')
    said = ["--categories", '"kind, as sold", label', "--json"]
    assert main(["datasets", "add", str(path), *said]) == 0
    (answer,) = answers(capsys)
    kinds = [feature["kind"] for feature in answer["plan"]["features"]]
    assert kinds == ["numeric", "categorical", "categorical"]
    assert answer["plan"]["class_names"] == ["0", "1"]
    assert main(["datasets", "add", str(path), "--numbers", "zip", "--dry-run", "--json"]) == 0
    (answer,) = answers(capsys)
    assert [column["kind"] for column in answer["found"]["columns"]] == ["numeric"] * 4
    assert main(["datasets", "add", str(path), "--categories", "zipp", "--dry-run"]) == 2
    assert "Did you mean 'zip'?" in capsys.readouterr().err


def test_names_and_sizes_that_make_no_sense_are_refused(files, store, capsys):
    assert main(["datasets", "add", *map(str, files), "--name", "one"]) == 2
    assert "one at a time" in capsys.readouterr().err
    assert main(["datasets", "add", str(files[0]), "--size", "big"]) == 2
    assert "HEIGHTxWIDTH" in capsys.readouterr().err
    assert main(["datasets", "add", str(files[0].with_suffix(".exe"))]) == 2
    assert "No such file or folder" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["..", "_._", "---", "💡"])
def test_names_without_a_letter_or_a_digit_are_refused(files, store, capsys, name):
    for more in ([], ["--dry-run"]):
        assert main(["datasets", "add", str(files[0]), f"--name={name}", *more]) == 2
        assert "Give it a letter or a digit" in capsys.readouterr().err
    assert stored_names() == []
    assert main(["datasets", "add", str(files[0]), "--name", "№ 7", "--dry-run"]) == 0
    odd = str(files[0].rename(files[0].with_name("...csv")))
    assert main(["datasets", "add", odd]) == 2
    assert "--name" in capsys.readouterr().err
    assert main(["datasets", "add", odd, "--dry-run"]) == 0  # the page asks for a name after it


def test_a_link_that_is_named_itself_is_followed(files, store, capsys, tmp_path):
    link, circle = tmp_path / "linked.csv", tmp_path / "circle.csv"
    link.symlink_to(files[0].rename(tmp_path / "0a1b2c"))
    circle.symlink_to(circle)
    assert main(["datasets", "add", str(link), "--json"]) == 0
    (answer,) = answers(capsys)
    assert answer["file"] == str(link) and answer["name"].startswith("linked@")
    assert main(["datasets", "add", str(circle), "--dry-run"]) == 2
    assert "circle.csv" in capsys.readouterr().err


def test_a_linked_folder_that_is_named_itself_is_followed_and_links_in_it_are_not(
    store, capsys, tmp_path
):
    folder, link = tmp_path / "arrays", tmp_path / "link"
    folder.mkdir()
    np.save(folder / "x.npy", np.random.default_rng(0).normal(size=(20, 2)))
    np.save(folder / "y.npy", np.arange(20) % 2)
    link.symlink_to(folder)
    assert main(["datasets", "add", str(link), "--dry-run"]) == 0
    (folder / "y.npy").rename(tmp_path / "y.npy")
    (folder / "y.npy").symlink_to(tmp_path / "y.npy")
    assert main(["datasets", "add", str(link), "--dry-run"]) == 2
    assert "y.npy is a link" in capsys.readouterr().err


def test_the_process_of_the_page_follows_no_link(files, store, tmp_path):
    (tmp_path / "link.csv").symlink_to(files[0])
    with pytest.raises(DatasetError, match="is a link"):
        look_at(read_settings(), tmp_path / "link.csv", [])


def test_a_file_that_breaks_a_reader_costs_the_others_nothing(files, store, capsys, monkeypatch):
    def broken(path, wanted):
        raise ValueError("surprise " * 1000)

    monkeypatch.setattr(CSV, "look", broken)
    npz = files[0].with_suffix(".npz")
    np.savez(npz, x=np.ones((20, 2)), y=np.arange(20) % 2)
    assert main(["datasets", "add", str(files[0]), str(npz), "--dry-run", "--json"]) == 2
    bad, good = answers(capsys)
    assert "good.csv cannot be read: ValueError: surprise" in bad["reason"]
    assert len(bad["reason"]) < 3000 and good["accepted"]


def test_names_of_files_may_be_any_bytes(files, store, capsys):
    odd = files[0].rename(os.fsdecode(os.fsencode(files[0].parent) + b"/odd\xff.csv"))
    assert main(["datasets", "add", str(odd), "--json"]) == 0
    assert capsys.readouterr().out
    assert [one.name.partition("@")[0] for one in list_datasets(store)] == ["odd"]


def test_why_a_file_is_refused_is_said_without_a_traceback(files, tmp_path):
    odd = tmp_path / "not utf-8.parquet"
    texts = pa.array([b"\xff\xfe", b"ok"] * 20, pa.binary()).view(pa.string())
    pq.write_table(pa.table({"s": texts, "x": range(40), "label": [0, 1] * 20}), odd)
    found = subprocess.run(
        [sys.executable, "-m", "experiments", "datasets", "add", str(odd), "--dry-run"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert found.returncode == 2 and "Traceback" not in found.stderr
    assert "the column 's' has text that is not UTF-8 in rows 1 to 40" in found.stderr
