"""Filters of runs: words, patterns, and conditions as in MLflow and shorter."""

import pytest

from dashboard.shared.filters import parse_filter
from experiments.core.errors import ExperimentsError, FilterError
from experiments.tracking.runs import RunStatus
from tests.support.comparing_runs import make_histories, make_run

RUNS = [
    make_run(
        "wide mlp",
        {"model.name": "mlp", "training.learning_rate": "0.01", "model.dropout": "9",
         "training.loss": "mse"},
        {"val_loss": 0.2, "best_val_loss": 0.1, "loss": 0.05, "learning_rate": 0.0001},
        {"team": "blue", "kerascope.verdict": "good_fit"},
    ),
    make_run(
        "deep cnn lr=0.1",
        {"model.name": "cnn", "training.learning_rate": "1e-1", "model.dropout": "10"},
        {"val_loss": 0.5, "best_val_loss": 0.4, "loss": 0.3},
        {"team": "Red's"},
        RunStatus.FAILED,
    ),
    make_run("foreign", {"lr": "auto"}, {"eval/loss": 0.25}),
]  # fmt: skip


def kept(text: str) -> list[str]:
    keeps = parse_filter(text)
    return [run.name.split()[0] for run in RUNS if keeps(run)]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ["wide", "deep", "foreign"]),
        ("MLP", ["wide"]),
        ("cnn 1e-1", ["deep"]),
        ("id-of-for", ["foreign"]),
        ("^(wide|for)", ["wide", "foreign"]),
        ("/lr=0.1/", ["deep"]),
        # MLflow's own
        ("metrics.val_loss < 0.3 and params.\"model.name\" = 'mlp' and "
         "attributes.status = 'FINISHED'", ["wide"]),
        ("params.`model.name` = 'cnn'", ["deep"]),
        ("params.model.name != 'cnn'", ["wide"]),
        ("metric.val_loss>=0.5", ["deep"]),
        ("tags.team = \"Red's\"", ["deep"]),
        ("tags.team LIKE 'b%'", ["wide"]),
        ("tags.team LIKE 'r%'", []),
        ("tags.team ILIKE 'r%'", ["deep"]),
        ("params.model.name LIKE '_nn'", ["deep"]),
        ("attributes.run_name LIKE '%mlp'", ["wide"]),
        ("attributes.run_id IN ('id-of-foreign', 'other')", ["foreign"]),
        ("run.run_id NOT IN ('id-of-foreign')", ["wide", "deep"]),
        ("params.model.name IS NULL", ["foreign"]),
        ("params.model.name is not null", ["wide", "deep"]),
        ("attributes.start_time > 1790000000000", ["wide", "deep", "foreign"]),
        # shorter
        ("val_loss < 0.3", ["wide", "foreign"]),
        ("best.val_loss < 0.2", ["wide"]),
        ("learning_rate >= 0.01", ["wide", "deep"]),
        ("learning_rate = 0.1", ["deep"]),
        ("metrics.learning_rate < 0.001", ["wide"]),
        ("model.dropout > 9", ["deep"]),
        ("dropout in (9, 11)", ["wide"]),
        ("loss = 'mse'", ["wide"]),
        ("loss < 0.1", ["wide"]),
        ("status = failed or verdict = 'good fit'", ["wide", "deep"]),
        ("not (model.name = mlp or model.name = cnn)", ["foreign"]),
        ("model.name = mlp or model.name = cnn and val_loss < 0.3", ["wide"]),
        ("name rlike '^(wide|deep)' and not status = 'FAILED'", ["wide"]),
        ("duration > 60 and created >= 2026-11-23", ["wide", "deep", "foreign"]),
        ("created < 2026-11-23", []),
        ("lr < 1", []),
        ("lr = auto", ["foreign"]),
        ("metrics.eval/loss < 1", ["foreign"]),
    ],
)  # fmt: skip
def test_a_filter_keeps(text, names):
    assert kept(text) == names


def test_texts_that_are_numbers_compare_as_numbers_and_not_as_in_mlflow():
    assert kept("params.model.dropout > '9'") == ["deep"]  # as texts, '10' comes before '9'
    assert kept("params.training.learning_rate = '0.10'") == ["deep"]


def test_best_values_of_runs_that_recorded_none_come_from_their_curves():
    run = make_run("foreign")
    keeps = parse_filter("best.val_loss <= 0.5", make_histories({run.id: {"val_loss": [1, 0.5]}}))
    assert keeps(run)
    assert not parse_filter("best.val_loss <= 0.5")(run)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("val_loss < ", "the end: expected a value"),
        (
            "val_loss < 0.3 model.name = 'a'",
            "\"model.name = 'a'\" at character 16: expected AND, OR",
        ),
        ("val_loss < 'low'", "at character 12: expected a number"),
        ("(val_loss < 1", "the end: expected )"),
        ("name = 'open", "character 8: expected a quote that is closed"),
        ("and val_loss < 1", "'and val_loss < 1' at character 1"),
        ("attributes.color = 'a'", "Unknown attribute 'color'"),
        ("status like 'F%' and name rlike '('", "regular expression"),
        ("created > yesterday", "character 11: received 'yesterday'"),
        ("model.name in ('a' 'b')", "expected , or )"),
        ("/(/", "character 2"),
        ("wide(", "regular expression"),
    ],
)
def test_what_cannot_be_understood_is_told_with_its_place(text, said):
    with pytest.raises(FilterError) as caught:
        parse_filter(text)
    assert said in str(caught.value)
    assert isinstance(caught.value, ExperimentsError)
