"""Remedies: which are suggested, the runs that try them, and what those say."""

import json

import numpy as np
import pandas as pd
import pytest

from experiments.__main__ import main
from experiments.core.errors import InputError
from experiments.data.loading import load_dataset
from experiments.data.split.splits import divide
from experiments.diagnosis import Label
from experiments.diagnosis.remedies import CONTROL, choose, plan, remedies, seeds_for, suggest
from experiments.diagnosis.remedy_outcome import outcome
from experiments.running.inline_launcher import run_inline
from experiments.running.remedy_runs import children_of, launch_remedies, missing, trial_of
from experiments.spec.run_spec import RunSpec
from experiments.spec.spec_files import load_spec
from experiments.tracking.history_reader import get_history
from experiments.tracking.runs import Run, RunStatus, Tag, get_run, list_runs

OVERFITS = """
name: learns by heart
dataset: {name: two_moons, max_samples: 200, noise: 0.35}
split: {method: shuffled, validation_split: 0.5}
model: {name: mlp, layers: [256, 256]}
training: {epochs: 25, batch_size: 50, learning_rate: 0.03}
"""
SPECS = {
    "a network": RunSpec(),
    "a cnn": load_spec("model: {name: cnn, dropout: 0.5, l2: 0.01}"),
    "a residual network": load_spec("{model: {name: resnet}, augmentation: {flip: true}}"),
    "a linear model": load_spec("{dataset: {name: iris}, model: {name: linear}}"),
    "no hidden layers": load_spec("{dataset: {name: wine}, model: {name: mlp, layers: []}}"),
    "a regression": load_spec("{dataset: {name: diabetes}, model: {name: mlp}}"),
    "all of it already": load_spec(
        "{model: {name: mlp, layers: [1], dropout: 0.8, l2: 1}, augmentation: {zoom: 0.1}, "
        "callbacks: {early_stopping: {}}, split: {validation_split: 0.05}}"
    ),
}


def names(spec: RunSpec, label: Label) -> list[str]:
    return [remedy.name for remedy in suggest(spec, label)]


def test_each_verdict_has_its_own_remedies():
    spec = RunSpec()
    assert names(spec, Label.overfitting) == [
        "dropout", "l2", "smaller", "augmentation", "more_data", "early_stopping", "lower_rate",
    ]  # fmt: skip
    assert names(spec, Label.underfitting) == ["larger", "higher_rate", "more_epochs"]
    assert names(spec, Label.diverged) == ["lower_rate"]
    assert names(spec, Label.still_improving) == ["more_epochs"]
    assert names(spec, Label.good_fit) == []


def test_what_a_run_has_already_or_cannot_have_is_not_suggested():
    assert names(SPECS["all of it already"], Label.overfitting) == ["lower_rate"]
    assert {"less_dropout", "less_penalty"} <= set(names(SPECS["a cnn"], Label.underfitting))
    assert "no_augmentation" in names(SPECS["a residual network"], Label.underfitting)
    regression = names(SPECS["a regression"], Label.overfitting)
    assert not {"augmentation", "l2"} & set(regression)  # no images; units that nobody knows
    assert not {"smaller", "larger"} & set(names(SPECS["no hidden layers"], Label.underfitting))


@pytest.mark.parametrize("spec", SPECS.values(), ids=list(SPECS))
@pytest.mark.parametrize("label", list(Label))
def test_every_remedy_makes_a_spec_that_differs_in_that_alone(spec, label):
    offered = {remedy.name: remedy for remedy in remedies(spec, label)}
    control, *others = plan(spec, list(offered.values()), [7])
    assert control.remedy == CONTROL
    assert [planned.remedy for planned in others] == list(offered)
    for planned in others:
        data = control.spec.model_dump(mode="json")
        for field, value in offered[planned.remedy].changes.items():
            part, _, name = field.rpartition(".")
            inside = data[part] if part else data
            assert inside.get(name) != value, (planned.remedy, field)
            inside[name] = value
        expected = RunSpec.model_validate(data | {"name": planned.spec.name})
        assert planned.spec == expected, planned.remedy


