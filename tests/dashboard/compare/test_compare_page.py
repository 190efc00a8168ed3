"""Compare, opened: colors by verdict in the URL, and logs of other tools."""

import json
from pathlib import Path

import pytest

from experiments.tracking.runs import list_experiments, list_runs

FILES = Path(__file__).resolve().parents[2] / "files" / "logs"
PRINTED = "\n".join(
    f"Epoch {n + 1}: loss {1 / (n + 1):.3f}, val_loss {0.5 + abs(n - 3) / 10}" for n in range(9)
)


def pills(app):
    return next(one for one in app.get("button_group") if one.label == "Show only")


def test_curves_are_colored_by_verdict_and_filtered_by_the_legend(open_page, make_run):
    make_run(name="first")
    make_run(name="second", history={"loss": [1.0, 0.5], "val_loss": [1.0, 0.6]})
    app = open_page("compare", color="verdict")
    assert not app.exception
    assert app.selectbox(key="color").value == "verdict"
    legend = pills(app)
    assert [option.rpartition("} ")[2] for option in legend.options] == [
        "overfitting 1", "can't tell 1",
    ]  # fmt: skip
    legend.select(legend.options[0]).run()
    assert not app.exception
    assert app.query_params["only"] == "overfitting"


@pytest.mark.parametrize("color", ["group", "training.learning_rate", "no such thing"])
def test_other_colors_are_drawn_without_a_fault(open_page, make_run, color):
    for rate in (0.1, 0.01):
        make_run(training={"learning_rate": rate})
    app = open_page("compare", color=color, group="training.learning_rate")
    assert not app.exception
    assert not app.error


def test_pasted_progress_gets_a_verdict_and_is_kept_as_a_run(open_page, store):
    app = open_page("compare")
    app.text_area(key="log text 0").input(PRINTED).run()
    assert not app.exception
    shown = " ".join(one.value for one in app.markdown)
    assert "printed progress" in shown
    assert "overfitting" in shown
    next(one for one in app.button if one.label == "Keep it as a run").click().run()
    assert not app.exception
    (experiment,) = [one for one in list_experiments(store) if one.name == "imported"]
    (run,) = list_runs(store, experiments=[experiment.id])
    assert (run.name, run.verdict) == ("pasted", "overfitting")
    assert app.query_params["runs"] == run.id
    assert app.toast[0].value == "1 run kept in the experiment *imported*."
    assert app.text_area(key="log text 1").value == ""


def test_what_a_log_and_a_parameter_are_called_is_no_markdown(open_page, make_run):
    app = open_page("compare")
    named = json.dumps({"loss": [1, 0.5, 0.4], "![x](y)": ["a"]}).encode()
    app.file_uploader(key="log files 0").set_value([("**a**.json", named, "text/json")]).run()
    assert not app.exception
    assert r"\*\*a\*\*.json" in " ".join(one.value for one in app.markdown)
    assert r"\!\[x\]\(y\)" in " ".join(one.value for one in app.caption)
    for name in ("*one*", "*two*"):
        make_run(name=name, training={"optimizer": "sgd" if name == "*one*" else "adam"})
    app = open_page("compare", color="training.optimizer")
    assert not app.exception


def test_what_was_picked_of_one_legend_is_no_fault_in_another(open_page, make_run):
    for rate in (0.1, 0.01):
        make_run(training={"learning_rate": rate})
    app = open_page("compare", color="verdict")
    pills(app).select(pills(app).options[0]).run()
    app.selectbox(key="color").set_value("training.learning_rate").run()
    assert not app.exception
    assert len(pills(app).options) == 2


def test_a_text_that_is_no_log_is_refused_with_what_is_allowed(open_page):
    app = open_page("compare")
    app.text_area(key="log text 0").input("hello").run()
    assert not app.exception
    assert "pasted is not read" in app.error[0].value
    assert "Allowed" in app.error[0].value


def test_uploaded_files_are_read(open_page):
    app = open_page("compare")
    data = (FILES / "csvlogger.csv").read_bytes()
    app.file_uploader(key="log files 0").set_value([("csvlogger.csv", data, "text/csv")]).run()
    assert not app.exception
    assert "Keras CSVLogger" in " ".join(one.value for one in app.markdown)
