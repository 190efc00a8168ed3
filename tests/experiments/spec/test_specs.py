import pytest
import yaml

from experiments.core.errors import SpecError
from experiments.core.settings import ROOT
from experiments.spec.run_spec import RunSpec
from experiments.spec.spec_files import load_spec, parse_spec, read_spec

EXAMPLES = sorted((ROOT / "experiments" / "examples").glob("*.yaml"))


def refusal(text: str, *overrides: str) -> str:
    with pytest.raises(SpecError) as refused:
        load_spec(text, list(overrides))
    return str(refused.value)


def test_an_empty_spec_is_a_run_worth_watching():
    assert load_spec("") == RunSpec()
    assert RunSpec().training.epochs > 1


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_is_valid_and_survives_the_way_through_yaml(path):
    spec = read_spec(path)
    assert load_spec(spec.to_yaml()) == spec


def test_a_model_without_a_name_is_an_mlp():
    assert load_spec("model: {layers: [8]}").model.layers == [8]


@pytest.mark.parametrize(
    ("text", "field", "received", "allowed"),
    [
        ("training: {epochs: -3}", "training.epochs", "-3", "1 or more"),
        ("training: {epoch: 3}", "training.epoch", "unknown field", "'epochs'"),
        ("training: {optimizer: adm}", "training.optimizer", "'adm'", "'adam'"),
        ("training: {learning_rate: .nan}", "training.learning_rate", "nan", "finite"),
        ("training: {learning_rate: 0}", "training.learning_rate", "0", "more than 0"),
        ("training: {loss: mse}", "training.loss", "mean_squared_error", "sparse_categorical"),
        ("training: {metrics: [mae]}", "training.metrics", "mean_absolute_error", "accuracy"),
        ("training: x", "training", "'x'", "mapping"),
        ("dataset: {name: minst}", "dataset.name", "'minst'", "mnist"),
        ("model: {name: transformer}", "model", "transformer", "'mlp'"),
        ("model: {name: mlp, layers: [4, 0]}", "model.layers.1", "0", "1 or more"),
        ("model: {name: mlp, layers: [x]}", "model.layers.0", "'x'", "whole number"),
        ("model: {name: cnn, layers: [3]}", "model.layers", "unknown field", "filters"),
        ("split: {validation_split: 1}", "split.validation_split", "1", "less than 1"),
        ("split: {method: random}", "split.method", "'random'", "'stratified'"),
        ("callbacks: {early_stopping: {patience: -1}}", "callbacks.early_stopping.patience",
         "-1", "0 or more"),
        ("callbacks: {early_stopping: {monitor: val_mae}}", "callbacks.early_stopping.monitor",
         "val_mae", "val_loss"),
        ("seed: -1", "seed", "-1", "0 or more"),
        ("nmae: x", "nmae", "unknown field", "'name'"),
    ],
)  # fmt: skip
def test_a_refusal_names_the_field_what_was_received_and_what_is_allowed(
    text, field, received, allowed
):
    message = refusal(text)
    assert message.startswith(f"{field}:")
    assert received in message
    assert allowed in message


def test_every_wrong_field_has_its_line():
    message = refusal("training: {epochs: 0, batch_size: 0}\nseed: x")
    assert len(message.splitlines()) == 3


@pytest.mark.parametrize(
    "text",
    [
        "dataset: {name: wine}\nmodel: {name: cnn}",
        "dataset: {name: diabetes}\nsplit: {method: stratified}",
        "split: {validation_split: 0}\ncallbacks: {early_stopping: {}}",
    ],
)
def test_parts_that_do_not_fit_each_other_are_refused(text):
    assert "Allowed: " in refusal(text)


@pytest.mark.parametrize("text", ["[1, 2]", "3", "a: b: c", "{", "- - -\n!!python/object:os.x"])
def test_what_is_no_spec_is_refused_in_words(text):
    assert refusal(text)


def test_short_names_become_keras_own_long_names():
    spec = load_spec("dataset: {name: diabetes}\ntraining: {loss: mae, metrics: [mse, r2, rmse]}"
                     .replace("mse,", ""))  # fmt: skip
    assert spec.loss == "mean_absolute_error"
    assert spec.metrics == ("r2_score", "root_mean_squared_error")


def test_overrides_reach_into_the_spec():
    spec = load_spec("", ["training.epochs=5", "model.layers=[4, 4]", "name=five"])
    assert (spec.training.epochs, spec.model.layers, spec.name) == (5, [4, 4], "five")


@pytest.mark.parametrize("override", ["training.epochs", "=5"])
def test_an_override_without_a_field_or_value_is_refused(override):
    assert "FIELD=VALUE" in refusal("", override)


def test_params_are_flat_and_leave_out_what_is_off():
    params = RunSpec().flatten()
    assert params["model.layers"] == "64, 32"
    assert params["training.loss"] == "sparse_categorical_crossentropy"
    assert not any("early_stopping" in name for name in params)


def test_the_fields_are_in_the_yaml_in_their_order():
    assert list(yaml.safe_load(RunSpec().to_yaml())) == list(RunSpec.model_fields)


def test_a_spec_is_made_from_plain_dicts_as_well():
    assert parse_spec({"training": {"epochs": 2}}).training.epochs == 2
