"""Every page in its empty, loaded and error states."""

import numpy as np
import pytest

from dashboard.launch.presets import PRESETS
from experiments.core.errors import RunNotFoundError
from experiments.tracking.run_specs import get_spec
from experiments.tracking.runs import RunStatus, get_run, list_runs
from experiments.tracking.store import Store
from tests.dashboard.conftest import OVERFITTING, texts

PAGES = ("runs", "launch", "run", "compare", "models")


@pytest.mark.parametrize("page", ["runs", "run", "compare", "models"])
def test_an_empty_page_says_what_to_do_next(open_page, page):
    app = open_page(page)
    assert not app.exception
    assert "Launch the first run" in [button.label for button in app.button]


@pytest.mark.parametrize("page", ["runs", "run", "compare", "models"])
def test_a_store_that_is_down_is_told_without_a_traceback(open_page, monkeypatch, page):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    app = open_page(page)
    assert not app.exception
    assert "cannot be used" in app.error[0].value


def test_runs_lists_every_run_with_its_best_value(open_page, make_run):
    make_run(name="first")
    make_run(RunStatus.RUNNING, name="second")
    app = open_page("runs")
    assert not app.exception
    table = app.dataframe[0].value
    assert list(table["Name"]) == ["second", "first"]
    assert list(table["Status"].map(list)) == [["● RUNNING"], ["✓ FINISHED"]]
    saved = int(np.argmin(OVERFITTING["val_loss"]))
    assert table["Best"].iloc[1] == pytest.approx(OVERFITTING["val_accuracy"][saved])


def test_runs_keeps_its_filter_from_the_url(open_page, make_run):
    make_run(name="first")
    make_run(RunStatus.FAILED, name="second", reason="Out of memory.")
    app = open_page("runs", status="FAILED")
    assert list(app.dataframe[0].value["Name"]) == ["second"]
    app = open_page("runs", q="firs digits")
    assert list(app.dataframe[0].value["Name"]) == ["first"]


def test_runs_shows_deleted_runs_and_restores_them(open_page, make_run, store: Store):
    run_id = make_run(name="first")
    store.client.delete_run(run_id)
    app = open_page("runs", view="Deleted")
    assert list(app.dataframe[0].value["Name"]) == ["first"]
    assert "Restore" in [button.label for button in app.button]


def test_run_shows_curves_verdict_and_predictions(open_page, make_run):
    app = open_page("run", run=make_run(name="first"))
    assert not app.exception
    said = texts(app)
    assert "first" in said
    assert "overfitting" in said
    assert "Launch again with early stopping" in said
    assert "90 of 100" in said
    assert "8 mistaken for 3 · 10" in said


def test_run_that_is_under_way_shows_progress_and_a_stop_button(open_page, make_run, store: Store):
    run_id = make_run(RunStatus.RUNNING)
    app = open_page("run", run=run_id)
    assert not app.exception
    next(button for button in app.button if button.label == "Stop").click()
    app.run()
    assert get_run(store, run_id).stop_requested
    assert "Stopping…" in [button.label for button in app.button]


@pytest.mark.parametrize("status", [RunStatus.FAILED, RunStatus.KILLED])
def test_run_that_did_not_finish_shows_its_reason(open_page, make_run, status):
    run_id = make_run(status, history=None, artifacts=False, reason="It ran out of memory.")
    app = open_page("run", run=run_id)
    assert not app.exception
    shown = app.error if status is RunStatus.FAILED else app.warning
    assert "It ran out of memory" in shown[0].value.replace("\\", "")


def test_run_without_artifacts_shows_the_rest(open_page, make_run):
    app = open_page("run", run=make_run(artifacts=False))
    assert not app.exception
    assert "recorded no predictions" in texts(app)
    assert "overfitting" in texts(app)


@pytest.mark.parametrize("page", ["run", "models"])
def test_an_unknown_run_in_the_url_is_told_with_the_way_back(open_page, make_run, page):
    make_run()
    app = open_page(page, run="no-such-run")
    assert not app.exception
    assert "No run" in app.error[0].value
    assert app.main.get("page_link")


