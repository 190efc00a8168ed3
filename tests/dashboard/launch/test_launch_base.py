"""A pretrained base on the pages: chosen on Models, set on Launch, told about on Run."""

import keras
import pytest

from dashboard.launch.form_values import to_spec, to_values
from dashboard.run.pretraining_section import gain, transfer_table
from dashboard.shared import cache
from dashboard.shared.model_uploads import store_upload
from experiments.diagnosis.from_scratch import from_scratch
from experiments.running.inline_launcher import run_inline
from experiments.spec.spec_files import parse_spec
from experiments.tracking.changes import end_run, set_tags
from experiments.tracking.run_specs import get_spec
from experiments.tracking.runs import RunStatus, Tag, get_run, list_runs
from experiments.tracking.stored_bases import list_bases
from tests.dashboard.conftest import texts
from tests.dashboard.launch.test_launch_data import field

pytestmark = pytest.mark.usefixtures("processes_end")

DIGITS = {"name": "digits", "max_samples": 100}
CNN = {"name": "cnn", "filters": [4, 8], "dense": 0}
TUNE = {"after": 1, "learning_rate": 0.0001, "from_layer": "conv_2", "warmup_epochs": 1}


@pytest.fixture
def pretrained(store):
    spec = {"name": "old cnn", "dataset": DIGITS, "model": CNN, "training": {"epochs": 1}}
    run_id, status = run_inline(store, parse_spec(spec))
    assert status is RunStatus.FINISHED
    return run_id


def base_spec(run_id, **parts):
    model = {"name": "saved_base", "run": run_id, "layer": "flat"}
    return {"dataset": DIGITS, "model": model, "training": {"epochs": 4}} | parts


def spec_of(run_id, **parts):
    return parse_spec(base_spec(run_id, **parts))


def wait_for_preview(app):
    cache.previews().ask(_spec(app), "test").result(120)
    return app.run()


def _spec(app):
    return to_spec(app.session_state["launch values"])


@pytest.mark.parametrize(
    "parts",
    [
        {"finetune": TUNE | {"unfreeze_every": 2, "rate_decay": 0.5, "train_batch_norm": True}},
        {"augmentation": {"flip": True, "cached_copies": 3}},
        {"model": {"name": "application", "weights": "random"}, "finetune": TUNE},
    ],
)
def test_the_form_gives_back_every_setting_of_a_base(parts):
    spec = spec_of("0" * 32, **parts)
    assert to_spec(to_values(spec)) == spec


def test_copies_are_only_asked_for_where_there_is_a_base():
    spec = spec_of("0" * 32, augmentation={"flip": True, "cached_copies": 3})
    values = to_values(spec) | {"model.name": "cnn"}
    augmentation = to_spec(values).augmentation
    assert augmentation and augmentation.flip and augmentation.cached_copies is None


def test_a_model_is_cut_on_its_page_and_launched_as_a_base(open_page, pretrained, store):
    app = open_page("models", run=pretrained, tab="As a base")
    assert not app.exception
    cut = next(box for box in app.selectbox if box.label == "The base ends with")
    assert any("pool_2 · MaxPooling2D · 2 × 2 × 8" in option for option in cut.options)
    cut.set_value("pool_2").run()
    next(button for button in app.button if button.label == "Train a head on it").click().run()
    assert not app.exception
    app = open_page("launch", base=pretrained, layer="pool_2")  # where the click leads
    assert field(app, "model.run").value == pretrained
    assert field(app, "model.layer").value == "pool_2"
    field(app, "finetune.on").set_value(True).run()
    app = wait_for_preview(app)
    assert not app.exception
    blocks = field(app, "finetune.from_layer").options
    assert blocks[0] == "the whole base" and blocks[1].startswith("conv_2 · 296 parameters")
    field(app, "finetune.from_layer").set_value("conv_2").run()
    field(app, "finetune.learning_rate").set_value(0.01).run()
    app = wait_for_preview(app)
    assert "learns about as fast as the head" in texts(app)
    next(button for button in app.button if button.label == "Use 1e-05").click().run()
    assert field(app, "finetune.learning_rate").value == pytest.approx(1e-5)
    next(button for button in app.button if button.label == "Launch").click().run()
    spec = get_spec(store, list_runs(store)[0].id)
    assert spec.model.run == pretrained and spec.finetune.from_layer == "conv_2"


