"""What is measured each epoch about the gap: the right numbers, and nothing is changed by it."""

import keras
import numpy as np
import pytest

from experiments.data.loading import load_dataset
from experiments.data.split.splits import divide
from experiments.models.building import build_model, compile_model, sketch_model
from experiments.running.inline_launcher import run_inline
from experiments.saving.training_state import build_variables
from experiments.spec.run_spec import RunSpec
from experiments.spec.spec_files import load_spec, parse_spec
from experiments.tracking.runs import RunStatus
from experiments.training.callbacks import TrainEvaluation
from experiments.training.gap_recording import GapRecording, Sample

BATCH = 32
MODELS = {
    "dropout and batch normalization": (
        "model: {name: mlp, layers: [8], dropout: 0.4, batch_norm: true, l2: 0.01}"
    ),
    "a residual network": "model: {name: resnet, filters: [2, 4], blocks: 1, dropout: 0.2}",
    "two classes": "{dataset: {name: breast_cancer}, model: {name: linear, dropout: 0.2}}",
    "a regression": "{dataset: {name: diabetes}, model: {name: mlp, layers: [8], l1: 0.01}}",
}


class Setting:
    """A compiled model with its data, and samples of 100 training and all validation samples."""

    def __init__(self, text: str) -> None:
        self.spec: RunSpec = load_spec(text, ["dataset.max_samples=400"])
        keras.utils.set_random_seed(3)
        data = load_dataset(self.spec.dataset, 1)
        split = divide(data.y, self.spec.split, 1)
        self.x, self.y = data.x[split.train], data.y[split.train]
        self.validation = data.x[split.validation], data.y[split.validation]
        self.model = build_model(self.spec, data, split)
        compile_model(self.model, self.spec)
        self.train = Sample(self.x[:100], self.y[:100], len(self.x))
        held = Sample(*self.validation, len(self.validation[0]))
        self.recording = GapRecording(self.train, held, self.spec.loss, BATCH)
        self.in_test_mode = TrainEvaluation(self.train.x, self.train.y)
        build_variables(self.model, self.x, self.y)

    def fit(self, *callbacks: keras.callbacks.Callback) -> dict[str, list[float]]:
        return self.model.fit(
            self.x, self.y, epochs=3, batch_size=BATCH, validation_data=self.validation,
            callbacks=list(callbacks), verbose=0,
        ).history  # fmt: skip

    def record(self) -> dict[str, float]:
        """What is recorded at the end of an epoch in which nothing was trained."""
        logs: dict[str, float] = {}
        for callback in (self.in_test_mode, self.recording):
            callback.set_model(self.model)
            callback.on_train_begin()
            callback.on_epoch_end(0, logs)
        return logs

    def losses(self, x, y, training=False) -> np.ndarray:
        """The loss of each sample."""
        loss = keras.losses.get(self.spec.loss)
        return np.asarray(loss(y, self.model(x, training=training)))


@pytest.mark.parametrize("text", MODELS.values(), ids=list(MODELS))
def test_recording_changes_nothing_that_training_does(text):
    without, recorded = Setting(text), Setting(text)
    plain = without.fit()
    history = recorded.fit(recorded.in_test_mode, recorded.recording)
    assert {name: history[name] for name in plain} == plain
    for one, other in zip(without.model.variables, recorded.model.variables, strict=True):
        assert np.array_equal(one, other), one.path
    for one, other in zip(
        without.model.optimizer.variables, recorded.model.optimizer.variables, strict=True
    ):
        assert np.array_equal(one, other), one.path


def test_the_training_mode_loss_is_that_of_the_sample_with_dropout_on():
    setting = Setting("model: {name: mlp, layers: [8], dropout: 0.5, l2: 0.01}")
    found = setting.record()
    # the random streams are as they were, so that the same masks are drawn now
    expected = setting.losses(setting.train.x, setting.train.y, training=True)
    penalty = float(sum(setting.model.losses))
    assert found["loss_training_mode"] == pytest.approx(expected.mean() + penalty, rel=1e-5)
    added = expected - setting.losses(setting.train.x, setting.train.y)
    assert found["se_loss_training_mode"] == pytest.approx(added.std(ddof=1) / 10, rel=1e-4)