@pytest.fixture
def foreign_run(store: Store) -> str:
    """A run that another tool logged: its own experiment, names and steps."""
    experiment = store.client.create_experiment("theirs")
    run = store.client.create_run(experiment, run_name="theirs")
    for epoch in range(30):
        for name, column in (("train_loss", "loss"), ("valid_loss", "val_loss")):
            store.client.log_metric(
                run.info.run_id, name, OVERFITTING[column][epoch], step=epoch, synchronous=True
            )
    store.client.set_terminated(run.info.run_id)
    return run.info.run_id


def test_runs_shows_other_experiments_when_they_are_chosen(open_page, make_run, foreign_run, store):
    make_run(name="ours")
    assert list(open_page("runs").dataframe[0].value["Name"]) == ["ours"]
    theirs = get_run(store, foreign_run).experiment_id
    app = open_page("runs", experiments=theirs)
    assert not app.exception
    assert list(app.dataframe[0].value["Name"]) == ["theirs"]
    app.switch_page("compare/page.py").run()
    assert not app.exception
    assert list(app.multiselect(key="runs picked").options) == [f"theirs · {foreign_run[:6]}"]


def test_runs_tells_of_an_unknown_experiment_and_shows_ours(open_page, make_run, foreign_run):
    make_run(name="ours")
    app = open_page("runs", experiments="no-such")
    assert not app.exception
    assert "no experiment" in app.error[0].value
    assert list(app.dataframe[0].value["Name"]) == ["ours"]


def test_runs_are_shown_page_by_page(open_page, make_run):
    for number in range(51):
        make_run(RunStatus.SCHEDULED, name=f"trial-{number}-end")
    app = open_page("runs")
    assert len(app.dataframe[0].value) == 50
    app.query_params["page"] = "2"
    app.run()
    assert list(app.dataframe[0].value["Name"]) == ["trial-0-end"]
    app = open_page("runs", q="trial-7-end")
    assert list(app.dataframe[0].value["Name"]) == ["trial-7-end"]


def test_a_run_of_another_tool_has_curves_verdict_and_replay_but_no_changes(
    open_page, make_run, foreign_run
):
    make_run()
    app = open_page("run", run=foreign_run, stopping="true")
    assert not app.exception
    assert not app.error
    said = texts(app)
    assert "overfitting" in said
    assert "read only" in said
    assert "would have ended this run" in said
    labels = {button.label for button in app.button}
    assert not labels & {"Clone", "Stop", "Resume", "Launch with it"}


def test_the_columns_of_a_verdict_can_be_corrected(open_page, make_run):
    run_id = make_run(history=OVERFITTING | {"val_loss": OVERFITTING["loss"]})
    assert "overfitting" not in texts(open_page("run", run=run_id))
    swapped = OVERFITTING | {"val_other": OVERFITTING["val_loss"], "val_loss": OVERFITTING["loss"]}
    run_id = make_run(history=swapped)
    app = open_page("run", run=run_id, train="loss", val="val_other")
    assert not app.exception
    assert "overfitting" in texts(app)


def test_run_says_when_it_should_have_stopped_only_when_asked(open_page, make_run):
    run_id = make_run()
    assert "would have ended" not in texts(open_page("run", run=run_id))
    assert "would have ended this run" in texts(open_page("run", run=run_id, stopping="true"))


def test_compare_shows_all_runs_unless_some_are_named(open_page, make_run):
    first = make_run(name="first")
    second = make_run(name="second", training={"epochs": 50})
    third = make_run(name="third")
    app = open_page("compare", tab="Table")
    assert not app.exception
    assert list(app.dataframe[0].value.index) == ["third", "second", "first"]
    app = open_page("compare", tab="Table", runs=f"{first},{second}")
    best, differing = (frame.value for frame in app.dataframe)
    assert list(best.index) == ["first", "second"]
    assert list(differing.index) == ["training.epochs"]
    app = open_page("compare", tab="Table", runs=f"{first},{third}", where="third")
    assert list(app.dataframe[0].value.index) == ["third"]


def test_compare_shows_each_run_against_a_pinned_baseline(open_page, make_run):
    first = make_run(name="first")
    second = make_run(name="second", training={"epochs": 50})
    app = open_page("compare", tab="Table", runs=f"{first},{second}", baseline=first)
    assert not app.exception
    changes = app.dataframe[1].value
    assert changes.loc["training.epochs", "second"].startswith("30 → 50")


