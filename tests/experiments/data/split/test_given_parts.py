"""Files that divide their samples into parts, and what becomes of these."""

import h5py
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from experiments.core.errors import DatasetError
from experiments.data.dataset_spec import DatasetSpec
from experiments.data.loading import load_dataset
from experiments.data.reading.reader import ReadOptions
from experiments.data.reading.storing import look_into, store_file
from experiments.data.split.split_spec import SplitSpec
from experiments.data.split.splits import in_words, split_dataset
from experiments.data.stored import SAMPLES_FILE, folder_of
from tests.support.divided_files import arrays


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("KERASCOPE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("experiments.core.settings._in_use", None)
    return tmp_path


# Folders and arrays


def image_folders(home, layout, classes=("cat", "dog")):
    """Digits as images in folders: ``layout`` has how many each class has in each folder."""
    images = load_digits().images.astype(np.uint8) * 15
    at = 0
    for folder, count in layout.items():
        for kind in classes:
            path = home / "pets" / folder / kind
            path.mkdir(parents=True)
            for number in range(count):
                Image.fromarray(images[at]).save(path / f"{number}.png")
                at += 1
    return home / "pets"


LAYOUT = {"train": 12, "Valid": 4, "test": 3}


@pytest.mark.parametrize("top", ["", "all/"])
def test_images_keep_the_parts_of_their_folders(home, top):
    path = image_folders(home, {f"{top}{part}": count for part, count in LAYOUT.items()})
    _, plan = look_into(path, ReadOptions())
    assert (plan.parts, plan.class_names, plan.samples) == ((24, 8, 6), ("cat", "dog"), 38)
    assert "24 for training, 8 for validation, 6 for test" in " ".join(plan.notes)
    info = store_file(path, "pets", ReadOptions())
    with h5py.File(folder_of(info.content_hash) / SAMPLES_FILE) as file:
        assert file["parts"][:].tolist() == [0] * 24 + [1] * 8 + [2] * 6
        assert (
            file["y"][:].ravel().tolist()
            == [0] * 12 + [1] * 12 + [0] * 4 + [1] * 4 + [0] * 3 + [1] * 3
        )
        images = load_digits().images.astype(np.uint8) * 15
        assert np.array_equal(file["x"][:, :, :, 0], images[:38])
    dataset = load_dataset(DatasetSpec(name=info.name), 1)
    given = split_dataset(dataset, SplitSpec(method="given"), 1)
    assert (given.train[-1], given.validation.tolist()) == (23, list(range(24, 32)))
    assert given.test.tolist() == list(range(32, 38))
    assert "the 8 samples of the file's validation part" in in_words(given)
    drawn = split_dataset(dataset, SplitSpec(method="stratified"), 1)
    assert drawn.test.tolist() == list(range(32, 38))  # is never anything else
    assert len(drawn.train) + len(drawn.validation) == 32


def test_the_same_images_without_parts_are_another_dataset(home):
    path = image_folders(home, LAYOUT)
    alone = {store_file(path / part, "pets", ReadOptions()).content_hash for part in LAYOUT}
    assert store_file(path, "pets", ReadOptions()).content_hash not in alone


def test_an_image_beside_the_classes_of_its_part_is_named(home):
    path = image_folders(home, LAYOUT)
    (path / "test" / "9.png").write_bytes((path / "test" / "cat" / "0.png").read_bytes())
    with pytest.raises(DatasetError, match=r"test/9\.png: beside the class folders"):
        look_into(path, ReadOptions())
    assert look_into(path, ReadOptions(skip_bad=True))[1].parts == (24, 8, 6)


@pytest.mark.parametrize("layout", [{"val": 2, "test": 2}, {"train": 2, "val": 2, "valid": 2}])
def test_parts_that_are_not_clear_are_refused(home, layout):
    with pytest.raises(
        DatasetError, match=r"parts of a split, no classes\. Allowed: a folder train"
    ):
        look_into(image_folders(home, layout), ReadOptions())


def test_arrays_of_several_parts_are_one_dataset_that_knows_them(home):
    path, given = arrays(home)
    plan = look_into(path, ReadOptions())[1]
    assert (plan.parts, plan.samples, plan.target) == ((60, 20, 30), 110, "y_train")
    dataset = load_dataset(DatasetSpec(name=store_file(path, "rows", ReadOptions()).name), 1)
    for axis, values in (("x", dataset.x), ("y", dataset.y.ravel())):
        whole = [given[f"{axis}_{part}"] for part in ("train", "val", "test")]
        assert np.array_equal(values, np.concatenate(whole))
    assert dataset.info.parts == (60, 20, 30)


def test_the_same_arrays_in_groups_of_hdf5_and_in_npy_files_are_the_same_dataset(home):
    path, given = arrays(home)
    folder = home / "npy"
    folder.mkdir()
    with h5py.File(home / "arrays.h5", "w") as file:
        for name, values in given.items():
            axis, part = name.split("_")
            file[f"{part}/{axis}"] = values
            np.save(folder / f"{name}.npy", values)
    hashes = {store_file(one, "r", ReadOptions()).content_hash for one in
              (path, home / "arrays.h5", folder)}  # fmt: skip
    assert len(hashes) == 1


@pytest.mark.parametrize(
    "changes",
    [{"y_test": None, "y_val": None},
     {"x_test": np.zeros((30, 6)), "x_val": np.zeros((20, 4))},
     {"y_test": np.zeros(29, int), "y_val": np.zeros(21, int)}],
    ids=["no targets", "other features", "other lengths"],
)  # fmt: skip
def test_arrays_that_do_not_fit_are_told_as_not_used(home, changes):
    _, plan = look_into(arrays(home, **changes)[0], ReadOptions())
    assert (plan.parts, plan.samples) == ((), 60)
    assert "Not used: x_val" in " ".join(plan.notes)


def test_targets_in_a_column_fit_those_in_a_row_and_a_bare_name_is_for_training(home):
    _, given = arrays(home)
    given["y_test"] = given["y_test"].reshape(-1, 1)
    names = {"x_train": "X", "y_train": "y", "x_test": "X_test", "y_test": "y_test"}
    np.savez(home / "bare.npz", **{names[key]: given[key] for key in names})
    _, plan = look_into(home / "bare.npz", ReadOptions())
    assert (plan.parts, plan.target) == ((60, 0, 30), "y")
    dataset = load_dataset(
        DatasetSpec(name=store_file(home / "bare.npz", "b", ReadOptions()).name), 1
    )
    both = np.concatenate([given["y_train"], given["y_test"].ravel()])
    assert np.array_equal(dataset.y.ravel(), both)


def test_groups_and_times_of_all_parts_are_taken_together(home):
    path, given = arrays(home)
    for part, count in (("train", 60), ("val", 20), ("test", 30)):
        given |= {f"who_{part}": np.arange(count) % 7, f"day_{part}": np.arange(count) + 0.5}
    np.savez(path, **given)
    wanted = ReadOptions(group="who_train", time="day_train")
    assert look_into(path, wanted)[1].parts == (60, 20, 30)
    dataset = load_dataset(DatasetSpec(name=store_file(path, "rows", wanted).name), 1)
    for key, values in (("who", dataset.groups), ("day", dataset.times)):
        whole = [given[f"{key}_{part}"] for part in ("train", "val", "test")]
        assert np.array_equal(values, np.concatenate(whole))
    del given["who_test"]
    np.savez(path, **given)
    _, plan = look_into(path, wanted)
    assert plan.parts == (60, 20, 0) and "Not used: x_test" in " ".join(plan.notes)


def test_parts_of_different_types_are_told(home):
    _, given = arrays(home)
    given["x_test"] = (given["x_test"] * 255).astype("float64")
    np.savez(home / "arrays.npz", **given)
    notes = " ".join(look_into(home / "arrays.npz", ReadOptions())[1].notes)
    assert "different types: x_train float32, x_val float32, x_test float64" in notes


def test_classes_that_never_train_are_told_when_the_file_is_looked_at(home):
    _, given = arrays(home)
    given["y_test"] = given["y_test"] + 1
    np.savez(home / "arrays.npz", **given)
    said = [" ".join(look_into(home / "arrays.npz", ReadOptions())[1].notes)]
    path = image_folders(home, {"train": 3, "test": 2})
    (path / "test" / "cat").rename(path / "test" / "bird")
    said.append(" ".join(look_into(path, ReadOptions())[1].notes))
    table, _ = rows_with_parts(home, label=np.repeat(["a", "b", "c"], [30, 30, 50]))
    said.append(" ".join(look_into(table, ReadOptions())[1].notes))
    for text, name in zip(said, ("2", "bird", "c"), strict=True):
        assert (
            f"No training sample has the classes {name}: a model gets all of theirs wrong" in text
        )


def test_folders_of_sets_are_parts_and_an_empty_one_is_none(home):
    path = image_folders(home, {"training_set": 3, "test_set": 2})
    assert look_into(path, ReadOptions())[1].parts == (6, 0, 4)
    for kind in ("cat", "dog"):
        for file in (path / "test_set" / kind).iterdir():
            file.unlink()
    assert look_into(path, ReadOptions())[1].parts == ()


def test_train_can_be_a_class_among_others_with_folders_inside(home):
    path = image_folders(home, {"bus": 2, "car": 2, "train": 2}, classes=("one", "two"))
    _, plan = look_into(path, ReadOptions(group="^[^/]+/"))
    assert (plan.class_names, plan.parts) == (("bus", "car", "train"), ())


def test_what_stands_beside_the_parts_is_named(home):
    path = image_folders(home, {"train": 2, "test": 2, "extra": 2})
    with pytest.raises(DatasetError, match=r"with extra beside them.*the folder train"):
        look_into(path, ReadOptions())


def test_both_arrays_named_are_wanted_alone(home):
    path, _ = arrays(home)
    plan = look_into(path, ReadOptions(target="y_test", features=("x_test",)))[1]
    assert (plan.parts, plan.samples) == ((), 30)


def test_rows_left_out_are_left_out_of_their_part(home):
    path, given = arrays(home)
    given["x_test"][[3, 7], 1] = np.nan
    np.savez(path, **given)
    wanted = ReadOptions(drop_missing=True)
    assert look_into(path, wanted)[1].parts == (60, 20, 28)
    info = store_file(path, "rows", wanted)
    assert load_dataset(DatasetSpec(name=info.name), 1).parts.tolist().count(2) == 28


def test_a_bad_value_in_the_test_part_is_placed(home):
    _, given = arrays(home)
    given["x_test"][3, 1] = np.inf
    np.savez(home / "arrays.npz", **given)
    with pytest.raises(DatasetError, match=r"x_train, x_val, x_test\[83, 1\].*is inf"):
        look_into(home / "arrays.npz", ReadOptions())


# A column that says it


def rows_with_parts(home, suffix=".csv", **columns):
    random = np.random.default_rng(0)
    parts = np.repeat(["Train", "val", "TEST"], [60, 20, 30])
    table = pd.DataFrame(
        {"a": random.normal(size=110).round(3), "b": random.normal(size=110).round(3)}
        | {"split": parts, "label": random.integers(0, 2, 110)}
        | columns
    ).iloc[random.permutation(110)]
    path = home / f"rows{suffix}"
    (table.to_parquet if suffix == ".parquet" else table.to_csv)(path, index=False)
    return path, table


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_column_of_parts_divides_the_rows_and_is_no_feature(home, suffix):
    path, table = rows_with_parts(home, suffix)
    _, plan = look_into(path, ReadOptions())
    assert (plan.parts, plan.part) == ((60, 20, 30), "split")
    assert [feature.name for feature in plan.features] == ["a", "b"]
    assert "since it says which part a row is in: split" in " ".join(plan.notes)
    dataset = load_dataset(DatasetSpec(name=store_file(path, "rows", ReadOptions()).name), 1)
    expected = table["split"].map({"Train": 0, "val": 1, "TEST": 2}).to_numpy()
    assert np.array_equal(dataset.parts, expected)
    given = split_dataset(dataset, SplitSpec(method="given"), 1)
    assert np.array_equal(given.test, np.flatnonzero(expected == 2))


def test_rows_left_out_of_a_table_are_left_out_of_their_part(home):
    gaps = np.where(np.arange(110) % 11 == 0, np.nan, 1.5)
    path, table = rows_with_parts(home, b=gaps + np.arange(110))
    whole = table.dropna()
    counts = tuple(int((whole["split"] == part).sum()) for part in ("Train", "val", "TEST"))
    assert look_into(path, ReadOptions(drop_missing=True))[1].parts == counts
    info = store_file(path, "rows", ReadOptions(drop_missing=True))
    assert np.bincount(load_dataset(DatasetSpec(name=info.name), 1).parts).tolist() == list(counts)


def test_a_column_that_divides_is_not_the_target_where_it_stands_last(home):
    path, table = rows_with_parts(home)
    table = table.rename(columns={"label": "fate"})[["a", "b", "fate", "split"]]
    table.to_csv(path, index=False)
    _, plan = look_into(path, ReadOptions())
    assert (plan.target, plan.part) == ("fate", "split")
    assert "'fate' (the last column that can be predicted)" in " ".join(plan.notes)


def test_an_empty_last_column_is_not_the_target(home):
    path = home / "commas.csv"
    path.write_text("a;b;fate;\n" + "".join(f"{n};{n % 7};{'pq'[n % 2]};\n" for n in range(40)))
    assert look_into(path, ReadOptions())[1].target == "fate"


@pytest.mark.parametrize(
    ("values", "wanted"),
    [(["train", "bus", "car"], {}), (["test", "val"], {}), (["train", None, "test"], {}),
     (["train", "test"], {"features": ("a", "split")}), (["train", "test"], {"target": "split"})],
    ids=["other words", "nothing for training", "missing", "asked for as a feature", "the target"],
)  # fmt: skip
def test_other_columns_divide_nothing(home, values, wanted):
    path, _ = rows_with_parts(home, split=np.resize(np.array(values, object), 110))
    _, plan = look_into(path, ReadOptions(**wanted))
    assert (plan.parts, plan.part) == ((), "")
