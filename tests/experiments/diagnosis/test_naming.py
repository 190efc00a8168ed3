import pytest

from experiments.diagnosis import Pair, find_pairs, keras_names
from experiments.diagnosis.naming import higher_is_better


@pytest.mark.parametrize(
    ("train", "val"),
    [
        ("loss", "val_loss"), ("train_loss", "val_loss"), ("train_loss", "valid_loss"),
        ("train/loss", "eval/loss"), ("training_loss", "validation_loss"), ("loss", "eval_loss"),
        ("loss/train", "loss/val"), ("Loss/train", "Loss/test"), ("Train Loss", "Val Loss"),
        ("trainLoss", "valLoss"), ("train-loss", "test-loss"), ("metrics/train/loss", "dev.loss"),
        ("train_loss_epoch", "val_loss"), ("train_loss_step", "val_loss_epoch"),
        ("train/epoch_loss", "val/epoch_loss"), ("train_eval_loss", "val_loss"),
    ],
)  # fmt: skip
def test_loss_and_its_validation_are_found_under_many_names(train, val):
    assert find_pairs([val, "epoch", train]) == [Pair("loss", train, val, False)]


@pytest.mark.parametrize(
    ("train", "val"),
    [
        ("acc", "val_acc"), ("train_acc", "valid_acc"), ("accuracy", "eval_accuracy"),
        ("Training accuracy", "Test accuracy"),
    ],
)  # fmt: skip
def test_an_accuracy_is_found_with_higher_being_better(train, val):
    assert find_pairs([train, val]) == [Pair("accuracy", train, val, True)]


def test_keras_own_names_are_left_alone():
    own = ["loss", "val_loss", "train_eval_loss", "accuracy", "val_accuracy", "learning_rate",
           "epoch_seconds", "constant_loss", "val_samples", "train_samples"]  # fmt: skip
    assert keras_names(own) == {}


def test_two_names_never_become_one():
    assert keras_names(["test_loss", "valid_loss", "train_loss"]) == {
        "valid_loss": "val_loss",
        "train_loss": "loss",
    }
    # MLflow's autologging writes every validation loss a second time.
    assert keras_names(["loss", "val_loss", "validation_loss"]) == {}
    lightning = ["train_loss_step", "train_loss_epoch", "val_loss", "lr-Adam"]
    assert keras_names(lightning) == {"train_loss_epoch": "loss", "lr-Adam": "learning_rate"}


def test_hugging_face_facts_are_no_curves():
    logged = ["loss", "eval_loss", "eval_runtime", "eval_samples_per_second", "train_runtime"]
    assert keras_names(logged) == {"eval_loss": "val_loss"}
    assert [pair.metric for pair in find_pairs(logged)] == ["loss"]


def test_other_metrics_keep_their_letters():
    assert keras_names(["val/mAP50(B)", "mAP50(B)"]) == {"val/mAP50(B)": "val_mAP50(B)"}
    assert keras_names(["training-l2", "valid_0-l2"]) == {
        "training-l2": "l2",
        "valid_0-l2": "val_l2",
    }


def test_pairs_come_loss_first_then_accuracies():
    columns = ["val_mae", "mae", "val_accuracy", "accuracy", "val_loss", "loss", "learning_rate"]
    assert [pair.metric for pair in find_pairs(columns)] == ["loss", "accuracy", "mae"]


def test_a_training_curve_alone_is_a_pair_without_validation():
    assert find_pairs(["loss", "lr"]) == [Pair("loss", "loss", None, False)]
    assert find_pairs(["epoch", "learning_rate"]) == []


@pytest.mark.parametrize("metric", ["accuracy", "auc", "mAP", "f1_score", "r2", "mean_io_u"])
def test_what_grows_with_quality_is_known(metric):
    assert higher_is_better(metric)


@pytest.mark.parametrize("metric", ["loss", "mae", "mape", "perplexity", "precision_loss"])
def test_what_shrinks_with_quality_is_known(metric):
    assert not higher_is_better(metric)