@pytest.mark.parametrize(
    "view", ["Curves", "Table", "Verdicts", "Parameters", "Early stopping", "Export"]
)
def test_every_view_of_a_comparison_takes_runs_with_and_without_epochs(open_page, make_run, view):
    make_run(name="first", training={"learning_rate": 0.1})
    make_run(RunStatus.RUNNING, name="second")
    make_run(RunStatus.SCHEDULED, name="third")
    make_run(RunStatus.FAILED, history=None, artifacts=False, name="fourth")
    app = open_page("compare", tab=view)
    assert not app.exception
    assert not app.error


@pytest.mark.parametrize("chart", ["Two of them", "All at once", "Importance"])
def test_compare_draws_what_parameters_did(open_page, make_run, chart):
    for rate in (0.1, 0.01):
        make_run(training={"learning_rate": rate})
    app = open_page("compare", tab="Parameters", picture=chart)
    assert not app.exception
    drawn = len(app.get("plotly_chart"))
    assert drawn == (0 if chart == "Importance" else 1)
    if chart == "Importance":
        assert "at least 10" in texts(app)


def test_compare_tells_of_a_filter_that_is_wrong_and_keeps_it(open_page, make_run):
    make_run()
    app = open_page("compare", where="val_loss <")
    assert not app.exception
    assert "The filter is not applied" in app.error[0].value
    assert app.text_input(key="where").value == "val_loss <"


def test_compare_offers_the_early_stopping_that_would_have_saved_most(open_page, make_run):
    run_id = make_run(name="first")
    app = open_page("compare", tab="Early stopping", runs=run_id)
    assert "would have ended this run" in texts(app)
    next(button for button in app.button if button.label == "Launch with it").click()
    app.run()
    assert app.toggle(key="launch.callbacks.early_stopping.on").value
    assert app.number_input(key="launch.callbacks.early_stopping.patience").value > 0


def test_compare_tells_of_an_unknown_run_and_shows_the_others(open_page, make_run):
    app = open_page("compare", tab="Verdicts", runs=f"{make_run(name='first')},no-such-run")
    assert not app.exception
    assert "No run" in app.error[0].value
    assert "first" in texts(app)


def test_launch_makes_the_run_of_the_form_with_one_click(open_page, store: Store):
    app = open_page("launch")
    assert not app.exception
    next(button for button in app.button if button.label == "Launch").click()
    app.run()
    (run,) = list_runs(store)
    assert run.status is RunStatus.SCHEDULED
    assert get_spec(store, run.id) == PRESETS[0].spec


def test_launch_shows_the_spec_as_yaml_in_step_with_the_form(open_page):
    app = open_page("launch")
    app.number_input(key="launch.training.epochs").set_value(77).run()
    assert "epochs: 77" in app.text_area[0].value


def test_launch_takes_edited_yaml_over_into_the_form(open_page):
    app = open_page("launch")
    app.text_area[0].set_value("dataset: {name: iris}\nmodel: {layers: [8]}\n").run()
    assert app.number_input(key="launch.training.epochs").value == 30
    next(button for button in app.button if button.label == "Apply to the form").click()
    app.run()
    assert not app.exception
    assert app.selectbox(key="launch.dataset.name").value == "iris"
    assert app.text_input(key="launch.model.layers").value == "8"


def test_launch_keeps_yaml_that_is_not_applied_while_other_pages_are_looked_at(open_page):
    app = open_page("launch")
    app.text_area[0].set_value("name: half typed").run()
    app.switch_page("runs/page.py").run()
    app.switch_page("launch/page.py").run()
    assert app.text_area[0].value == "name: half typed"


def test_launch_keeps_yaml_that_is_refused_and_names_the_field(open_page):
    app = open_page("launch")
    wrong = "training: {epochs: many}\n"
    app.text_area[0].set_value(wrong).run()
    next(button for button in app.button if button.label == "Apply to the form").click()
    app.run()
    assert "training.epochs" in app.error[0].value.replace("\\", "")
    assert app.text_area[0].value == wrong


