"""Samples that are held out for the test: by the spec, or because the file says so."""

import json

import h5py
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from experiments.datasets.audit import Audit, audit_split
from experiments.datasets.catalogue import CATALOGUE
from experiments.datasets.loading import load_dataset
from experiments.datasets.reading.found import Wanted
from experiments.datasets.split_finding import as_change
from experiments.datasets.split_findings import find_all, margin_sentence
from experiments.datasets.split_ways import other_ways
from experiments.datasets.splits import Keys, divide, in_words, split_dataset
from experiments.datasets.stored import SAMPLES_FILE, folder_of
from experiments.datasets.storing import look_into, store_file
from experiments.errors import DatasetError, SpecError
from experiments.loaded_models import LoadedRun
from experiments.model_data import choose_part
from experiments.run_folder import RunFolder, read_journal
from experiments.saving import MODEL_FILE, load_model
from experiments.spec_files import parse_spec
from experiments.specs import DatasetSpec, SplitSpec
from experiments.training import train

METHODS = ("last", "shuffled", "stratified", "group", "time")
ROWS = 200
LABELS = np.repeat(np.arange(4), ROWS // 4)


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("KERASCOPE_HOME", str(tmp_path / "home"))
    return tmp_path


def keys_of(method):
    random = np.random.default_rng(5)
    values = {"group": random.integers(0, 30, ROWS), "time": random.permutation(ROWS).astype(float)}
    return Keys(method, values[method]) if method in values else Keys()


def divided(method, seed=1, **options):
    return divide(LABELS, SplitSpec(method=method, **options), seed, keys_of(method))


@pytest.mark.parametrize("method", METHODS)
def test_every_row_is_in_one_part_and_the_test_is_about_as_large_as_asked_for(method):
    found = divided(method, test_split=0.25, validation_split=0.2)
    rows = np.concatenate([found.train, found.validation, found.test])
    assert np.array_equal(np.sort(rows), np.arange(ROWS))
    assert abs(len(found.test) - 50) <= (10 if method == "group" else 0)
    assert abs(len(found.validation) - 30) <= (10 if method == "group" else 0)
    assert in_words(found).count("Test: ") == 1


@pytest.mark.parametrize("method", METHODS)
def test_the_validation_samples_are_those_of_the_rest_by_itself(method):
    found = divided(method, test_split=0.25)
    rest = np.sort(np.concatenate([found.train, found.validation]))
    alone = divide(LABELS[rest], SplitSpec(method=method), 1, keys_of(method).of(rest))
    assert np.array_equal(rest[alone.validation], found.validation)


@pytest.mark.parametrize("method", METHODS)
def test_without_a_test_split_nothing_is_held_out(method):
    found = divided(method)
    assert len(found.test) == 0 and "Test" not in in_words(found)


def test_the_last_and_the_latest_are_tested_and_groups_stay_whole():
    assert divided("last", test_split=0.1).test.tolist() == list(range(180, 200))
    times = keys_of("time").values
    found = divided("time", test_split=0.1)
    assert times[found.test].min() > times[found.validation].max() > times[found.train].max()
    groups = keys_of("group").values
    found = divided("group", test_split=0.2)
    others = np.concatenate([found.train, found.validation])
    assert not np.isin(groups[found.test], groups[others]).any()
    found = divided("stratified", test_split=0.2)
    assert np.bincount(LABELS[found.test]).tolist() == [10] * 4


@pytest.mark.parametrize("method", ["last", "shuffled", "stratified", "group"])
def test_the_test_is_the_same_whichever_fold_validates(method):
    folds = [divided(method, test_split=0.2, folds=4, fold=fold) for fold in (1, 2, 3, 4)]
    for found in folds:
        assert np.array_equal(found.test, folds[0].test)
        assert not np.isin(found.validation, found.test).any()
    held = np.sort(np.concatenate([found.validation for found in folds]))
    assert np.array_equal(held, np.setdiff1d(np.arange(ROWS), folds[0].test))


def test_a_share_that_leaves_nothing_is_refused():
    with pytest.raises(DatasetError, match=r"split\.test_split: received 0\.999.*0 for training"):
        divided("last", test_split=0.999)


@pytest.mark.parametrize(
    ("split", "said"),
    [({"test_split": 0.1}, "mnist comes with a test part"),
     ({"method": "given"}, "needs a validation part of its own")],
)  # fmt: skip
def test_what_a_data_set_cannot_have_is_refused(split, said):
    with pytest.raises(SpecError, match=said):
        parse_spec({"dataset": {"name": "mnist"}, "model": {"name": "linear"}, "split": split})
    assert CATALOGUE["mnist"].test_given


def test_nothing_held_out_is_written_in_one_way():
    assert SplitSpec(test_split=0) == SplitSpec()
    assert "split.test_split" not in parse_spec({"split": {"test_split": 0}}).flatten()


# What a file says


def pictures(home, layout, classes=("cat", "dog"), **more):
    """Digits as pictures in folders: ``layout`` has how many each class has in each folder."""
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
def test_pictures_keep_the_parts_of_their_folders(home, top):
    path = pictures(home, {f"{top}{part}": count for part, count in LAYOUT.items()})
    _, plan = look_into(path, Wanted())
    assert (plan.parts, plan.class_names, plan.samples) == ((24, 8, 6), ("cat", "dog"), 38)
    assert "24 for training, 8 for validation, 6 for test" in " ".join(plan.notes)
    info = store_file(path, "pets", Wanted())
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


def test_the_same_pictures_without_parts_are_another_data_set(home):
    path = pictures(home, LAYOUT)
    alone = {store_file(path / part, "pets", Wanted()).content_hash for part in LAYOUT}
    assert store_file(path, "pets", Wanted()).content_hash not in alone


def test_a_picture_beside_the_classes_of_its_part_is_named(home):
    path = pictures(home, LAYOUT)
    (path / "test" / "9.png").write_bytes((path / "test" / "cat" / "0.png").read_bytes())
    with pytest.raises(DatasetError, match=r"test/9\.png: beside the class folders"):
        look_into(path, Wanted())
    assert look_into(path, Wanted(skip_bad=True))[1].parts == (24, 8, 6)


@pytest.mark.parametrize("layout", [{"val": 2, "test": 2}, {"train": 2, "val": 2, "valid": 2}])
def test_parts_that_are_not_clear_are_refused(home, layout):
    with pytest.raises(
        DatasetError, match=r"parts of a split, no classes\. Allowed: a folder train"
    ):
        look_into(pictures(home, layout), Wanted())


def arrays(home, **changes):
    random = np.random.default_rng(0)
    found = {}
    for part, count in (("train", 60), ("val", 20), ("test", 30)):
        x = random.normal(size=(count, 5)).astype("float32")
        found |= {f"x_{part}": x, f"y_{part}": (x[:, 0] > 0).astype("int64")}
    path = home / "arrays.npz"
    np.savez(path, **{k: v for k, v in (found | changes).items() if v is not None})
    return path, found


def test_arrays_of_several_parts_are_one_data_set_that_knows_them(home):
    path, given = arrays(home)
    plan = look_into(path, Wanted())[1]
    assert (plan.parts, plan.samples, plan.target) == ((60, 20, 30), 110, "y_train")
    dataset = load_dataset(DatasetSpec(name=store_file(path, "rows", Wanted()).name), 1)
    for axis, values in (("x", dataset.x), ("y", dataset.y.ravel())):
        whole = [given[f"{axis}_{part}"] for part in ("train", "val", "test")]
        assert np.array_equal(values, np.concatenate(whole))
    assert dataset.info.parts == (60, 20, 30)


def test_the_same_arrays_in_groups_of_hdf5_and_in_npy_files_are_the_same_data_set(home):
    path, given = arrays(home)
    folder = home / "npy"
    folder.mkdir()
    with h5py.File(home / "arrays.h5", "w") as file:
        for name, values in given.items():
            axis, part = name.split("_")
            file[f"{part}/{axis}"] = values
            np.save(folder / f"{name}.npy", values)
    hashes = {store_file(one, "r", Wanted()).content_hash for one in
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
    _, plan = look_into(arrays(home, **changes)[0], Wanted())
    assert (plan.parts, plan.samples) == ((), 60)
    assert "Not used: x_val" in " ".join(plan.notes)


def test_both_arrays_named_are_wanted_alone(home):
    path, _ = arrays(home)
    plan = look_into(path, Wanted(target="y_test", features=("x_test",)))[1]
    assert (plan.parts, plan.samples) == ((), 30)


def test_rows_left_out_are_left_out_of_their_part(home):
    path, given = arrays(home)
    given["x_test"][[3, 7], 1] = np.nan
    np.savez(path, **given)
    wanted = Wanted(drop_missing=True)
    assert look_into(path, wanted)[1].parts == (60, 20, 28)
    info = store_file(path, "rows", wanted)
    assert load_dataset(DatasetSpec(name=info.name), 1).parts.tolist().count(2) == 28


def test_a_bad_value_in_the_test_part_is_placed(home):
    _, given = arrays(home)
    given["x_test"][3, 1] = np.inf
    np.savez(home / "arrays.npz", **given)
    with pytest.raises(DatasetError, match=r"x_train, x_val, x_test\[83, 1\].*is inf"):
        look_into(home / "arrays.npz", Wanted())


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
    _, plan = look_into(path, Wanted())
    assert (plan.parts, plan.part) == ((60, 20, 30), "split")
    assert [feature.name for feature in plan.features] == ["a", "b"]
    assert "since it says which part a row is in: split" in " ".join(plan.notes)
    dataset = load_dataset(DatasetSpec(name=store_file(path, "rows", Wanted()).name), 1)
    expected = table["split"].map({"Train": 0, "val": 1, "TEST": 2}).to_numpy()
    assert np.array_equal(dataset.parts, expected)
    given = split_dataset(dataset, SplitSpec(method="given"), 1)
    assert np.array_equal(given.test, np.flatnonzero(expected == 2))


def test_rows_left_out_of_a_table_are_left_out_of_their_part(home):
    gaps = np.where(np.arange(110) % 11 == 0, np.nan, 1.5)
    path, table = rows_with_parts(home, b=gaps + np.arange(110))
    whole = table.dropna()
    counts = tuple(int((whole["split"] == part).sum()) for part in ("Train", "val", "TEST"))
    assert look_into(path, Wanted(drop_missing=True))[1].parts == counts
    info = store_file(path, "rows", Wanted(drop_missing=True))
    assert np.bincount(load_dataset(DatasetSpec(name=info.name), 1).parts).tolist() == list(counts)


@pytest.mark.parametrize(
    ("values", "wanted"),
    [(["train", "bus", "car"], {}), (["test", "val"], {}), (["train", None, "test"], {}),
     (["train", "test"], {"features": ("a", "split")}), (["train", "test"], {"target": "split"})],
    ids=["other words", "nothing for training", "missing", "asked for as a feature", "the target"],
)  # fmt: skip
def test_other_columns_divide_nothing(home, values, wanted):
    path, _ = rows_with_parts(home, split=np.resize(np.array(values, object), 110))
    _, plan = look_into(path, Wanted(**wanted))
    assert (plan.parts, plan.part) == ((), "")


# The audit


def audit_of(dataset, **split):
    return audit_split(dataset, split_dataset(dataset, SplitSpec(**split), 1))


def test_copies_of_training_samples_in_the_test_are_found(home):
    _, given = arrays(home)
    given["x_test"][:5], given["y_test"][:5] = given["x_train"][:5], given["y_train"][:5]
    np.savez(home / "arrays.npz", **given)
    info = store_file(home / "arrays.npz", "rows", Wanted())
    audit = audit_of(load_dataset(DatasetSpec(name=info.name), 1), method="given")
    assert [(part.name, part.samples) for part in audit.parts] == [
        ("training", 60), ("validation", 20), ("test", 30),
    ]  # fmt: skip
    (leak,) = [one for one in find_all(audit) if "test sample" in one.title]
    assert leak.title == "5 test samples (16.7 %) are also in training"
    assert "test row 80 and training row 0" in leak.text
    assert "With 30 test samples, an accuracy of 90 %" in margin_sentence(audit)
    assert Audit.from_dict(json.loads(json.dumps(audit.to_dict()))) == audit


def test_the_parts_of_the_file_are_one_click_away_and_back(home):
    info = store_file(arrays(home)[0], "rows", Wanted())
    dataset = load_dataset(DatasetSpec(name=info.name), 1)
    drawn = audit_of(dataset, method="shuffled")
    changes = "split.method=given;split.test_split=null"
    assert changes in [as_change(one.changes) for one in find_all(drawn)]
    assert changes in [as_change(one.changes) for one in other_ways(drawn)]
    given = audit_of(dataset, method="given")
    assert changes not in [as_change(one.changes) for one in (*find_all(given), *other_ways(given))]
    folds = audit_of(dataset, method="shuffled", folds=3)
    back = [
        as_change(way.changes) for way in other_ways(folds) if "given" in as_change(way.changes)
    ]
    assert back == ["split.method=given;split.folds=null;split.fold=null;split.test_split=null"]


def test_a_test_part_is_one_click_away_where_there_is_none(home):
    dataset = load_dataset(DatasetSpec(name="iris"), 1)
    held_out = "split.test_split=0.2"
    assert held_out in [as_change(one.changes) for one in other_ways(audit_of(dataset))]
    tested = audit_of(dataset, method="stratified", test_split=0.2)
    assert held_out not in [as_change(one.changes) for one in other_ways(tested)]


def test_classes_that_are_not_tested_are_told(home):
    x = np.random.default_rng(0).normal(size=(ROWS, 3))
    np.savez(home / "sorted.npz", x=x, y=LABELS)
    info = store_file(home / "sorted.npz", "sorted", Wanted())
    dataset = load_dataset(DatasetSpec(name=info.name), 1)
    missing = [one for one in find_all(audit_of(dataset, method="shuffled", test_split=0.01))
               if one.title.startswith("Missing from the test")]  # fmt: skip
    assert missing and as_change(missing[0].changes) == "split.method=stratified"
    tested = find_all(audit_of(dataset, method="stratified", test_split=0.2))
    assert not [one for one in tested if "the test" in one.title]


def test_groups_and_times_are_looked_at_in_the_test_too(home):
    random = np.random.default_rng(0)
    np.savez(
        home / "visits.npz", x=random.normal(size=(ROWS, 3)), y=random.integers(0, 2, ROWS),
        who=random.integers(0, 30, ROWS), day=random.permutation(ROWS),
    )  # fmt: skip
    info = store_file(home / "visits.npz", "visits", Wanted(group="who", time="day"))
    dataset = load_dataset(DatasetSpec(name=info.name), 1)
    titles = [one.title for one in find_all(audit_of(dataset, method="shuffled", test_split=0.2))]
    assert any("test samples" in title and "of groups that train" in title for title in titles)
    assert any("test samples" in title and "older than" in title for title in titles)
    grouped = find_all(audit_of(dataset, method="group", test_split=0.2))
    assert not [one for one in grouped if "groups" in one.title]
    timed = find_all(audit_of(dataset, method="time", test_split=0.2))
    assert not [one for one in timed if "older" in one.title]


# The run


def trained(spec, path):
    """The folder of a run after its training in this process, and the metrics that it wrote."""
    path.mkdir()
    folder = RunFolder(path)
    folder.artifacts.mkdir()
    assert train(spec, folder).status == "FINISHED", folder.log.read_text()
    values = {}
    for entry in read_journal(folder.journal)[0]:
        values |= entry.metrics
    return folder, values


@pytest.mark.parametrize("memory_mb", [None, 8])
def test_the_trained_model_is_evaluated_on_the_test_part_once(home, memory_mb):
    info = store_file(arrays(home)[0], "rows", Wanted())
    spec = parse_spec(
        {"dataset": {"name": info.name, "memory_mb": memory_mb}, "split": {"method": "given"},
         "model": {"name": "mlp", "layers": [8]}, "training": {"epochs": 3, "batch_size": 16}}
    )  # fmt: skip
    folder, values = trained(spec, home / "run")
    assert (values["train_samples"], values["val_samples"], values["test_samples"]) == (60, 20, 30)
    with np.load(folder.artifacts / "split.npz") as split:
        assert split["test"].tolist() == list(range(80, 110))
    model = load_model(folder.artifacts / MODEL_FILE)
    dataset = load_dataset(DatasetSpec(name=info.name), 1)
    loss, accuracy = model.evaluate(dataset.x[80:], dataset.y[80:], batch_size=16, verbose=0)
    assert values["test_loss"] == pytest.approx(loss, rel=1e-6)
    assert values["test_accuracy"] == pytest.approx(accuracy)


def test_held_out_samples_are_the_test_part_of_a_run(home):
    spec = parse_spec({"dataset": {"name": "iris"}, "model": {"name": "linear"},
                       "split": {"method": "stratified", "test_split": 0.2}})  # fmt: skip
    dataset = load_dataset(spec.dataset, spec.data_seed)
    split = split_dataset(dataset, spec.split, spec.data_seed)
    loaded = LoadedRun(None, spec, dataset, split, 0, 0.0)
    assert choose_part(loaded, None, "test").rows.tolist() == split.test.tolist()
    assert np.bincount(dataset.y[split.test]).tolist() == [10, 10, 10]