def test_more_data_takes_more_of_the_dataset_or_of_the_split():
    def spec_of(text: str) -> RunSpec:
        spec = load_spec(text)
        return plan(spec, choose(spec, Label.overfitting, ["more_data"]), [2])[1].spec

    assert spec_of("dataset: {name: digits, max_samples: 300}").dataset.max_samples == 600
    assert spec_of("dataset: {name: digits, max_samples: 1000}").dataset.max_samples is None
    assert spec_of("split: {validation_split: 0.2}").split.validation_split == 0.1


@pytest.mark.parametrize("method", ["last", "shuffled", "stratified"])
def test_children_of_all_seeds_have_the_samples_of_the_run(method):
    spec = load_spec(f"{{dataset: {{name: two_moons}}, split: {{method: {method}}}, seed: 5}}")
    expected = load_dataset(spec.dataset, spec.data_seed)
    held = divide(expected.y, spec.split, spec.data_seed).validation
    for planned in plan(spec, suggest(spec, Label.overfitting), seeds_for(spec, 2)):
        data = load_dataset(planned.spec.dataset, planned.spec.data_seed)
        assert np.array_equal(data.x, expected.x)
        validation = divide(data.y, planned.spec.split, planned.spec.data_seed).validation
        assert set(validation) <= set(held)
        assert (len(validation) < len(held)) == (planned.remedy == "more_data")


def test_the_seed_of_the_run_itself_is_not_used_again():
    assert seeds_for(load_spec("seed: 4"), 3) == [5, 6, 7]
    assert seeds_for(load_spec("seed: 2147483647"), 2) == [0, 1]


def test_a_run_that_went_on_from_another_is_tried_from_fresh_weights():
    spec = load_spec("start: {run: abc, epoch: 2}")
    assert all(planned.spec.start is None for planned in plan(spec, [], [1]))


def test_an_unknown_remedy_names_those_that_apply():
    with pytest.raises(InputError, match=r"'dropuot'.*Did you mean 'dropout'"):
        choose(RunSpec(), Label.overfitting, ["dropuot"])


def a_child(remedy: str, seed: int, samples: float = 100, **more: object) -> Run:
    tags = {Tag.REMEDY.value: remedy}
    moment = pd.Timestamp("2026-01-01", tz="UTC").to_pydatetime()
    return Run(
        f"{remedy}-{seed}", "1", remedy, RunStatus.FINISHED, moment, moment, moment,
        {"seed": str(seed), **{k: str(v) for k, v in more.items()}}, {"val_samples": samples}, tags,
    )  # fmt: skip


def a_history(gap: float, val_loss: float = 0.5, penalty: float = 0.0) -> pd.DataFrame:
    """Two epochs, the best of which is the first; the gap doubles after it."""
    val = np.array([val_loss, val_loss + gap]) + penalty
    return pd.DataFrame(
        {
            "val_loss": val, "train_eval_loss": val - np.array([gap, 2 * gap]),
            "se_val_loss": [0.02, 0.02], "loss_penalty": [penalty, penalty],
        }
    )  # fmt: skip


def judge(*trials: tuple[Run, pd.DataFrame]) -> pd.Series:
    table = outcome(
        [trial_of(run) for run, _ in trials], {run.id: history for run, history in trials}
    )
    assert len(table) == 1
    return table.iloc[0]


def pairs(changes: list[float], **more: object) -> list[tuple[Run, pd.DataFrame]]:
    """Three controls whose gaps differ, and a remedy that changes each by so much."""
    gaps = [0.4, 0.6, 0.8][: len(changes)]
    controls = [(a_child(CONTROL, seed), a_history(gap)) for seed, gap in enumerate(gaps)]
    tried = [
        (a_child("dropout", seed, **more), a_history(gap + change))
        for seed, (gap, change) in enumerate(zip(gaps, changes, strict=True))
    ]
    return controls + tried


def test_changes_are_paired_over_seeds_with_a_t_interval():
    row = judge(*pairs([-0.10, -0.12, -0.14]))
    # of the last epoch, where each gap is twice that of the best: −0.20, −0.24, −0.28
    assert row["gap"] == pytest.approx(-0.24)
    assert row["gap_at_best"] == pytest.approx(-0.12)
    reach = 4.302653 * 0.04 / np.sqrt(3)  # Student's t with 2 degrees of freedom
    assert row["gap_low"] == pytest.approx(-0.24 - reach, abs=1e-5)
    assert row["gap_high"] == pytest.approx(-0.24 + reach, abs=1e-5)
    assert row["words"] == (
        "Closed the gap by 0.24 (95 % interval 0.14 … 0.34), and the best val loss is the same "
        "(3 seeds)."
    )