def test_launch_keeps_what_was_typed_while_another_page_is_looked_at(open_page):
    app = open_page("launch")
    app.number_input(key="launch.training.epochs").set_value(77).run()
    app.switch_page("runs/page.py").run()
    app.switch_page("launch/page.py").run()
    assert app.number_input(key="launch.training.epochs").value == 77


def test_launch_refuses_a_field_by_name_and_keeps_it(open_page):
    app = open_page("launch")
    app.text_input(key="launch.model.layers").set_value("64, many").run()
    assert "model.layers" in app.error[0].value.replace("\\", "")
    assert app.text_input(key="launch.model.layers").value == "64, many"
    assert next(button for button in app.button if button.label == "Launch").disabled


def test_launch_is_filled_with_a_cloned_run(open_page, make_run):
    run_id = make_run(name="first", training={"epochs": 55})
    app = open_page("launch", clone=run_id)
    assert app.number_input(key="launch.training.epochs").value == 55
    app = open_page("launch", **{"clone": run_id, "with": "early_stopping"})
    assert app.toggle(key="launch.callbacks.early_stopping.on").value
    change = "callbacks.early_stopping.patience=7;seed=3"
    app = open_page("launch", **{"clone": run_id, "with": change})
    assert app.number_input(key="launch.callbacks.early_stopping.patience").value == 7
    assert app.number_input(key="launch.seed").value == 3


def test_launch_tells_of_an_unknown_run_to_clone(open_page):
    app = open_page("launch", clone="no-such-run")
    assert not app.exception
    assert "No run" in app.error[0].value


def test_get_run_raises_for_the_run_that_the_pages_tell_of(store: Store):
    with pytest.raises(RunNotFoundError):
        get_run(store, "no-such-run")


def test_a_run_that_has_ended_is_resumed_from_its_page(open_page, make_run, store: Store):
    run_id = make_run(RunStatus.KILLED, reason="Stopped on request.")
    app = open_page("run", run=run_id)
    assert not app.exception
    app.session_state["resume open"] = True
    app.run()
    app.number_input(key=f"resume to {run_id}").set_value(44).run()
    app.button(key=f"resume {run_id}").click().run()
    assert not app.exception
    run = get_run(store, run_id)
    assert (run.status, run.epochs) == (RunStatus.SCHEDULED, 44)


def test_a_run_without_checkpoint_says_that_it_begins_anew_and_cannot_branch(open_page, make_run):
    app = open_page("run", run=make_run(RunStatus.FAILED, reason="Out of memory."))
    app.session_state["resume open"] = True
    assert "it starts over" in texts(app.run())
    app.session_state["branch open"] = True
    assert "nothing to branch from" in texts(app.run())


def test_launch_branches_off_a_checkpoint_with_the_settings_of_the_form(
    open_page, make_run, keep_checkpoint, store: Store
):
    run_id = make_run(name="first")
    keep_checkpoint(run_id, epoch=12)
    app = open_page("launch", **{"clone": run_id, "from": "12"})
    assert not app.exception
    assert "Continues after 12 epochs from a checkpoint of" in texts(app)
    app.number_input(key="launch.training.learning_rate").set_value(0.01).run()
    next(button for button in app.button if button.label == "Launch").click()
    app.run()
    child = list_runs(store)[0]
    spec = get_spec(store, child.id)
    assert (child.parent_id, spec.start.run, spec.start.epoch) == (run_id, run_id, 12)
    assert spec.training.learning_rate == 0.01


def test_launch_can_drop_where_a_run_starts(open_page, make_run, keep_checkpoint):
    run_id = make_run(name="first")
    keep_checkpoint(run_id, epoch=12)
    app = open_page("launch", **{"clone": run_id, "from": "12"})
    next(button for button in app.button if button.label == "Start fresh instead").click()
    app.run()
    assert "Continues after" not in texts(app)
    assert "start: null" in app.text_area[0].value


def test_run_links_to_the_run_that_it_came_from_and_back(open_page, make_run, store: Store):
    parent = make_run(name="first")
    child = make_run(name="second")
    store.client.set_tag(child, "mlflow.parentRunId", parent)
    for shown, other in ((child, "first"), (parent, "second")):
        app = open_page("run", run=shown)
        links = [link.proto.label for link in app.main.get("page_link")]
        assert any(other in label for label in links)
