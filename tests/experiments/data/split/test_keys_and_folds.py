"""Groups, times and folds: which rows validate, from the file to the run."""

from collections import Counter

import h5py
import numpy as np
import pandas as pd
import pytest

from experiments.core.errors import DatasetError, SpecError
from experiments.core.findings import as_change
from experiments.data.dataset_spec import DatasetSpec
from experiments.data.loading import Dataset, load_dataset
from experiments.data.reading.reader import ReadOptions
from experiments.data.reading.storing import look_into, store_file
from experiments.data.split.audit import Audit, audit_split
from experiments.data.split.better_splits import other_ways
from experiments.data.split.split_findings import find_all, margin_sentence
from experiments.data.split.split_spec import SplitSpec
from experiments.data.split.splits import SplitKey, divide, in_words, split_dataset
from experiments.running.fold_runs import in_folds
from experiments.spec.spec_files import parse_spec

ROWS = 240


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("KERASCOPE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("experiments.core.settings._in_use", None)
    return tmp_path


def visits(path, **columns):
    """Rows of 30 patients, 8 each, a day between two rows; not sorted by patient or day."""
    random = np.random.default_rng(0)
    order = random.permutation(ROWS)
    table = pd.DataFrame(
        {
            "patient": [f"P{n % 30:02}" for n in range(ROWS)],
            "day": pd.date_range("2024-01-01", periods=ROWS).strftime("%Y-%m-%d"),
            "a": random.normal(size=ROWS).round(4),
            "b": random.normal(size=ROWS).round(4),
            "target": random.integers(0, 2, ROWS),
        }
        | columns
    ).iloc[order]
    (table.to_parquet if path.suffix == ".parquet" else table.to_csv)(path, index=False)
    return table


def stored(path, **wanted) -> Dataset:
    info = store_file(path, "visits", ReadOptions(target="target", **wanted))
    return load_dataset(DatasetSpec(name=info.name), 1)


def split(dataset, method, seed=1, **options):
    return split_dataset(dataset, SplitSpec(method=method, **options), seed)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_group_and_a_time_are_stored_beside_the_samples_and_are_no_features(home, suffix):
    path = home / f"visits{suffix}"
    table = visits(path)
    dataset = stored(path, group="patient", time="day")
    assert dataset.feature_names == ("a", "b")
    same = pd.factorize(table["patient"])[0]
    assert np.array_equal(pd.factorize(dataset.groups)[0], same)
    days = pd.to_datetime(table["day"]).to_numpy().astype("datetime64[D]").astype(float)
    assert np.array_equal(dataset.times, days)


def test_the_same_groups_get_the_same_numbers_from_csv_and_parquet(home):
    found = []
    for suffix in (".csv", ".parquet"):
        visits(home / f"visits{suffix}")
        found.append(stored(home / f"visits{suffix}", group="patient").groups)
    assert np.array_equal(*found)


def test_a_group_belongs_to_the_content(home):
    visits(home / "visits.csv")
    names = {stored(home / "visits.csv", **keys).info.content_hash for keys in (
        {"features": ("a", "b")}, {"features": ("a", "b"), "group": "patient"},
        {"features": ("a", "b"), "time": "day"})}  # fmt: skip
    assert len(names) == 3


def test_a_column_that_is_asked_for_is_a_feature_and_the_time(home):
    visits(home / "visits.csv")
    dataset = stored(home / "visits.csv", time="day", features=("a", "day"))
    assert np.array_equal(dataset.x[:, 1], dataset.times.astype("float32"))


def test_groups_and_times_of_arrays(home):
    random = np.random.default_rng(0)
    texts, times = np.array(["one", "two", "two", "drei"] * 10), random.normal(size=40)
    numbers = {"x": random.normal(size=(40, 3)), "y": np.arange(40) % 2, "who": texts, "t": times}
    np.savez(home / "a.npz", **numbers)
    with h5py.File(home / "a.h5", "w") as file:
        for name, values in numbers.items():
            file[name] = values.astype("S") if values.dtype.kind == "U" else values
    groups = []
    for name in ("a.npz", "a.h5"):
        info = store_file(home / name, "a", ReadOptions(group="who", time="t"))
        dataset = load_dataset(DatasetSpec(name=info.name, max_samples=20), 1)
        assert np.array_equal(dataset.times, times[:20])
        assert np.array_equal(pd.factorize(dataset.groups)[0], pd.factorize(texts[:20])[0])
        groups.append(dataset.groups)
    assert np.array_equal(*groups)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"group": "nobody"}, "Unknown group column 'nobody'"),
        ({"group": "target"}, "'target' is the target"),
        ({"time": "patient"}, "'patient' is categorical. Allowed: dates"),
        ({"group": "alike"}, "'alike' is the same in all rows"),
        ({"group": "holes"}, r"'holes' is missing in 3 of 240 rows, first in row \d+"),
    ],
)
def test_keys_that_cannot_be_used_are_refused(home, wanted, said):
    holes = ["x", "y"] * 120
    holes[5] = holes[70] = holes[200] = None
    visits(home / "visits.csv", alike="same", holes=holes)
    with pytest.raises(DatasetError, match=said):
        look_into(home / "visits.csv", ReadOptions(target="target", **wanted))


