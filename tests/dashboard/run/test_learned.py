"""What a run learned: the data behind its tab, and the tab on runs that really were trained."""

import numpy as np
import pandas as pd
import pytest

from dashboard.run.heat_map import overlay
from dashboard.run.learned_data import (
    answer_frame,
    axis_titles,
    confused_pairs,
    doubtful,
    embedding_figure,
    mistakes,
    point_frame,
)
from dashboard.shared import cache
from experiments.running.inline_launcher import run_inline
from experiments.spec.spec_files import parse_spec
from experiments.tracking.runs import RunStatus
from tests.dashboard.conftest import texts

pytestmark = pytest.mark.usefixtures("processes_end")

DIGITS = {"name": "digits", "max_samples": 150}
TAB = "What it learned"


def train(store, **spec):
    spec = {"dataset": DIGITS, "training": {"epochs": 1}} | spec
    run_id, status = run_inline(store, parse_spec(spec))
    assert status is RunStatus.FINISHED
    return run_id


@pytest.fixture
def answers():
    rows, truth = [10, 11, 12, 13, 14], [0, 0, 1, 2, 2]
    shares = [[0.6, 0.3, 0.1], [0.2, 0.7, 0.1], [0.8, 0.1, 0.1], [0.0, 0.1, 0.9], [0.5, 0.1, 0.4]]
    return answer_frame(rows, truth, shares, ["a", "b", "c"])


def test_mistakes_come_with_the_surest_first(answers):
    found = mistakes(answers)
    assert list(found["sample"]) == [12, 11, 14]
    assert list(found["probability"]) == pytest.approx([0.8, 0.7, 0.5])
    assert list(found["true_probability"]) == pytest.approx([0.1, 0.2, 0.4])
    assert list(mistakes(answers, ("a", "b"))["sample"]) == [11]
    assert mistakes(answers, ("b", "c")).empty


def test_right_answers_come_with_the_least_sure_first(answers):
    assert list(doubtful(answers)["sample"]) == [10, 13]


def test_pairs_are_counted_by_truth_and_answer():
    answers = answer_frame(range(5), [0, 0, 1, 1, 0], np.eye(2)[[1, 1, 0, 1, 0]], ["no", "yes"])
    assert confused_pairs(answers) == {("no", "yes"): 2, ("yes", "no"): 1}
    assert list(confused_pairs(answers)) == [("no", "yes"), ("yes", "no")]


def test_a_single_output_is_the_probability_of_the_second_class():
    answers = answer_frame([0, 1], [[0.0], [0.0]], [[0.9], [0.2]], ["no", "yes"])
    assert list(answers["answer"]) == ["yes", "no"]
    assert list(answers["probability"]) == pytest.approx([0.9, 0.8])


def test_answers_that_are_no_numbers_are_left_out():
    answers = answer_frame([4, 5], [0, 1], [[np.nan, np.nan], [0.1, 0.9]], ["a", "b"])
    assert list(answers["sample"]) == [5]
    assert answer_frame([4], [0], [[np.nan, np.nan]], ["a", "b"]).empty


def test_points_keep_their_samples_and_say_their_variance():
    embedded = {
        "rows": [7, 3], "points": [[1.0, 2.0], [3.0, 4.0]], "truth": [0, 1],
        "prediction": [[0.9, 0.1], [0.6, 0.4]],
    }  # fmt: skip
    points = point_frame(embedded, ["a", "b"])
    assert points[["sample", "x", "y", "right"]].to_numpy().tolist() == [
        [7, 1.0, 2.0, True], [3, 3.0, 4.0, False],
    ]  # fmt: skip
    assert axis_titles([0.51, 0.2]) == ("component 1 · 51%", "component 2 · 20%")
    assert axis_titles([]) == ("", "")
    by_class = embedding_figure(points, ["a", "b"], [0.51, 0.2], by_fate=False)
    assert [trace.name for trace in by_class.data if trace.showlegend is None] == ["a", "b"]
    assert by_class.data[-1].marker.symbol == ("x",)
    by_fate = embedding_figure(points, ["a", "b"], [], by_fate=True)
    drawn = [(t.name, t.customdata[0][0]) for t in by_fate.data if t.customdata is not None]
    assert drawn == [("right", 7), ("wrong", 3)]


