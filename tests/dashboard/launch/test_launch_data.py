"""The launch form's part about data: memory, groups, times, folds; and the runs that it makes."""

import numpy as np
import pandas as pd
import pytest

from experiments.data.reading.reader import ReadOptions
from experiments.data.reading.storing import store_file
from experiments.running.fold_runs import siblings_of, submit_all
from experiments.spec.spec_files import parse_spec
from experiments.tracking.changes import set_tags
from experiments.tracking.run_specs import get_spec
from experiments.tracking.runs import RunStatus, Tag, get_run, list_runs
from experiments.tracking.stored_datasets import add_dataset
from tests.dashboard.conftest import texts


@pytest.fixture
def visits(store, tmp_path):
    random = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "patient": [f"P{n % 20:02}" for n in range(200)],
            "day": pd.date_range("2024-01-01", periods=200).strftime("%Y-%m-%d"),
            "a": random.normal(size=200),
            "target": random.integers(0, 2, 200),
        }
    )
    path = tmp_path / "visits.csv"
    table.to_csv(path, index=False)
    info = store_file(path, "visits", ReadOptions(target="target", group="patient", time="day"))
    add_dataset(store, info, path.name)
    return info


def field(app, name):
    """The widget of a field of the form."""
    kinds = ("number_input", "selectbox", "slider", "toggle", "button_group")
    found = [one for kind in kinds for one in app.get(kind) if one.key == f"launch.{name}"]
    assert len(found) == 1, f"{len(found)} fields {name}"
    return found[0]


def fields(app):
    """Which fields of the split are there."""
    names = ("validation_split", "folds", "fold", "seed")
    kinds = ("number_input", "selectbox", "slider")
    keys = {one.key for kind in kinds for one in app.get(kind)}
    return [name for name in names if f"launch.split.{name}" in keys]


def test_columns_of_the_data_are_offered_to_split_by(visits, open_page):
    app = open_page("launch", dataset=visits.name)
    assert not app.exception
    assert field(app, "split.method").options[-2:] == ["By group: patient", "By time: day"]
    assert fields(app) == ["validation_split", "folds"]
    field(app, "split.method").set_value("time").run()
    assert not app.exception and fields(app) == ["validation_split"]


@pytest.fixture
def divided(store, tmp_path):
    """A dataset whose file has parts of its own."""
    random = np.random.default_rng(0)
    arrays = {}
    for part, count in (("train", 60), ("val", 20), ("test", 30)):
        arrays |= {f"x_{part}": random.normal(size=(count, 4)),
                   f"y_{part}": random.integers(0, 2, count)}  # fmt: skip
    np.savez(tmp_path / "rows.npz", **arrays)
    info = store_file(tmp_path / "rows.npz", "rows", ReadOptions())
    add_dataset(store, info, "rows.npz")
    return info


def test_a_part_can_be_held_out_for_the_test(open_page, store):
    app = open_page("launch")
    field(app, "split.test_split").set_value(0.2).run()
    next(button for button in app.button if button.label == "Launch").click().run()
    assert not app.exception
    assert get_spec(store, list_runs(store)[0].id).split.test_split == 0.2


def test_nothing_is_held_out_unless_asked_for(open_page, store):
    app = open_page("launch")
    next(button for button in app.button if button.label == "Launch").click().run()
    assert get_spec(store, list_runs(store)[0].id).split.test_split is None


def test_the_parts_of_a_file_are_taken_as_they_are(divided, open_page, store):
    app = open_page("launch", dataset=divided.name)
    assert field(app, "split.method").value == "given"
    assert fields(app) == [] and "launch.split.test_split" not in {one.key for one in app.slider}
    assert "In the file: 60 for training, 20 for validation, 30 for test" in texts(app)
    next(button for button in app.button if button.label == "Launch").click().run()
    assert not app.exception
    assert get_spec(store, list_runs(store)[0].id).split.method == "given"


def test_choosing_such_a_dataset_takes_its_parts_and_another_one_does_not(divided, open_page):
    app = open_page("launch")
    field(app, "split.test_split").set_value(0.2).run()
    field(app, "dataset.name").set_value(divided.name).run()
    assert not app.exception and field(app, "split.method").value == "given"
    field(app, "split.method").set_value("stratified").run()
    assert field(app, "split.method").value == "stratified"
    assert "launch.split.test_split" not in {one.key for one in app.slider}  # it has a test part
    field(app, "split.method").set_value("given").run()
    field(app, "dataset.name").set_value("iris").run()
    assert not app.exception and field(app, "split.method").value != "given"


def test_the_test_is_told_beside_the_best_value(open_page, make_run, store):
    run_id = make_run(name="tested", artifacts=False)
    for name, value in (("test_accuracy", 0.875), ("test_loss", 0.4), ("test_samples", 40.0)):
        store.client.log_metric(run_id, name, value)
    app = open_page("run", run=run_id)
    assert not app.exception
    (tested,) = [one for one in app.metric if one.label == "Test accuracy"]
    assert tested.value == "0.875" and "40 of them" in tested.help


