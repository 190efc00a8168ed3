"""How values are spread, and what a dataset has more than once."""

import numpy as np
import pytest

from experiments.data import distributions
from experiments.data.catalog import CATALOG
from experiments.data.dataset_spec import DatasetSpec
from experiments.data.distributions import (
    date_text,
    draw_sample,
    histogram,
    mean_images,
    pixel_counts,
)
from experiments.data.loading import load_dataset
from experiments.data.preview import look
from experiments.data.reading.reader import ReadOptions
from experiments.data.reading.storing import store_file
from experiments.data.split.duplicate_groups import find_copies


def stored(tmp_path, **arrays):
    np.savez(tmp_path / "a.npz", **arrays)
    return store_file(tmp_path / "a.npz", "a", ReadOptions())


def test_few_samples_are_all_looked_at():
    x, y = np.arange(30.0).reshape(10, 3), np.arange(10)
    sampled = draw_sample(x, y)
    assert sampled.is_all and np.array_equal(sampled.x, x) and np.array_equal(sampled.y, y)


def test_of_many_samples_runs_of_rows_from_all_over_the_file_are(workspace, tmp_path, monkeypatch):
    monkeypatch.setattr(distributions, "MOST_ROWS", 20_000)
    n = 100_000
    info = stored(tmp_path, x=np.arange(n * 16.0).reshape(n, 16), y=np.arange(n) % 2)
    dataset = load_dataset(DatasetSpec(name=info.name), 1, lazily=True)
    sampled = draw_sample(dataset.x, dataset.y.reshape(-1))
    assert not sampled.is_all and sampled.of == n and 0 < len(sampled.rows) <= 20_000
    assert np.array_equal(sampled.x[:, 0], (sampled.rows * 16).astype("float32"))
    assert np.array_equal(sampled.y, dataset.y[sampled.rows, 0])
    assert (np.diff(sampled.rows) > 1).sum() >= 10  # one block of the file holds 16,000 rows
    assert sampled.rows.min() < n / 10 and sampled.rows.max() > 0.9 * n
    assert len(look(info).columns) == 16


def test_a_histogram_counts_each_value_once_and_no_missing_one():
    random = np.random.default_rng(0)
    values = np.r_[random.normal(size=500), [np.nan] * 7].astype("float32")
    assert histogram(values).sum() == 500 and len(histogram(values)) == 20
    assert histogram(np.array([1.0, 1, 4, np.nan])).to_list() == [2, 0, 0, 1]
    assert histogram(np.array([0.0, 2, 2, np.nan]), ("a", "b", "c")).to_dict() == {
        "a": 1, "b": 0, "c": 2
    }  # fmt: skip
    assert histogram(np.array([np.nan])).empty and histogram(np.full(9, 2.5)).to_list() == [9]


def test_bins_are_named_apart_and_whole_numbers_by_themselves():
    assert list(histogram(np.array([3.0, 4, 6])).index) == ["3", "4", "5", "6"]
    near = histogram(100_000 + np.arange(200, dtype="float32"))
    assert near.index.is_unique and near.index[0] == "100000"
    assert histogram(np.linspace(0, 1, 99)).index[1] == "0.05"


def test_dates_are_named_as_dates():
    year = histogram(19723 + np.arange(366.0), dates=True)
    assert year.index.is_unique and year.index[0] == "2024-01-01" and len(year.index[1]) == 10
    hours = histogram(19723 + np.linspace(0, 1, 99), dates=True)
    assert hours.index.is_unique and hours.index[10] == "2024-01-01 12:00"
    assert [date_text(days) for days in (0, 19753.5, np.nan)] == [
        "1970-01-01", "2024-01-31 12:00", ""
    ]  # fmt: skip


def test_of_many_categories_the_most_frequent_are_kept_in_their_order():
    names = tuple(f"c{i:02}" for i in range(50))
    values = np.repeat(np.arange(50), np.r_[np.ones(30, int), np.full(20, 5)]).astype("float32")
    assert list(histogram(values, names).index) == list(names[30:])


def test_pixels_are_counted_up_to_white_and_means_are_of_each_class():
    digits = load_dataset(DatasetSpec(name="digits"), 1)
    sampled = draw_sample(digits.x, digits.y)
    counts = pixel_counts(sampled, 16.0)
    assert counts.sum() == digits.x.size and counts.iloc[-1] == (digits.x == 16).sum()
    means = mean_images(sampled, CATALOG["digits"], 4)
    assert list(means) == ["0", "1", "2", "3"]
    np.testing.assert_allclose(means["3"], digits.x[digits.y == 3].mean(axis=0), rtol=1e-5)


@pytest.fixture
def copied(workspace, tmp_path):
    """200 rows: three of them the same with two labels, two that are nearly the same."""
    x = np.random.default_rng(0).normal(size=(200, 4))
    y = np.arange(200) % 2
    x[10] = x[20] = x[31]
    x[50] = x[90] + 1e-6
    return stored(tmp_path, x=x, y=y)


def test_copies_are_found_with_their_rows_those_of_different_labels_first(copied):
    found = find_copies(copied)
    assert (found.samples, found.looked) == (200, 200)
    assert (found.exact, found.near, found.groups, found.mixed) == (2, 1, 2, 1)
    first, second = found.shown
    assert first.rows == (10, 20, 31) and first.size == 3 and first.is_exact and first.is_mixed
    assert first.y.tolist() == [0, 0, 1] and np.array_equal(first.x[0], first.x[2])
    assert second.rows == (50, 90) and not second.is_exact and not second.is_mixed


def test_a_dataset_without_copies_has_none(workspace, tmp_path):
    info = stored(tmp_path, x=np.random.default_rng(1).normal(size=(50, 4)), y=np.arange(50) % 2)
    found = find_copies(info)
    assert (found.exact, found.near, found.groups, found.shown) == (0, 0, 0, ())


def test_iris_has_the_pair_that_is_known_of_it():
    found = find_copies(CATALOG["iris"])
    assert found.exact == 1 and (101, 142) in [group.rows for group in found.shown]