def test_a_file_of_others_becomes_a_base_that_the_store_keeps(
    open_page, workspace, store, tmp_path
):
    model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(),
                              keras.layers.Dense(4, "relu"), keras.layers.Dense(2)])  # fmt: skip
    model.save(tmp_path / "theirs.keras")
    path = store_upload(workspace, "theirs.keras", (tmp_path / "theirs.keras").read_bytes())
    app = open_page("models", file=path.parent.name, tab="As a base")
    assert not app.exception
    next(button for button in app.button if button.label == "Train a head on it").click().run()
    assert not app.exception
    (kept,) = list_bases(store)
    assert kept.file == "base/theirs.keras"
    app = open_page("launch", base=kept.run_id, file=kept.file)
    assert not app.exception and "theirs.keras (a file)" in field(app, "model.run").options
    app = wait_for_preview(app)
    assert not app.exception
    assert "The pixel range that the base was trained on is unknown" in texts(app)


def test_a_base_that_is_gone_is_told_and_not_launched_blindly(open_page, store):
    app = open_page("launch")
    field(app, "model.name").set_value("saved_base").run()
    assert not app.exception
    assert "No run has ended yet" in texts(app)
    assert next(button for button in app.button if button.label == "Launch").disabled


def test_one_click_trains_the_same_run_from_scratch(open_page, make_run, store):
    run_id = make_run(**base_spec("0" * 32, finetune=TUNE | {"learning_rate": 0.5}))
    app = open_page("run", run=run_id)
    assert not app.exception
    said = texts(app)
    assert "About the pretrained base" in said and "learns about as fast as the head" in said
    click = "Compare with from-scratch"
    next(button for button in app.button if button.label == click).click().run()
    assert not app.exception
    (scratch,) = [run for run in list_runs(store) if Tag.SCRATCH in run.tags]
    spec = get_spec(store, scratch.id)
    assert scratch.parent_id == run_id and spec == from_scratch(get_spec(store, run_id))
    assert (spec.model.weights, spec.finetune.after, spec.finetune.train_batch_norm) == (
        "random", 0, True,
    )  # fmt: skip
    assert "when both runs have ended" in texts(app)
    end_run(store, scratch.id, RunStatus.FINISHED, "done")
    store.client.log_metric(scratch.id, "best_val_accuracy", 0.25)
    store.client.log_metric(run_id, "best_val_accuracy", 0.75)
    runs = [get_run(store, one) for one in (run_id, scratch.id)]
    assert "**0.750** with pretraining, **0.250** from scratch" in gain(*runs)
    assert list(transfer_table(runs)["Base"]) == ["pretrained", "from scratch"]


def test_a_run_without_a_base_says_nothing_of_one(open_page, make_run):
    assert "pretrained base" not in texts(open_page("run", run=make_run()))


def test_a_head_that_had_not_converged_is_told(open_page, make_run, store):
    history = {"loss": [2.0, 1.0, 0.5, 0.4], "val_loss": [2.0, 1.0, 0.5, 0.4]}
    tune = TUNE | {"after": 2, "learning_rate": 1e-5}
    run_id = make_run(history=history, **base_spec("0" * 32, finetune=tune))
    set_tags(store, run_id, {Tag.PHASES: '[[2, "base trains"]]'})
    app = open_page("run", run=run_id)
    assert not app.exception
    said = texts(app)
    assert "before the head had converged" in said and "still fell by 50 %" in said
    assert any("base trains" in chart.proto.spec for chart in app.get("plotly_chart"))