def test_heat_colors_its_place_and_leaves_the_rest_gray():
    sample = np.zeros((8, 8, 1))
    sample[0, 0] = 1.0
    image = overlay(sample, [[0.0, 0.0], [0.0, 4.0]], 80).astype(int)
    assert image.shape == (80, 80, 3)
    spread = image.max(axis=-1) - image.min(axis=-1)
    assert (spread[:20, :20] == 0).all() and spread[70:, 70:].min() > 80
    cold = overlay(sample, np.zeros((2, 2)), 80).astype(int)
    assert (cold.max(axis=-1) == cold.min(axis=-1)).all()


def test_an_image_run_shows_its_mistakes_and_where_it_looked(open_page, store):
    run_id = train(store, model={"name": "cnn", "filters": [4, 8], "dense": 0})
    app = open_page("run", run=run_id, tab=TAB)
    assert not app.exception and not app.error
    said = texts(app)
    assert "wrong answers" in said and "Where it looked" in said
    assert "From 4 × 4 cells of conv_2_activation" in said.replace("\\", "")
    with np.load(cache.artifact(cache.run(run_id), "predictions.npz")) as recorded:
        prediction = recorded["prediction"]
        wrong = prediction.argmax(axis=1) != recorded["truth"]
        surest = int(recorded["index"][wrong][prediction[wrong].max(axis=1).argmax()])
    sample = next(field for field in app.number_input if field.label == "Sample")
    assert sample.value == surest
    looks = [button for button in app.button if button.label == "Where it looked"]
    other = looks[1].key.removeprefix("look ")
    looks[1].click().run()
    assert not app.exception
    sample = next(field for field in app.number_input if field.label == "Sample")
    assert str(sample.value) == other and f"Sample {other} is" in texts(app)
    next(box for box in app.selectbox if box.label == "Heat map for").set_value(3).run()
    assert not app.exception and "For **3**" in texts(app)
    next(field for field in app.number_input if field.label == "Sample").set_value(9999).run()
    assert not app.exception and "Received sample 9999" in texts(app)
    pairs = next(box for box in app.selectbox if box.label == "Mistaken")
    pairs.set_value(pairs.options and next(iter(_pairs(run_id)))).run()
    assert not app.exception and "Where it looked" in texts(app)


def _pairs(run_id):
    with np.load(cache.artifact(cache.run(run_id), "predictions.npz")) as recorded:
        parts = (recorded[name] for name in ("index", "truth", "prediction"))
        return confused_pairs(answer_frame(*parts, [str(n) for n in range(10)]))


def test_an_embedding_is_drawn_for_images(open_page, store):
    run_id = train(store, model={"name": "mlp", "layers": [8]})
    app = open_page("run", run=run_id, tab=TAB)
    assert not app.exception and "has no convolution" in texts(app)
    app = open_page("run", run=run_id, tab=TAB, learned="Embedding", part="Training")
    assert not app.exception and not app.error
    said = texts(app)
    assert "120 training samples" in said and "Each is 8 numbers" in said
    assert "of their variance" in said and "Click on a point to see its image" in said
    (chart,) = [c for c in app.get("plotly_chart") if "component 1" in c.proto.spec]
    assert "sample %{customdata[0]}" in chart.proto.spec


def test_a_table_run_shows_rows_and_points_but_no_heat(open_page, store):
    run_id = train(store, dataset={"name": "wine"}, model={"name": "mlp", "layers": [4]})
    app = open_page("run", run=run_id, tab=TAB)
    assert not app.exception and not app.error
    assert "Where it looked" not in texts(app)
    (table,) = [frame.value for frame in app.dataframe if "true" in frame.value]
    assert isinstance(table, pd.DataFrame) and "alcohol" in table and len(table)
    app = open_page("run", run=run_id, tab=TAB, learned="Embedding", projection="t-SNE")
    assert not app.exception and not app.error
    assert "t-SNE keeps neighbors together" in texts(app)
    assert "Click on a point to see its features" in texts(app)


def test_a_run_without_a_model_says_so_and_a_regression_has_no_such_tab(open_page, make_run):
    app = open_page("run", run=make_run(dataset=DIGITS), tab=TAB)
    assert not app.exception and "This run saved no model" in texts(app)
    under_way = make_run(status=RunStatus.RUNNING)
    assert TAB not in [tab.label for tab in open_page("run", run=under_way).tabs]
    regression = {"dataset": {"name": "diabetes"}, "model": {"name": "mlp"}, "artifacts": False}
    app = open_page("run", run=make_run(**regression))
    assert not app.exception and TAB not in [tab.label for tab in app.tabs]
