"""Datasets that users brought: stored, kept in MLflow, trained on, read back."""

import json
import subprocess
import sys
from dataclasses import replace

import h5py
import keras
import numpy as np
import pytest

from experiments.core.errors import DatasetError, SpecError
from experiments.data.catalog import CATALOG, Kind, Source, Task
from experiments.data.loading import load_dataset
from experiments.data.preview import class_counts, look
from experiments.data.reading.reader import Block, ColumnKind, Feature, Plan, ReadOptions
from experiments.data.reading.storing import describe, slug, store_file, write_samples
from experiments.data.stored import (
    DESCRIPTION_FILE,
    SAMPLES_FILE,
    find_info,
    folder_of,
    read_description,
    stored_names,
    write_description,
)
from experiments.running.inline_launcher import run_inline
from experiments.saving.exports import export_run
from experiments.spec.spec_files import load_spec, parse_spec
from experiments.tracking.artifacts import fetch_artifact
from experiments.tracking.run_specs import get_spec
from experiments.tracking.runs import list_experiments, list_runs
from experiments.tracking.store import Store
from experiments.tracking.stored_datasets import (
    add_dataset,
    delete_dataset,
    fetch_dataset,
    known_name,
    list_datasets,
)

SAMPLES = 300
FEATURES = (
    Feature("height"), Feature("color", ColumnKind.CATEGORICAL, ("blue", "green", "red")),
    Feature("width"), Feature("depth"),
)  # fmt: skip
PLAN = Plan(
    Kind.TABULAR, Task.BINARY, (4,), SAMPLES, "float32", "won", ("no", "yes"), FEATURES
)  # fmt: skip


def table():
    random = np.random.default_rng(0)
    numbers, color = random.normal(size=(SAMPLES, 3)), random.integers(0, 3, SAMPLES)
    x = np.column_stack([numbers[:, 0], color, numbers[:, 1:]]).astype("float32")
    y = (numbers[:, 0] + 2 * (color == 1) > 0.7).astype(np.int64)
    x[::7, 2] = np.nan
    x[5, 1] = np.nan
    return x, y


@pytest.fixture
def home(store, monkeypatch):
    monkeypatch.setenv("KERASCOPE_HOME", str(store.settings.home))
    return store.settings.home


def keep(plan, x, y, title="mixed table", rows=100):
    unfinished = folder_of("unfinished")
    unfinished.mkdir(parents=True)
    blocks = (Block(x[i : i + rows], y[i : i + rows]) for i in range(0, len(x), rows))
    digest, highest = write_samples(unfinished / SAMPLES_FILE, plan, blocks)
    info = describe(plan, f"{slug(title)}@{digest}", title, highest)
    write_description(info, unfinished / DESCRIPTION_FILE)
    unfinished.rename(folder_of(digest))
    return info


@pytest.fixture
def info(home):
    return keep(PLAN, *table())


def test_description_is_read_back_whole(info):
    assert find_info(info.name) == info
    assert info.source is Source.STORED and info.number_columns == [(0, 1), (2, 4)]
    assert stored_names() == [info.name]
    renamed = read_description(folder_of(info.content_hash) / DESCRIPTION_FILE, "other@" + "0" * 16)
    assert renamed.name.startswith("other@") and renamed.samples == SAMPLES


def test_samples_and_hash_are_the_same_however_they_come_in_blocks(info, tmp_path):
    x, y = table()
    dataset = load_dataset(parse_spec({"dataset": {"name": info.name}}).dataset, 1)
    np.testing.assert_array_equal(dataset.x, x)
    np.testing.assert_array_equal(dataset.y, y.reshape(-1, 1).astype("float32"))
    assert dataset.content_hash == info.content_hash
    blocks = iter([Block(x[:7], y[:7]), Block(x[7:], y[7:])])
    assert write_samples(tmp_path / "again.h5", PLAN, blocks).digest == info.content_hash
    other = x.copy()
    other[17, 3] += 1
    written = write_samples(tmp_path / "other.h5", PLAN, iter([Block(other, y)]))
    assert written.digest != info.content_hash


@pytest.mark.parametrize(
    "change",
    [
        {"class_names": ("lost", "won")},
        {"task": Task.REGRESSION, "class_names": ()},
        {
            "features": (
                FEATURES[0],
                replace(FEATURES[1], categories=("a", "b", "c")),
                *FEATURES[2:],
            )
        },
        {"features": (replace(FEATURES[0], name="length"), *FEATURES[1:])},
    ],
)
def test_the_same_numbers_with_another_meaning_are_other_data(info, tmp_path, change):
    plan = replace(PLAN, **change)
    written = write_samples(tmp_path / "other.h5", plan, iter([Block(*table())]))
    assert written.digest != info.content_hash


def test_only_the_first_samples_are_another_content(info):
    spec = parse_spec({"dataset": {"name": info.name, "max_samples": 50}})
    dataset = load_dataset(spec.dataset, 1)
    assert len(dataset.x) == len(dataset.y) == 50
    assert dataset.content_hash != info.content_hash


def test_file_that_changed_between_two_looks_is_refused(tmp_path):
    x, y = table()
    with pytest.raises(DatasetError, match="300 samples were found and then 299"):
        write_samples(tmp_path / "short.h5", PLAN, iter([Block(x[:-1], y[:-1])]))


def test_unknown_names_are_told_with_what_there_is(info):
    with pytest.raises(DatasetError, match=r"Did you mean 'digits'.*mixed_table@"):
        find_info("digit")
    with pytest.raises(DatasetError, match="not in the store"):
        find_info("gone@0123456789abcdef")
    with pytest.raises(SpecError, match=r"dataset\.name"):
        parse_spec({"dataset": {"name": "gone@0123456789abcdef"}})


