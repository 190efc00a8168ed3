"""The sections of a run's page that open when somebody asks."""

import pytest

from experiments.tracking.changes import create_run, end_run, set_tags, start_run
from experiments.tracking.runs import RunStatus, Tag, list_runs
from tests.dashboard.conftest import OVERFITTING, texts

EPOCHS = len(OVERFITTING["loss"])
RECORDED = OVERFITTING | {
    "loss_training_mode": [value + 0.05 for value in OVERFITTING["train_eval_loss"]],
    "loss_penalty": [0.01] * EPOCHS,
    "se_val_loss": [0.02] * EPOCHS,
    "se_train_eval_loss": [0.001] * EPOCHS,
    "se_loss_training_mode": [0.002] * EPOCHS,
}


def test_why_the_curves_differ_is_told_when_it_is_asked_for(open_page, make_run):
    run_id = make_run(history=RECORDED, model={"name": "mlp", "dropout": 0.3})
    assert "At the best epoch" not in texts(open_page("run", run=run_id))
    app = open_page("run", run=run_id, gap="true")
    assert not app.exception
    said = texts(app)
    assert "At the best epoch (10)" in said
    assert "Dropout adds 0.05" in said
    assert "true gap" in said
    assert any("training mode" in table.value.index for table in app.table)


def test_a_run_that_recorded_keras_own_losses_only_is_told_what_they_say(open_page, make_run):
    losses = {name: OVERFITTING[name] for name in ("loss", "val_loss")}
    app = open_page("run", run=make_run(history=losses), gap="true")
    assert not app.exception
    assert "estimated from the slope" in texts(app)


def test_what_is_recorded_about_the_gap_is_no_curve_of_its_own(open_page, make_run):
    app = open_page("run", run=make_run(history=RECORDED))
    assert not app.exception
    titles = [chart.proto.spec for chart in app.get("plotly_chart")]
    assert not any("penalty" in title or "se_val" in title for title in titles)


def test_remedies_are_ticked_by_the_verdict_and_queued_with_controls(open_page, make_run, store):
    run_id = make_run()
    app = open_page("run", run=run_id, remedies="true")
    assert not app.exception
    ticked = {box.key.split()[-1] for box in app.checkbox if box.value}
    assert ticked == {
        "dropout", "l2", "smaller", "augmentation", "more_data", "early_stopping", "lower_rate",
    }  # fmt: skip
    for name in ticked - {"dropout"}:
        app.checkbox(key=f"remedy {run_id} {name}").uncheck()
    app.number_input(key=f"remedy seeds {run_id}").set_value(2)
    app.run()
    button = app.button(key="remedy queue")
    assert button.label == "Queue 4 runs"
    button.click().run()
    assert not app.exception
    children = [run for run in list_runs(store) if run.parent_id == run_id]
    assert {child.status for child in children} == {RunStatus.SCHEDULED}
    assert sorted(child.tags[Tag.REMEDY] for child in children) == [
        "control", "control", "dropout", "dropout",
    ]  # fmt: skip
    assert {child.params["split.seed"] for child in children} == {"1"}
    assert "Not yet." in texts(app)


def test_the_outcome_of_remedies_is_told(open_page, make_run, store):
    from experiments.tracking.run_specs import get_spec

    run_id = make_run()
    better = OVERFITTING | {"val_loss": [v - 0.2 for v in OVERFITTING["val_loss"]]}
    for seed in (2, 3):
        for remedy, history in (("control", OVERFITTING), ("dropout", better)):
            child = make_run(history=history, seed=seed)
            set_tags(store, child, {Tag.PARENT: run_id, Tag.REMEDY: remedy})
    app = open_page("run", run=run_id, remedies="true")
    assert not app.exception
    assert "Closed the gap by 0.2" in texts(app).replace("\\", "")
    assert get_spec(store, run_id).seed == 1


@pytest.mark.parametrize("verdict", ["good_fit", "cant_tell"])
def test_nothing_is_ticked_where_the_verdict_suggests_nothing(open_page, store, verdict):
    from experiments.spec.run_spec import RunSpec

    run_id = create_run(store, RunSpec())
    start_run(store, run_id, "test:1")
    set_tags(store, run_id, {Tag.VERDICT: verdict})
    end_run(store, run_id, RunStatus.FINISHED, "Trained.")
    app = open_page("run", run=run_id, remedies="true")
    assert not app.exception
    assert app.checkbox
    assert not any(box.value for box in app.checkbox)
    assert app.button(key="remedy queue").disabled