def test_with_batch_normalization_the_batches_are_as_large_as_in_training():
    setting = Setting("model: {name: mlp, layers: [8], batch_norm: true}")
    found = setting.record()
    x, y = setting.train.x[:96], setting.train.y[:96]
    batches = [slice(i, i + BATCH) for i in range(0, 96, BATCH)]
    trained = np.concatenate([setting.losses(x[b], y[b], training=True) for b in batches])
    whole = setting.losses(setting.train.x, setting.train.y, training=True).mean()
    setting.model.set_weights(Setting(str(setting.spec.to_yaml())).model.get_weights())
    added = (trained - setting.losses(x, y)).mean()
    assert found["loss_training_mode"] == pytest.approx(found["train_eval_loss"] + added, rel=1e-5)
    assert found["loss_training_mode"] != pytest.approx(whole, rel=1e-3)


def test_the_penalty_is_the_one_that_keras_adds():
    setting = Setting("model: {name: mlp, layers: [8], l1: 0.001, l2: 0.01}")
    found = setting.record()
    assert found["loss_penalty"] == pytest.approx(float(sum(setting.model.losses)))
    data_loss = setting.losses(setting.train.x, setting.train.y).mean()
    assert found["train_eval_loss"] == pytest.approx(data_loss + found["loss_penalty"], rel=1e-5)


def test_what_would_be_nothing_is_left_out():
    found = Setting("model: {name: mlp, layers: [8]}").record()
    assert not {"loss_penalty", "loss_training_mode", "se_loss_training_mode"} & set(found)


def test_standard_errors_come_from_the_losses_of_the_single_samples():
    setting = Setting("model: {name: mlp, layers: [8]}")
    found = setting.record()
    held = setting.losses(*setting.validation)
    assert found["se_val_loss"] == pytest.approx(held.std(ddof=1) / np.sqrt(len(held)), rel=1e-5)
    sampled = setting.losses(setting.train.x, setting.train.y)
    of_all = np.sqrt(1 - 100 / len(setting.x))  # 100 of the 320 are known
    assert found["se_train_eval_loss"] == pytest.approx(of_all * sampled.std(ddof=1) / 10, rel=1e-5)


def test_a_sample_of_a_large_validation_part_tells_the_error_of_the_whole_part():
    setting = Setting("model: {name: mlp, layers: [8]}")
    x, y = setting.validation
    setting.recording = GapRecording(setting.train, Sample(x, y, 8000), setting.spec.loss, BATCH)
    deviation = setting.losses(x, y).std(ddof=1)
    assert setting.record()["se_val_loss"] == pytest.approx(deviation / np.sqrt(8000), rel=1e-5)


def test_the_error_of_the_mean_over_the_sample_covers_the_mean_over_all():
    """Drawn anew again and again, the sample misses the whole part by about its standard error."""
    setting = Setting("model: {name: mlp, layers: [8]}")
    everything = setting.losses(setting.x, setting.y)
    random = np.random.default_rng(0)
    misses = [random.permutation(everything)[:100].mean() - everything.mean() for _ in range(2000)]
    said = setting.record()["se_train_eval_loss"]
    assert np.std(misses) == pytest.approx(said, rel=0.15)


def test_recording_allocates_nothing_for_models_that_were_only_sketched(store):
    wide = sketch_model(parse_spec({"model": {"layers": [4000, 4000]}}))
    spec = {"dataset": {"max_samples": 300}, "model": {"layers": [8], "dropout": 0.3}}
    _, status = run_inline(store, parse_spec(spec | {"training": {"epochs": 2}}))
    assert status is RunStatus.FINISHED
    assert all(variable._value is None for variable in wide.trainable_variables)