def test_another_machine_fetches_it_from_mlflow(info, store, monkeypatch, tmp_path):
    added = add_dataset(store, info, "table.csv")
    assert (added.name, added.title, added.file) == (info.name, "mixed table", "table.csv")
    there = Store(replace(store.settings, home=tmp_path / "other machine"))
    monkeypatch.setattr("experiments.core.settings._in_use", there.settings)
    assert stored_names() == []
    assert known_name(there, "mixed_table") == info.name
    assert known_name(there, "digits") == "digits"
    assert not (folder_of(info.content_hash) / SAMPLES_FILE).exists()
    assert fetch_dataset(there, info.name) == info
    np.testing.assert_array_equal(look(info).x, table()[0][:200])


def test_datasets_are_no_runs_and_the_same_content_is_kept_once(info, store):
    add_dataset(store, info, "table.csv")
    again = add_dataset(store, describe(PLAN, f"new@{info.content_hash}", "new", 1.0), "other.csv")
    assert [(one.name, one.title) for one in list_datasets(store)] == [(again.name, "new")]
    assert list_runs(store) == []
    assert all("datasets" not in experiment.name for experiment in list_experiments(store))


def test_deleted_dataset_is_told(info, store):
    add_dataset(store, info, "table.csv")
    delete_dataset(store, "mixed_table")
    assert list_datasets(store) == [] and stored_names() == []
    with pytest.raises(DatasetError, match=r"Add its file again|Choose one of"):
        known_name(store, info.name)


def test_run_on_a_mixed_table_can_be_read_back_and_repeated(info, store, tmp_path):
    add_dataset(store, info, "table.csv")
    spec = load_spec("dataset: {name: mixed_table}\ntraining: {epochs: 3}", None,
                     lambda name: known_name(store, name))  # fmt: skip
    run_id, status = run_inline(store, spec)
    assert status == "FINISHED"
    assert get_spec(store, run_id) == spec
    inputs = store.client.get_run(run_id).inputs.dataset_inputs
    assert [(one.dataset.name, one.dataset.digest) for one in inputs] == [
        ("mixed_table", info.content_hash)
    ]

    # stock Keras reads the file, and the model takes rows with missing and unknown values
    model = keras.models.load_model(fetch_artifact(store, run_id, "model/model.h5"), compile=False)
    with np.load(fetch_artifact(store, run_id, "predictions.npz")) as recorded:
        x = table()[0][recorded["index"]]
        np.testing.assert_allclose(model.predict(x, verbose=0), recorded["prediction"], rtol=1e-6)
    odd = np.array([[0, np.nan, 1, 1], [np.nan, 7, np.nan, 1]], "float32")
    assert np.isfinite(model.predict(odd, verbose=0)).all()

    export_run(store, run_id, "script", tmp_path / "script.py")
    export_run(store, run_id, "history", tmp_path / "history.json")
    (tmp_path / "samples.h5").hardlink_to(folder_of(info.content_hash) / SAMPLES_FILE)
    ours = json.loads((tmp_path / "history.json").read_text())
    subprocess.run([sys.executable, "script.py"], cwd=tmp_path, check=True, capture_output=True)
    theirs = json.loads((tmp_path / "history.json").read_text())
    assert theirs["val_loss"] == ours["val_loss"] and len(ours["loss"]) == 3


def test_missing_number_counts_as_the_mean_of_the_training_part(info, store):
    from experiments.data.split.splits import divide
    from experiments.models.building import build_model

    spec = parse_spec({"dataset": {"name": info.name}})
    dataset = load_dataset(spec.dataset, 1)
    split = divide(dataset.y, spec.split, 1)
    model = build_model(spec, dataset, split)
    mean = np.nanmean(dataset.x[split.train].astype("float64"), axis=0)
    missing, filled = np.array([[0.5, 1, np.nan, 2]]), np.array([[0.5, 1, mean[2], 2]])
    np.testing.assert_allclose(
        model.predict(missing, verbose=0), model.predict(filled, verbose=0), atol=1e-6
    )


def test_preview_shows_some_of_each_class_and_every_feature(info):
    preview = look(info)
    counts = class_counts(info, preview.y)
    assert counts.sum() == SAMPLES and list(counts.index) == ["no", "yes"]
    assert list(preview.columns["Missing"]) == [0, 1, len(range(0, SAMPLES, 7)), 0]
    assert list(preview.columns["Kind"]) == ["number", "3 categories", "number", "number"]
    images = look(CATALOG["digits"])
    assert np.bincount(images.y[images.rows].astype(int)).tolist() == [8] * 10
    with h5py.File(folder_of(info.content_hash) / SAMPLES_FILE) as file:
        assert preview.bytes_in_memory == file["x"].size * 4


def test_float_images_are_scaled_by_their_brightest_pixel(home, tmp_path):
    from sklearn.datasets import load_digits

    digits = load_digits()
    np.savez(tmp_path / "digits.npz", x=digits.images.astype("float32"), y=digits.target)
    info = store_file(tmp_path / "digits.npz", "digits", ReadOptions())
    assert (info.kind, info.white, info.shape) == (Kind.IMAGE, 16.0, (8, 8, 1))
    dataset = load_dataset(parse_spec({"dataset": {"name": info.name}}).dataset, 1)
    np.testing.assert_array_equal(dataset.x[..., 0], digits.images)
    np.testing.assert_array_equal(dataset.y, digits.target)