def test_an_array_of_another_length_is_no_group(home):
    np.savez(home / "a.npz", x=np.eye(6), y=np.arange(6) % 2, who=np.arange(5))
    with pytest.raises(DatasetError, match=r"the group is who \(5,\) int64. Needed: .* 6 samples"):
        look_into(home / "a.npz", ReadOptions(group="who"))


@pytest.mark.parametrize("share", [0.05, 0.2, 0.5, 0.9])
def test_groups_stay_together(share):
    groups = np.repeat(np.arange(40), np.random.default_rng(3).integers(1, 60, 40))
    spec = SplitSpec(method="group", validation_split=share)
    parts = divide(np.zeros(len(groups)), spec, 1, SplitKey("who", groups))
    assert not set(groups[parts.train]) & set(groups[parts.validation])
    assert len(parts.train) + len(parts.validation) == len(groups)
    assert abs(len(parts.validation) / len(groups) - share) < 0.03


def test_one_group_alone_is_refused():
    with pytest.raises(DatasetError, match="all 9 samples that are left to divide are one group"):
        divide(np.zeros(9), SplitSpec(method="group"), 1, SplitKey("who", np.ones(9, int)))


def test_by_time_the_latest_validate_and_equal_times_stay_together():
    times = np.array([5.0, 1, 3, 3, 3, 2, 0, 4, 3, 3])
    parts = divide(
        np.zeros(10), SplitSpec(method="time", validation_split=0.3), 1, SplitKey("day", times)
    )
    assert times[parts.train].max() < times[parts.validation].min()
    assert sorted(times[parts.validation]) == [3, 3, 3, 3, 3, 4, 5]
    first = np.array([1.0, 1, 1, 2])
    parts = divide(
        np.zeros(4), SplitSpec(method="time", validation_split=0.5), 1, SplitKey("day", first)
    )
    assert parts.validation.tolist() == [3]
    with pytest.raises(DatasetError, match=r"all 4 samples .* have the same day"):
        divide(np.zeros(4), SplitSpec(method="time"), 1, SplitKey("day", np.ones(4)))


@pytest.mark.parametrize("method", ["last", "shuffled", "stratified", "group"])
@pytest.mark.parametrize("folds", [2, 5, 7])
def test_each_row_validates_in_exactly_one_fold(method, folds):
    random = np.random.default_rng(2)
    y, groups = random.integers(0, 3, 107), np.repeat(np.arange(27), 4)[:107]
    held = []
    for fold in range(1, folds + 1):
        spec = SplitSpec(method=method, folds=folds, fold=fold)
        parts = divide(y, spec, 1, SplitKey("who", groups if method == "group" else None))
        assert np.array_equal(np.sort(np.r_[parts.train, parts.validation]), np.arange(107))
        if method == "group":
            assert not set(groups[parts.train]) & set(groups[parts.validation])
        held.append(parts.validation)
    assert np.array_equal(np.sort(np.concatenate(held)), np.arange(107))
    sizes = [len(rows) for rows in held]
    assert max(sizes) - min(sizes) <= (1 if method != "group" else 4)
    if method == "last":
        assert held[-1][-1] == 106 and all(np.all(np.diff(rows) == 1) for rows in held)
    if method == "stratified":
        counts = np.array([np.bincount(y[rows], minlength=3) for rows in held])
        assert np.ptp(counts, axis=0).max() <= 1


def test_more_folds_than_groups_are_refused():
    spec = SplitSpec(method="group", folds=5, fold=1)
    with pytest.raises(DatasetError, match=r"received 5 for 3 groups\. Allowed: null, or 2 to 3"):
        divide(np.zeros(9), spec, 1, SplitKey("who", np.repeat([1, 2, 3], 3)))


