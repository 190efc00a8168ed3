"""The split audit, drawn on the launch page and on a run's page."""

import json
import shutil

import numpy as np

from dashboard.chart.split_chart import share_figure, share_table
from dashboard.chart.split_view import class_table, copies_table, row_table
from experiments.data.dataset_spec import DatasetSpec
from experiments.data.loading import load_dataset
from experiments.data.split.audit import AUDIT_FILE, audit_split
from experiments.data.split.split_spec import SplitSpec
from experiments.data.split.splits import divide
from tests.dashboard.conftest import texts


def audit(name, method="last"):
    dataset = load_dataset(DatasetSpec(name=name), 1)
    return audit_split(dataset, divide(dataset.y, SplitSpec(method=method), 1))


def test_shares_are_of_each_part():
    table = share_table(audit("iris"))
    assert list(table.columns) == ["training", "validation"]
    assert table.loc["virginica"].tolist() == [20 / 120, 1.0]
    assert np.allclose(table.sum(), 1)


def test_the_figure_has_a_bar_for_each_class_and_part():
    bars = share_figure(audit("iris")).data
    assert [bar.name for bar in bars] == ["training", "validation"]
    assert [len(bar.x) for bar in bars] == [3, 3]
    assert len(share_figure(audit("diabetes")).data[0].y) == 20


def test_tables_say_rows_classes_and_copies():
    found = audit("iris")
    assert row_table(found).loc["validation", "Rows"] == "120 to 149"
    assert "more ranges" in row_table(audit("iris", "shuffled")).loc["training", "Rows"]
    assert class_table(found).loc["virginica"].tolist() == [20, 16.7, 30, 100.0]
    assert copies_table(found).values.tolist() == [["exact", 101, "validation", 142]]


def test_a_run_shows_its_warnings_and_launches_again_with_a_better_split(
    store, make_run, open_page
):
    run_id = make_run(dataset={"name": "iris"})
    store.client.log_text(run_id, json.dumps(audit("iris").to_dict()), AUDIT_FILE)
    said = texts(open_page("run", run=run_id))
    assert "sorted by class, and its last part validates" in said
    shutil.rmtree(store.settings.home / "downloads")  # as after a day
    app = open_page("run", run=run_id, tab="Split")
    assert not app.exception and "is also in training" in texts(app)
    buttons = [
        button for button in app.button if "Launch again with a stratified split" in button.label
    ]
    assert len(buttons) == 1
    buttons[0].click().run()
    assert not app.exception
    assert app.session_state["launch values"]["split.method"] == "stratified"
    assert app.session_state["launch values"]["dataset.name"] == "iris"


def test_folds_are_one_click_where_nothing_speaks_against_the_split(store, make_run, open_page):
    run_id = make_run(dataset={"name": "digits"}, split={"method": "stratified"})
    found = audit("digits", "stratified")
    store.client.log_text(run_id, json.dumps(found.to_dict()), AUDIT_FILE)
    app = open_page("run", run=run_id, tab="Split")
    labels = [button.label for button in app.button]
    assert "Shuffled split" in labels and "Stratified split" not in labels
    next(b for b in app.button if b.label == "5 folds, a run each").click().run()
    assert not app.exception
    values = app.session_state["launch values"]
    assert values["split.folds"] == 5 and values["split.method"] == "stratified"


def test_a_run_without_an_audit_shows_what_it_showed_before(make_run, open_page):
    app = open_page("run", run=make_run())
    titles = ["Predictions", "What it learned", "Parameters", "Files", "Log"]
    assert [tab.label for tab in app.tabs] == titles


def test_a_damaged_audit_costs_one_sentence_and_never_the_page(store, make_run, open_page):
    for text in ('{"parts": 3}', "{"):
        run_id = make_run()
        store.client.log_text(run_id, text, AUDIT_FILE)
        app = open_page("run", run=run_id)
        assert not app.exception and "train the run again" in texts(app).lower()
        assert len(app.tabs) == 5
