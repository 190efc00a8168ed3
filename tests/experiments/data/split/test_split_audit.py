"""What the audit of a split finds, and what it does not."""

import json
from dataclasses import replace

import numpy as np
import pytest

from experiments.core.errors import DatasetError
from experiments.core.findings import Severity, as_change
from experiments.data.catalog import CATALOG, Kind, Task
from experiments.data.dataset_spec import DatasetSpec
from experiments.data.loading import Dataset, load_dataset
from experiments.data.split import duplicates
from experiments.data.split.audit import Audit, Order, audit_split
from experiments.data.split.duplicates import exact_groups, look_at, near_groups
from experiments.data.split.margins import (
    accuracy_margin,
    chance_of_difference,
    label_runs,
    rank_correlation,
    squared_error_margin,
)
from experiments.data.split.split_findings import find_all, margin_sentence
from experiments.data.split.split_spec import SplitSpec
from experiments.data.split.splits import divide


def audit(dataset, method="last", fraction=0.2):
    spec = SplitSpec(method=method, validation_split=fraction)
    return audit_split(dataset, divide(dataset.y, spec, 1))


def bundled(name):
    return load_dataset(DatasetSpec(name=name), 1)


def rows(x, y, classes=2, x_test=None, y_test=None):
    """A table with these samples."""
    info = replace(
        CATALOG["wine"], shape=x.shape[1:], samples=len(x),
        class_names=tuple("abcdefgh"[:classes]),
        task=Task.MULTICLASS if classes else Task.REGRESSION,
    )  # fmt: skip
    return Dataset(info, x.astype(np.float32), np.asarray(y), x_test, y_test, (), "")


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def titles(found):
    return [finding.title for finding in find_all(found)]


@pytest.mark.parametrize(("name", "order"), [
    ("iris", Order.SORTED), ("wine", Order.SORTED), ("digits", Order.MIXED),
    ("breast_cancer", Order.MIXED), ("two_moons", Order.MIXED), ("diabetes", Order.MIXED),
])  # fmt: skip
def test_sorted_files_are_told_from_shuffled_ones(name, order):
    assert audit(bundled(name)).order.order is order


def test_a_sorted_file_that_is_divided_by_last_is_the_worst_and_stratified_mends_it():
    worst = find_all(audit(bundled("iris")))[0]
    assert worst.severity is Severity.SERIOUS and "sorted by class" in worst.title
    assert "3 runs, where a shuffled file would have about 101" in worst.text
    assert worst.changes == {"split.method": "stratified"}
    assert as_change(worst.changes) == "split.method=stratified"
    assert not any("sorted" in title for title in titles(audit(bundled("iris"), "stratified")))


def test_a_sorted_regression_target_is_found_and_shuffled_mends_it():
    worst = find_all(audit(rows(noise(300, 4), np.arange(300, dtype=np.float32), 0)))[0]
    assert worst.title == "The file is sorted by grower" and "rises" in worst.text
    assert worst.changes == {"split.method": "shuffled"}


def test_a_fair_split_has_nothing_against_it():
    assert find_all(audit(bundled("digits"), "stratified")) == []


def test_parts_say_which_rows_and_how_many_of_each_class():
    training, validation = audit(bundled("iris")).parts
    assert (training.ranges, validation.ranges) == (((0, 119),), ((120, 149),))
    assert (training.counts, validation.counts) == ((50, 50, 20), (0, 0, 30))
    assert audit(bundled("iris"), "shuffled").part("validation").range_count > 10


def test_missing_classes_are_named_with_what_mends_them():
    found = find_all(audit(bundled("iris"), fraction=0.5))
    by_title = {finding.title: finding for finding in found}
    assert by_title["Missing from training: virginica"].severity is Severity.SERIOUS
    assert by_title["Missing from validation: setosa"].changes == {"split.method": "stratified"}


