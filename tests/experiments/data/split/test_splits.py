"""Which rows validate, and what is said about it."""

import numpy as np
import pytest
from keras.src.trainers.data_adapters.array_slicing import train_validation_split

from experiments.core.errors import DatasetError
from experiments.data.dataset_spec import DatasetSpec
from experiments.data.loading import load_dataset
from experiments.data.split.audit import audit_split
from experiments.data.split.split_findings import find_all
from experiments.data.split.split_spec import SplitSpec
from experiments.data.split.splits import divide, in_words

_MISSING = ("Missing from", "No samples at all", "All samples have one class")
METHODS = ("last", "shuffled", "stratified")


def split(y, method="last", fraction=0.2, seed=1):
    return divide(np.asarray(y), SplitSpec(method=method, validation_split=fraction), seed)


def said(name, method="last", fraction=0.2):
    return in_words(split(load_dataset(DatasetSpec(name=name), 1).y, method, fraction))


def missing(name, method="last", fraction=0.2, **options):
    """What is said of classes that a part does not have."""
    dataset = load_dataset(DatasetSpec(name=name, **options), 1)
    found = find_all(audit_split(dataset, split(dataset.y, method, fraction)))
    return {finding.title for finding in found if finding.title.startswith(_MISSING)}


@pytest.mark.parametrize("n", [2, 10, 11, 97, 150, 1797, 60_000])
@pytest.mark.parametrize("fraction", [0.01, 0.1, 0.2, 0.25, 1 / 3, 0.3, 0.5, 0.7, 0.9, 0.99])
def test_last_takes_the_rows_that_keras_takes(n, fraction):
    rows = np.arange(n)
    try:
        train, validation = train_validation_split(rows, fraction)
    except ValueError:
        with pytest.raises(DatasetError):
            split(rows, fraction=fraction)
        return
    ours = split(rows, fraction=fraction)
    assert np.array_equal(ours.train, train[:]) and np.array_equal(ours.validation, validation[:])


@pytest.mark.parametrize("method", METHODS)
def test_every_row_is_in_exactly_one_part(method):
    parts = split(np.arange(103) % 4, method)
    assert parts.train.dtype == parts.validation.dtype == np.int64
    assert np.array_equal(np.sort(np.concatenate([parts.train, parts.validation])), np.arange(103))
    assert np.all(np.diff(parts.train) > 0) and np.all(np.diff(parts.validation) > 0)
    assert len(parts.train) == 82


@pytest.mark.parametrize("method", ["shuffled", "stratified"])
def test_drawn_parts_depend_on_the_seed_only(method):
    y = np.arange(100) % 2
    assert np.array_equal(split(y, method).validation, split(y, method).validation)
    assert not np.array_equal(split(y, method).validation, split(y, method, seed=2).validation)


@pytest.mark.parametrize("method", METHODS)
def test_without_validation_all_rows_train_in_file_order(method):
    parts = split(np.arange(20) % 2, method, fraction=0)
    assert np.array_equal(parts.train, np.arange(20)) and len(parts.validation) == 0


def test_stratified_keeps_the_shares_of_the_classes():
    y = np.repeat([0, 1, 2], [100, 300, 600])
    counts = np.bincount(y[split(y, "stratified", 0.1).validation])
    assert counts.tolist() == [10, 30, 60]


def test_stratified_puts_every_class_of_two_in_both_parts_and_trains_a_single_sample():
    y = np.repeat([0, 1, 2, 3], [2, 1, 2, 95])
    parts = split(y, "stratified", 0.05)
    assert np.bincount(y[parts.train], minlength=4).min() == 1
    assert np.bincount(y[parts.validation], minlength=4).tolist() == [1, 0, 1, 4]


def test_stratified_leaves_every_class_in_training_when_almost_all_validate():
    y = np.repeat([0, 1], [5, 95])
    assert set(y[split(y, "stratified", 0.99).train]) == {0, 1}


def test_stratified_takes_binary_labels_in_a_column():
    y = (np.arange(50) % 2).astype(np.float32).reshape(-1, 1)
    assert y[split(y, "stratified").validation].sum() == 5


def test_an_empty_training_part_is_refused_with_the_allowed_values():
    message = "split.validation_split: received 0.95, which divides 10 samples into 0 for training"
    with pytest.raises(DatasetError, match=message) as error:
        split(np.arange(10), fraction=0.95)
    assert str(error.value).endswith("Allowed: 0, or less than 0.9.")
    assert len(split(np.arange(10), fraction=0.89).train) == 1


def test_stratified_without_any_class_of_two_is_refused():
    with pytest.raises(DatasetError, match=r"split\.method: received 'stratified'"):
        split(np.arange(10), "stratified")


def test_the_sentence_says_which_rows_validate():
    assert said("digits") == (
        "Validation: the last 360 of 1,797 samples in file order (rows 1437 to 1796), "
        "before any shuffle."
    )
    assert said("digits", "shuffled") == ("Validation: 360 of 1,797 samples, drawn with seed 1.")
    assert said("digits", "stratified") == (
        "Validation: 360 of 1,797 samples, drawn within each class with seed 1."
    )
    assert said("iris", fraction=0) == "No validation: all 150 samples train."


def test_a_sorted_file_divided_by_last_warns_of_the_missing_classes():
    assert missing("iris", fraction=0.5) == {
        "Missing from training: virginica", "Missing from validation: setosa",
    }  # fmt: skip


def test_classes_cut_off_by_max_samples_are_named_once():
    assert missing("iris", max_samples=40) == {"All samples have one class"}
    assert missing("iris", "stratified", max_samples=90) == {"No samples at all: virginica"}


def test_a_fair_split_and_a_regression_miss_no_class():
    assert not missing("iris", "stratified") | missing("iris", fraction=0) | missing("diabetes")