@pytest.mark.parametrize(
    ("split", "said"),
    [
        ({"folds": 5, "fold": 6}, "split.fold: received 6. Allowed: null, or 1 to 5"),
        ({"fold": 1}, "split.fold: received 1. Allowed: null without split.folds"),
        ({"folds": 5, "method": "time"}, "split.folds: received 5 with the method time"),
        ({"method": "group"}, "needs a group column; digits has none"),
    ],
)
def test_folds_and_methods_that_do_not_fit_are_refused(split, said):
    with pytest.raises(SpecError, match=said):
        parse_spec({"split": split})


def test_a_spec_with_folds_stands_for_a_run_of_each():
    spec = parse_spec({"split": {"folds": 3, "method": "stratified", "validation_split": 0}})
    specs = in_folds(spec)
    assert [one.split.fold for one in specs] == [1, 2, 3]
    assert specs[1].name == "digits mlp · fold 2 of 3"
    assert "val_loss" in specs[0].monitors() and not any(one.split.is_many for one in specs)
    assert in_folds(specs[1]) == [specs[1]]


def test_in_words(home):
    visits(home / "visits.csv")
    dataset = stored(home / "visits.csv", group="patient", time="day")
    assert in_words(split(dataset, "time")) == ("Validation: the latest 48 of 240 samples by day.")
    assert "48 of 240 samples, whole groups of patient, drawn with seed 1" in in_words(
        split(dataset, "group")
    )
    assert "fold 2 of 5, 48 of 240 samples, whole groups of patient" in in_words(
        split(dataset, "group", folds=5, fold=2)
    )


def findings(dataset, method, **options):
    audit = audit_split(dataset, split(dataset, method, **options))
    assert Audit.from_dict(audit.to_dict()) == audit
    return {as_change(finding.changes): finding for finding in find_all(audit)}


def test_the_audit_tells_of_groups_in_both_parts_and_of_what_is_older(home):
    visits(home / "visits.csv")
    dataset = stored(home / "visits.csv", group="patient", time="day")
    shuffled = findings(dataset, "shuffled")
    assert "30 groups of patient are in both parts" in shuffled["split.method=group"].text
    assert "older than the newest training sample" in shuffled["split.method=time"].title
    assert "split.method=group" not in findings(dataset, "group")
    by_time = findings(dataset, "time")
    assert not any("older" in finding.title for finding in by_time.values())
    assert not any("method" in change for change in by_time)


def test_few_samples_are_offered_folds_and_folds_use_them_all():
    iris = load_dataset(DatasetSpec(name="iris"), 1)
    change = "split.folds=5;split.fold=null;split.method=stratified"
    offered = findings(iris, "last")[change]
    assert offered.title == "Few validation samples: 30"
    folded = audit_split(iris, split(iris, "stratified", folds=5, fold=1))
    assert not any(finding.changes.get("split.folds") for finding in find_all(folded))
    assert "over the 5 folds, with 150 validation samples" in margin_sentence(folded)


HELD_OUT = "split.test_split=0.2"


def ways(dataset, method, **options):
    """The other splits that are offered, without the test part, which is offered wherever there is
    none."""
    audit = audit_split(dataset, split(dataset, method, **options))
    found = [as_change(way.changes) for way in other_ways(audit)]
    assert found[-1] == HELD_OUT
    return found[:-1]


def test_every_other_split_is_at_hand_whatever_was_found(home):
    visits(home / "visits.csv")
    dataset = stored(home / "visits.csv", group="patient", time="day")
    methods = [f"split.method={m}" for m in ("last", "shuffled", "stratified", "group", "time")]
    folds = "split.folds=5;split.fold=null"
    assert ways(dataset, "stratified") == [*methods[:2], *methods[3:], folds]
    assert ways(dataset, "group") == [*methods[:3], methods[4], folds]
    assert ways(dataset, "last") == [*methods[1:], f"{folds};split.method=group"]
    assert ways(dataset, "time") == methods[:4]
    one = "split.folds=null;split.fold=null"
    assert ways(dataset, "group", folds=3, fold=1) == [
        *methods[:3], f"split.method=time;{one}", one,
    ]  # fmt: skip
    nothing = ways(dataset, "last", validation_split=0)
    assert nothing == [f"{folds};split.method=stratified"]
    numbers = load_dataset(DatasetSpec(name="diabetes"), 1)
    assert ways(numbers, "shuffled") == ["split.method=last", folds]


def test_every_group_of_a_fold_is_counted(home):
    visits(home / "visits.csv")
    dataset = stored(home / "visits.csv", group="patient")
    parts = [split(dataset, "group", folds=5, fold=fold) for fold in range(1, 6)]
    held = Counter(group for one in parts for group in dataset.groups[one.validation].tolist())
    assert len(held) == 30 and set(held.values()) == {8}