def test_validation_rows_that_training_has_are_counted_by_label():
    x, y = noise(200, 5), np.arange(200) % 2
    x[160:170], y[165] = x[10:20], 1 - y[15]
    x[3] = x[4]
    exact = audit(rows(x, y)).exact
    assert (exact.validation.looked, exact.validation.same, exact.validation.other) == (40, 9, 1)
    assert exact.validation.examples[0] == (10, 160) and exact.extra == 1
    assert exact.test.rows == 0
    finding = next(f for f in find_all(audit(rows(x, y))) if "also in training" in f.title)
    assert finding.severity is Severity.SERIOUS and not finding.changes
    assert finding.title == "10 validation samples (25.0 %) are also in training"
    assert "1 of them with another label" in finding.text


def test_test_rows_that_training_has_are_counted_apart():
    x, y = noise(100, 3), np.arange(100) % 2
    found = audit(rows(x, y, x_test=x[[5, 90]].copy(), y_test=y[[5, 90]]))
    assert (found.exact.test.rows, found.exact.test.examples) == (1, ((5, 0),))
    assert [part.name for part in found.parts] == ["training", "validation", "test"]


def test_nearly_equal_rows_are_found_beside_exact_ones():
    x, y = noise(400, 6), np.arange(400) % 2
    x[380:390] = x[:10] + 1e-6
    x[390] = x[20]
    found = audit(rows(x, y))
    assert (found.exact.validation.rows, found.near.validation.rows) == (1, 10)
    assert not duplicated(noise(5000, 3), Kind.TABULAR)


def duplicated(x, kind):
    looked = look_at(x, None)
    groups = near_groups(looked, kind, exact_groups(looked))
    return len(groups) - len(np.unique(groups))


def images(n, seed=0):
    """Blobs of light, 28×28, no two alike."""
    random = np.random.default_rng(seed)
    coarse = random.uniform(0, 255, (n, 7, 7, 1))
    return np.repeat(np.repeat(coarse, 4, 1), 4, 2)


def test_images_that_were_made_brighter_and_noisy_are_found_and_others_are_not():
    x = images(1000)
    changed = 0.8 * x[:100] + 20 + np.random.default_rng(1).normal(0, 2, x[:100].shape)
    assert duplicated(x.astype(np.uint8), Kind.IMAGE) == 0
    both = np.concatenate([x, changed]).clip(0, 255).astype(np.uint8)
    assert 90 <= duplicated(both, Kind.IMAGE) <= 100


def test_digits_have_no_copies_and_iris_has_the_one_that_is_known():
    digits, iris = audit(bundled("digits")), audit(bundled("iris"))
    assert digits.exact.validation.rows == digits.near.validation.rows == digits.exact.extra == 0
    assert iris.exact.validation.examples == ((101, 142),)


def test_missing_values_zeros_of_both_signs_and_odd_widths_are_compared():
    x = np.array([[np.nan, 0.0, 1], [np.nan, -0.0, 1], [np.inf, 0, 1], [1, 0, 1]], np.float32)
    assert exact_groups(look_at(x, None))[0] == exact_groups(look_at(x, None))[1]
    assert duplicated(x, Kind.TABULAR) == 1


def test_whole_numbers_as_floats_do_not_collide():
    x = np.stack(np.meshgrid(*[np.arange(40)] * 3), axis=-1).reshape(-1, 3).astype(np.float32)
    assert len(np.unique(exact_groups(look_at(x, None)))) == len(x)


def test_more_rows_than_allowed_are_sampled_and_that_is_said(monkeypatch):
    monkeypatch.setattr(duplicates, "MOST_ROWS", 100)
    x, y = noise(200, 2), np.arange(200) % 2
    x[160:] = x[:40]
    found = audit(rows(x, y))
    assert (found.looked, found.samples) == (100, 200)
    assert any("Only 100 of 200 rows were compared" in f.text for f in find_all(found))


