"""The launch form and specs, both ways."""

import pytest

from dashboard.launch.form_values import (
    fitted,
    monitors_for,
    to_spec,
    to_values,
    with_early_stopping,
)
from dashboard.launch.presets import PRESETS
from experiments.core.errors import SpecError
from experiments.spec.run_spec import RunSpec
from experiments.spec.spec_files import load_spec, parse_spec

SPECS = [
    RunSpec(),
    *(preset.spec for preset in PRESETS),
    parse_spec({"model": {"name": "resnet", "filters": [8], "blocks": 2}, "priority": 3}),
    parse_spec({"dataset": {"name": "two_moons", "noise": 0.3}, "model": {"name": "linear"}}),
    parse_spec({"dataset": {"max_samples": 500}, "split": {"validation_split": 0}}),
    parse_spec(
        {"training": {"metrics": ["accuracy", "top_5"], "optimizer": "sgd", "momentum": 0.9}}
    ),
    parse_spec({"callbacks": {"early_stopping": {"monitor": "loss"}, "reduce_lr_on_plateau": {}}}),
]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.title)
def test_a_spec_comes_back_from_the_form_as_it_was(spec):
    assert to_spec(to_values(spec)) == spec


def test_a_list_that_is_half_typed_is_refused_by_name():
    values = to_values(RunSpec()) | {"model.layers": "64, x"}
    with pytest.raises(SpecError, match=r"model\.layers\.1: received 'x'"):
        to_spec(values)


def test_another_dataset_replaces_only_what_it_rules_out():
    values = to_values(parse_spec({"model": {"name": "cnn"}, "training": {"epochs": 77}}))
    values |= {"dataset.name": "diabetes", "split.method": "stratified"}
    after = fitted(values)
    assert to_spec(after).loss == "mean_squared_error"
    assert after["model.name"] == "mlp"
    assert after["split.method"] == "shuffled"
    assert after["training.epochs"] == 77


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.title)
def test_the_form_offers_what_the_spec_can_monitor(spec):
    assert tuple(monitors_for(to_values(spec))) == spec.monitors()


def test_launching_again_with_early_stopping_changes_only_that():
    spec = with_early_stopping(PRESETS[1].spec)
    assert spec.callbacks.early_stopping is not None
    assert spec.callbacks.early_stopping.restore_best_weights
    assert spec.training == PRESETS[1].spec.training


def test_augmentation_and_the_split_seed_survive_the_form():
    text = (
        "{dataset: {name: digits}, split: {method: shuffled, seed: 9}, "
        "augmentation: {flip: true, zoom: 0.1}}"
    )
    assert to_spec(to_values(load_spec(text))) == load_spec(text)
    values = to_values(load_spec(text)) | {"dataset.name": "iris"}
    assert to_spec(fitted(values)).augmentation is None
