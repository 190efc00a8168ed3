"""Samples that are held out for the test: by the spec, or because the file says so."""

import json

import numpy as np
import pytest

from experiments.core.errors import DatasetError, SpecError
from experiments.core.findings import as_change
from experiments.core.journal import read_journal
from experiments.core.run_folder import RunFolder
from experiments.data.catalog import CATALOG
from experiments.data.dataset_spec import DatasetSpec
from experiments.data.loading import load_dataset
from experiments.data.reading.reader import ReadOptions
from experiments.data.reading.storing import store_file
from experiments.data.split.audit import Audit, audit_split
from experiments.data.split.better_splits import other_ways
from experiments.data.split.split_findings import find_all, margin_sentence
from experiments.data.split.split_spec import SplitSpec
from experiments.data.split.splits import SplitKey, divide, in_words, split_dataset
from experiments.inference.loaded_models import LoadedRun
from experiments.inference.model_data import choose_part
from experiments.saving.whole_model import MODEL_FILE, load_model
from experiments.spec.spec_files import parse_spec
from experiments.training.train import train
from tests.support.divided_files import arrays

METHODS = ("last", "shuffled", "stratified", "group", "time")
ROWS = 200
LABELS = np.repeat(np.arange(4), ROWS // 4)


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("KERASCOPE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("experiments.core.settings._in_use", None)
    return tmp_path


def keys_of(method):
    random = np.random.default_rng(5)
    values = {"group": random.integers(0, 30, ROWS), "time": random.permutation(ROWS).astype(float)}
    return SplitKey(method, values[method]) if method in values else SplitKey()


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
def test_what_a_dataset_cannot_have_is_refused(split, said):
    with pytest.raises(SpecError, match=said):
        parse_spec({"dataset": {"name": "mnist"}, "model": {"name": "linear"}, "split": split})
    assert CATALOG["mnist"].test_given


def test_nothing_held_out_is_written_in_one_way():
    assert SplitSpec(test_split=0) == SplitSpec()
    assert "split.test_split" not in parse_spec({"split": {"test_split": 0}}).flatten()


# The audit


def audit_of(dataset, **split):
    return audit_split(dataset, split_dataset(dataset, SplitSpec(**split), 1))


def test_copies_of_training_samples_in_the_test_are_found(home):
    _, given = arrays(home)
    given["x_test"][:5], given["y_test"][:5] = given["x_train"][:5], given["y_train"][:5]
    np.savez(home / "arrays.npz", **given)
    info = store_file(home / "arrays.npz", "rows", ReadOptions())
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
    info = store_file(arrays(home)[0], "rows", ReadOptions())
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
    info = store_file(home / "sorted.npz", "sorted", ReadOptions())
    dataset = load_dataset(DatasetSpec(name=info.name), 1)
    missing = [one for one in find_all(audit_of(dataset, method="shuffled", test_split=0.01))
               if one.title.startswith("Missing from the test")]  # fmt: skip
    assert missing and as_change(missing[0].changes) == "split.method=stratified"
    tested = find_all(audit_of(dataset, method="stratified", test_split=0.2))
    assert not [one for one in tested if "the test" in one.title]


def titles(audit):
    return [one.title for one in find_all(audit)]


def test_classes_that_are_tested_and_never_train_are_serious(home):
    x = np.random.default_rng(0).normal(size=(ROWS, 3))
    np.savez(home / "sorted.npz", x=x, y=LABELS)
    info = store_file(home / "sorted.npz", "sorted", ReadOptions())
    dataset = load_dataset(DatasetSpec(name=info.name), 1)
    found = find_all(audit_of(dataset, method="last", test_split=0.25, validation_split=0.2))
    (untrained,) = [one for one in found if one.title.startswith("Missing from training, and t")]
    assert untrained.title.endswith(": 3") and as_change(untrained.changes)
    assert not [one for one in found if one.title.startswith("No samples at all")]


def test_the_order_of_the_file_matters_for_the_test_alone(home):
    audit = audit_of(load_dataset(DatasetSpec(name="iris"), 1), validation_split=0, test_split=0.2)
    assert audit.method == "last"
    assert "The file is sorted by class, and its last part tests" in titles(audit)
    assert "split.method=stratified" in [as_change(way.changes) for way in other_ways(audit)]


def test_a_test_part_that_is_cut_away_is_told_and_no_other_is_offered(home):
    info = store_file(arrays(home)[0], "rows", ReadOptions())
    dataset = load_dataset(DatasetSpec(name=info.name, max_samples=50), 1)
    audit = audit_of(dataset, method="shuffled")
    assert "The file's test part is cut off" in titles(audit)
    offered = [as_change(one.changes) for one in (*find_all(audit), *other_ways(audit))]
    assert not [change for change in offered if "test_split=" in change or "given" in change]


def test_only_groups_that_are_left_can_be_folds(home):
    np.savez(
        home / "few.npz", x=np.random.default_rng(0).normal(size=(60, 3)),
        y=np.arange(60) % 2, who=np.arange(60) % 5,
    )  # fmt: skip
    info = store_file(home / "few.npz", "few", ReadOptions(group="who"))
    dataset = load_dataset(DatasetSpec(name=info.name), 1)
    audit = audit_of(dataset, method="group", test_split=0.2)
    (folds,) = [way for way in other_ways(audit) if "split.folds" in way.changes]
    assert folds.changes["split.folds"] == 4
    split = SplitSpec(method="group", test_split=0.2, folds=folds.changes["split.folds"])
    assert len(split_dataset(dataset, split, 1).validation) == 12


def test_groups_and_times_are_looked_at_in_the_test_too(home):
    random = np.random.default_rng(0)
    np.savez(
        home / "visits.npz", x=random.normal(size=(ROWS, 3)), y=random.integers(0, 2, ROWS),
        who=random.integers(0, 30, ROWS), day=random.permutation(ROWS),
    )  # fmt: skip
    info = store_file(home / "visits.npz", "visits", ReadOptions(group="who", time="day"))
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
    for entry in read_journal(folder.journal).entries:
        values |= entry.metrics
    return folder, values


@pytest.mark.parametrize("memory_mb", [None, 8])
def test_the_trained_model_is_evaluated_on_the_test_part_once(home, memory_mb):
    info = store_file(arrays(home)[0], "rows", ReadOptions())
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