def test_the_margin_is_wilsons_and_the_sentence_says_it():
    # Newcombe 1998, table I: 81 of 263 → 0.2553 to 0.3662; 1 of 29 → 0.0061 to 0.1718
    assert accuracy_margin(81 / 263, 263) == pytest.approx((0.3662 - 0.2553) / 2, abs=1e-4)
    assert accuracy_margin(1 / 29, 29) == pytest.approx((0.1718 - 0.0061) / 2, abs=1e-4)
    assert squared_error_margin(200) == pytest.approx(0.1)
    x = noise(360, 3)
    said = margin_sentence(audit(rows(x, np.arange(360) % 2)))
    assert said.startswith("With 72 validation samples, an accuracy of 90 % is known to ±7 points")
    assert "±33 %" in margin_sentence(audit(rows(x, noise(360), 0)))


def test_the_standard_error_of_a_squared_error_is_that_of_drawn_errors():
    errors = np.random.default_rng(0).normal(size=(4000, 50))
    assert (errors**2).mean(axis=1).std() == pytest.approx(squared_error_margin(50), rel=0.05)


def test_chi_square_agrees_with_scipy():
    from scipy.stats import chi2_contingency

    for left, right in (([90, 110], [20, 20]), ([50, 50, 20], [5, 15, 10]), ([9, 1], [5, 5])):
        exact = chi2_contingency([left, right], correction=False).pvalue
        assert chance_of_difference(left, right) == pytest.approx(exact, abs=0.005)
    assert chance_of_difference([10, 0], [5, 0]) == 1.0


def test_runs_of_labels_are_expected_as_often_as_shuffling_makes_them():
    labels = np.repeat([0, 1, 2], [30, 50, 120])
    random = np.random.default_rng(0)
    drawn = [label_runs(random.permutation(labels)) for _ in range(500)]
    assert np.mean([runs for runs, _, _ in drawn]) == pytest.approx(drawn[0][1], rel=0.01)
    assert np.std([z for _, _, z in drawn]) == pytest.approx(1, abs=0.1)
    assert label_runs(np.array([7, 7, 7]))[0] == 1


def test_rank_correlation_agrees_with_scipy():
    from scipy.stats import spearmanr

    values = np.round(noise(200), 1) + np.arange(200) / 100
    assert rank_correlation(values) == pytest.approx(spearmanr(np.arange(200), values).statistic)
    assert rank_correlation(np.ones(5)) == 0.0


def test_parts_that_differ_more_than_chance_are_told():
    assert any("up to 18 points" in title for title in titles(audit(bundled("breast_cancer"))))
    fair = titles(audit(bundled("breast_cancer"), "stratified"))
    assert not any("differ" in title for title in fair)


def test_few_samples_one_class_and_no_validation_are_told():
    x = noise(100, 3)
    assert titles(audit(rows(x, np.zeros(100, int))))[0] == "All samples have one class"
    assert "Fewer than 5 samples: c" in titles(audit(rows(x, np.r_[np.arange(97) % 2, [2] * 3], 3)))
    nothing = find_all(audit(rows(x, np.arange(100) % 2), fraction=0))[0]
    assert nothing.changes == {"split.validation_split": 0.2}
    few = next(f for f in find_all(audit(rows(x, np.arange(100) % 2))) if "Few" in f.title)
    assert few.severity is Severity.WARNING
    assert few.changes == {"split.folds": 5, "split.fold": None, "split.method": "stratified"}
    many = audit(rows(noise(2000, 3), np.arange(2000) % 2), fraction=0.05)
    few = next(f for f in find_all(many) if "Few" in f.title)
    assert few.changes == {"split.validation_split": 0.25}


def test_an_audit_survives_json_and_anything_else_is_refused():
    for name in ("iris", "diabetes"):
        found = audit(bundled(name), "shuffled")
        assert Audit.from_dict(json.loads(json.dumps(found.to_dict(), allow_nan=False))) == found
    with pytest.raises(DatasetError, match=r"The split audit cannot be read: parts\.0"):
        Audit.from_dict(found.to_dict() | {"parts": [3]})