def test_what_may_be_chance_is_said_to_be_untold():
    words = judge(*pairs([-0.3, 0.2, -0.1]))["words"]
    assert words.startswith("Can't tell whether the gap changed (95 % interval −")
    assert judge(*pairs([-0.3]))["words"] == "One seed is not enough to rule out chance."


def test_the_penalty_is_not_counted_as_val_loss():
    trials = pairs([-0.1, -0.1, -0.1])[:3]
    trials += [
        (a_child("l2", seed), a_history(gap - 0.1, penalty=5.0))
        for seed, gap in enumerate((0.4, 0.6, 0.8))
    ]
    assert judge(*trials)["best_val_loss"] == pytest.approx(0.0)


def test_early_stopping_keeps_the_model_of_the_best_epoch():
    stopped = {"callbacks.early_stopping.restore_best_weights": True}
    row = judge(*pairs([0.0, 0.0, 0.0], **stopped))
    assert row["gap"] == pytest.approx(-0.6)
    assert row["gap_at_best"] == pytest.approx(0.0)


def test_other_validation_samples_make_the_interval_wider():
    same = judge(*pairs([-0.10, -0.12, -0.14]))
    other = judge(*pairs([-0.10, -0.12, -0.14], samples=50))
    by_chance = 4.302653 * np.hypot(0.02, 0.02)
    assert other["gap_low"] == pytest.approx(
        other["gap"] - np.hypot(same["gap"] - same["gap_low"], by_chance), abs=1e-5
    )


def test_a_child_that_came_to_no_number_is_counted_apart():
    trials = pairs([-0.1, -0.1, -0.1])
    run, _ = trials[-1]
    trials[-1] = (run, a_history(float("nan")))
    row = judge(*trials)
    assert (row["pairs"], row["failed"], row["runs"]) == (2, 1, 3)
    assert row["words"].endswith("1 run diverged and is not counted.")


@pytest.fixture(scope="module")
def tried(module_store):
    """A run that overfits, and three remedies tried for real over three seeds."""
    spec = load_spec(OVERFITS)
    run_id, _ = run_inline(module_store, spec)
    parent = get_run(module_store, run_id)
    chosen = choose(spec, Label.overfitting, ["dropout", "l2", "early_stopping"])
    planned = missing(spec, chosen, seeds_for(spec, 3), [])
    launch_remedies(module_store, parent, planned, inline=True)
    return parent


def test_what_helps_against_overfitting_is_found_to_help(module_store, tried):
    assert tried.verdict == Label.overfitting
    children = children_of(tried, list_runs(module_store))
    assert len(children) == 12
    table = outcome(
        [trial_of(run) for run in children],
        {run.id: get_history(module_store, run) for run in children},
    )
    assert set(table["pairs"]) == {3}
    # the model of the best epoch has the smaller gap, at no cost of the best val loss
    stopped = table.loc["early_stopping"]
    assert stopped["gap_high"] < 0
    assert stopped["best_val_loss"] == pytest.approx(0, abs=1e-6)
    assert stopped["words"].startswith("Closed the gap by")
    for name in ("dropout", "l2"):
        assert table.loc[name, "gap"] < 0, table.loc[name, "words"]


def test_the_command_trains_only_what_nobody_tried_and_tells_the_outcome(
    module_store, tried, monkeypatch, capsys
):
    for name, value in module_store.settings.environment().items():
        monkeypatch.setenv(name, value)
    count = len(list_runs(module_store))
    assert main(["remedy", tried.id, "--remedies", "dropout,l2", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["launched"] == []
    assert len(list_runs(module_store)) == count
    assert answer["remedies"]["dropout"]["pairs"] == 3
    assert main(["remedy", tried.id, "--remedies", "dropout", "--seeds", "4", "--queue"]) == 0
    queued = [run for run in list_runs(module_store) if run.status is RunStatus.SCHEDULED]
    assert {run.tags[Tag.REMEDY] for run in queued} == {CONTROL, "dropout"}
    assert main(["remedy", tried.id, "--remedies", "magic"]) == 2
    assert "Unknown remedy" in capsys.readouterr().err