def test_samples_can_stream_and_the_loop_can_be_plain(visits, open_page, store):
    app = open_page("launch", dataset=visits.name)
    field(app, "dataset.memory_mb").set_value(64).run()
    field(app, "training.loop").set_value("train_on_batch").run()
    next(button for button in app.button if button.label == "Launch").click().run()
    assert not app.exception
    spec = get_spec(store, list_runs(store)[0].id)
    assert spec.dataset.memory_mb == 64 and spec.training.loop == "train_on_batch"


def test_data_that_comes_along_cannot_stream(open_page, store):
    app = open_page("launch")
    assert "launch.dataset.memory_mb" not in {one.key for one in app.number_input}


def test_folds_make_a_run_of_each_that_know_each_other(visits, open_page, store):
    app = open_page("launch", dataset=visits.name)
    field(app, "split.method").set_value("group").run()
    field(app, "split.folds").set_value(4).run()
    assert fields(app) == ["folds", "fold", "seed"]
    button = next(button for button in app.button if button.label == "Launch 4 runs")
    button.click().run()
    assert not app.exception
    runs = list_runs(store)
    assert len(runs) == 4 and siblings_of(runs[0], runs) == runs[::-1]
    assert [get_spec(store, run.id).split.fold for run in runs[::-1]] == [1, 2, 3, 4]
    said = texts(app)
    assert "All 4 folds" in said and "None of 4 folds has finished yet" in said


def test_one_fold_alone_is_one_run(open_page, store):
    app = open_page("launch")
    field(app, "split.folds").set_value(5).run()
    field(app, "split.fold").set_value(2).run()
    next(button for button in app.button if button.label == "Launch").click().run()
    run = list_runs(store)[0]
    assert get_spec(store, run.id).split.fold == 2 and siblings_of(run, [run]) == []


def test_fewer_folds_than_the_chosen_one_choose_all(open_page):
    app = open_page("launch")
    field(app, "split.folds").set_value(5).run()
    field(app, "split.fold").set_value(5).run()
    field(app, "split.folds").set_value(3).run()
    assert not app.exception and field(app, "split.fold").value is None


def test_the_mean_over_the_folds_is_told_on_the_page_of_each(open_page, make_run, store):
    split = {"folds": 3, "method": "shuffled"}
    ids = [make_run(name=f"f{n}", artifacts=False, split=split | {"fold": n}) for n in (1, 2)]
    ids.append(make_run(RunStatus.SCHEDULED, name="f3", split=split | {"fold": 3}))
    for number, run_id in enumerate(ids):
        set_tags(store, run_id, {Tag.FOLDS: "together"})
        store.client.log_metric(run_id, "best_val_accuracy", 0.8 + number / 10)
    app = open_page("run", run=ids[1])
    assert not app.exception
    said = texts(app)
    assert "**0.850 ± 0.071** over 2 folds of 3 so far" in said, said
    table = next(one.value for one in app.dataframe if "Fold" in one.value)
    assert list(table["Fold"]) == [1, 2, 3]
    assert list(table["Status"]) == ["FINISHED", "FINISHED", "SCHEDULED"]


def test_folds_are_submitted_together_and_a_single_run_is_alone(store):
    ids = submit_all(store, parse_spec({"split": {"folds": 2, "method": "shuffled"}}))
    tags = {get_run(store, run_id).tags[Tag.FOLDS] for run_id in ids}
    assert len(ids) == 2 and len(tags) == 1
    (alone,) = submit_all(store, parse_spec({}))
    assert Tag.FOLDS not in get_run(store, alone).tags


def test_memory_that_was_needed_and_predicted_stands_on_the_run(open_page, make_run, store):
    run_id = make_run()
    for name, value in {"peak_memory_mb": 812.0, "predicted_memory_mb": 900.0}.items():
        store.client.log_metric(run_id, name, value)
    assert "Peak memory 812 MB (900 MB predicted)" in texts(open_page("run", run=run_id))


def test_a_field_that_a_browser_makes_anew_starts_with_what_stood_in_it(open_page):
    app = open_page("launch")
    field(app, "model.name").set_value("cnn")
    field(app, "split.validation_split").set_value(0.4)
    field(app, "training.epochs").set_value(7)
    field(app, "training.optimizer").set_value("sgd").run()
    assert not app.exception
    kind, optimizer = field(app, "model.name"), field(app, "training.optimizer")
    assert [kind.options[at] for at in kind.proto.default] == ["CNN"]
    assert optimizer.options[optimizer.proto.default] == "sgd"
    assert list(field(app, "split.validation_split").proto.default) == [0.4]
    assert field(app, "training.epochs").proto.default == 7


def test_a_kind_that_is_lost_does_not_break_the_page(open_page):
    app = open_page("launch")
    field(app, "model.name").set_value("cnn").run()
    app.session_state["launch.model.name"] = None
    app.run()
    assert not app.exception and field(app, "model.name").value == "cnn"
