"""Logs of other tools, in the forms that their writers give them."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.core.errors import HistoryError
from experiments.diagnosis import Label, diagnose
from experiments.logs import Log, read_log_files, read_logs

FILES = Path(__file__).resolve().parents[2] / "files" / "logs"
TRAINED = json.loads((FILES / "history.json").read_text())
LOSS = [0.9, 0.7, 0.5, 0.4, 0.35, 0.3]
VAL_LOSS = [1.0, 0.8, 0.6, 0.55, 0.6, 0.75]
FRAME = pd.DataFrame({"loss": LOSS, "val_loss": VAL_LOSS})


def one(data: str | bytes, name: str = "log") -> Log:
    (log,) = read_logs(data.encode() if isinstance(data, str) else data, name)
    return log


def assert_is_frame(log: Log) -> None:
    assert log.axis == "epoch"
    assert list(log.history.index) == list(range(6))
    assert log.history["loss"].tolist() == pytest.approx(LOSS)
    assert log.history["val_loss"].tolist() == pytest.approx(VAL_LOSS)
    assert diagnose(log.history).label is Label.overfitting


@pytest.mark.parametrize("name", ["history.json", "csvlogger.csv", "tensorboard", "printed.txt"])
def test_the_logs_of_one_real_training_are_the_same_history(name):
    (log,) = read_log_files(FILES / name)
    assert log.axis == "epoch"
    assert list(log.history.index) == list(range(12))
    digits = 3e-3 if name == "printed.txt" else 1e-5
    for metric, values in TRAINED.items():
        assert log.history[metric].tolist() == pytest.approx(values, rel=digits), metric


@pytest.mark.parametrize("orient", ["columns", "index", "records", "split", "table"])
def test_pandas_json_is_read_in_every_orient(orient):
    assert_is_frame(one(FRAME.to_json(orient=orient)))


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(FRAME.to_dict("list")),
        json.dumps({"history": FRAME.to_dict("list"), "params": {"epochs": 6}, "epoch": [0, 1]}),
        str(FRAME.to_dict("list")),
        "\n".join(json.dumps(row) for row in FRAME.to_dict("records")),
        FRAME.to_csv(index_label="epoch"),
        FRAME.to_csv(),
        FRAME.to_csv(index=False, sep=";"),
        FRAME.to_csv(index=False, sep="\t"),
        "\ufeff" + FRAME.to_csv(index_label="Epoch"),
        "\n".join(f"Epoch {n + 1}: train loss {a}, val loss {b}"
                  for n, (a, b) in enumerate(zip(LOSS, VAL_LOSS, strict=True))),
        "\n".join(f"Epoch [{n + 1}/6], Loss: {a:.4f}, Val Loss: {b:.4f}, time 3.2s"
                  for n, (a, b) in enumerate(zip(LOSS, VAL_LOSS, strict=True))),
        "\n".join(f"epoch {n} | train_loss {a} | valid_loss {b}"
                  for n, (a, b) in enumerate(zip(LOSS, VAL_LOSS, strict=True))),
    ],
)  # fmt: skip
def test_other_forms_of_a_history(text):
    assert_is_frame(one(text))


def test_params_beside_a_history_are_kept():
    log = one(json.dumps({"history": FRAME.to_dict("list"), "params": {"epochs": 6}}))
    assert dict(log.params) == {"epochs": "6"}


def test_what_is_no_curve_is_left_out_and_told():
    log = one(json.dumps({
        **FRAME.to_dict("list"), "rate": 0.1, "name": "a", "odd": [1, 2, 3, 4], "nested": {"a": 1},
    }))  # fmt: skip
    assert_is_frame(log)
    assert log.notes == (
        "Left out, since they are no lists of a number an epoch: rate, name, nested, odd.",
    )
    told = one(FRAME.assign(comment="fine", when="today").to_csv(index_label="epoch"))
    assert told.notes == ("Left out, since they hold no numbers: comment, when.",)


def test_keras_2_printed_with_its_bar():
    text = (
        "Train on 60000 samples, validate on 10000 samples\nEpoch 1/2\n"
        "60000/60000 [==============================] - 10s 170us/step - loss: 0.26 - acc: 0.92 - "
        "val_loss: 0.11 - val_acc: 0.96\nEpoch 2/2\n  128/60000 [....] - ETA: 9s - loss: 0.2\r"
        "60000/60000 [==============================] - 10s 170us/sample - loss: 0.11 - acc: 0.96 "
        "- val_loss: 9e-02 - val_acc: 0.97\nEpoch 00002: val_loss improved from 0.11 to 0.09\n"
    )
    log = one(text)
    assert log.history["loss"].tolist() == [0.26, 0.11]
    assert log.history["val_loss"].tolist() == [0.11, 0.09]
    assert set(log.history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert log.notes == ("It counts epochs from 1; here they count from 0.",)


def test_lightning_writes_training_and_validation_on_rows_of_their_own():
    rows = ["epoch,step,train_loss_step,train_loss_epoch,val_loss,lr-Adam"]
    for n, (a, b) in enumerate(zip(LOSS, VAL_LOSS, strict=True)):
        rows += [f"{n},{10 * n + 4},9.9,,,0.001", f"{n},{10 * n + 9},,,{b},"]
        rows += [f"{n},{10 * n + 9},,{a},,"]
    assert_is_frame(one("\n".join(rows), "metrics"))


def test_yolo_has_the_sum_of_its_losses():
    header = (
        "   epoch,  train/box_loss, train/cls_loss, metrics/mAP50(B), val/box_loss, val/cls_loss"
    )
    rows = [f"  {n + 1}, {a / 2}, {a / 2}, 0.5, {b / 4}, {3 * b / 4}"
            for n, (a, b) in enumerate(zip(LOSS, VAL_LOSS, strict=True))]  # fmt: skip
    log = one("\n".join([header, *rows]), "results")
    assert log.kind == "YOLO results.csv"
    assert log.history["loss"].tolist() == pytest.approx(LOSS)
    assert log.history["val_loss"].tolist() == pytest.approx(VAL_LOSS)
    assert "sum of box_loss, cls_loss" in log.notes[0]


def test_hugging_face_keeps_every_evaluation_of_an_epoch():
    history = []
    for step in range(1, 13):
        history.append(
            {"loss": 1 / step, "learning_rate": 1e-5, "epoch": step / 4, "step": 5 * step}
        )
        if step % 2 == 0:
            history.append({"eval_loss": 2 / step, "eval_runtime": 3.0, "epoch": step / 4,
                            "step": 5 * step})  # fmt: skip
    history.append({"train_loss": 0.4, "train_runtime": 100.0, "epoch": 3.0, "step": 60})
    log = one(json.dumps({"log_history": history, "max_steps": 60}), "trainer_state")
    assert log.axis == "step"
    assert log.history["val_loss"].dropna().index.tolist() == [10, 20, 30, 40, 50, 60]
    assert log.history["loss"].tolist() == pytest.approx([1 / step for step in range(1, 13)])
    assert log.params["max_steps"] == "60"


def test_the_training_loss_at_an_evaluation_is_the_last_one_before():
    history = [{"loss": 1.0, "step": 10}, {"eval_loss": 1.2, "step": 15}, {"loss": 0.5, "step": 20}]
    log = one(json.dumps({"log_history": history}))
    assert log.history["loss"].tolist() == [1.0, 1.0, 0.5]
    assert "logged before" in log.notes[-1]


def test_an_export_of_weights_and_biases_has_a_log_for_each_run():
    header = '"Step","swift-river-1 - val_loss","swift-river-1 - val_loss__MIN","b-2 - val_loss"'
    rows = [f'"{n}","{b}","{b}","{2 * b}"' for n, b in enumerate(VAL_LOSS)]
    first, second = read_logs("\n".join([header, *rows]).encode(), "export")
    assert (first.name, second.name) == ("swift-river-1", "b-2")
    assert first.axis == "step"
    assert list(first.history) == ["val_loss"]
    assert second.history["val_loss"].tolist() == pytest.approx([2 * b for b in VAL_LOSS])


def test_fractional_epochs_become_steps_and_all_are_kept():
    log = one("epoch,loss,val_loss\n0.5,1,1\n1.0,0.9,0.9\n1.5,0.8,0.8\n")
    assert (log.axis, len(log.history)) == ("step", 3)


def test_a_log_that_was_appended_to_is_one_run_that_went_on():
    log = one("epoch,loss\n0,1.0\n1,0.9\n0,0.8\n1,0.7\n")
    assert log.history["loss"].tolist() == [1.0, 0.9, 0.8, 0.7]
    assert list(log.history.index) == [0, 1, 2, 3]
    assert "begins anew" in log.notes[0]


def test_a_nan_at_the_end_stays_one():
    assert (
        diagnose(one("{'loss': [0.5, nan], 'val_loss': [1, nan]}").history).label is Label.diverged
    )
    assert np.isinf(one('{"loss": [1.0, "Infinity"]}').history["loss"].iloc[-1])


def test_a_folder_is_read_with_what_is_below_it():
    assert {log.kind for log in read_log_files(FILES)} == {
        "TensorBoard", "Keras CSVLogger", "Keras history", "printed progress",
    }  # fmt: skip


def test_an_event_file_that_is_still_written_is_read_to_where_it_got(tmp_path):
    whole = next((FILES / "tensorboard" / "train").iterdir())
    cut = tmp_path / whole.name
    cut.write_bytes(whole.read_bytes()[:-10])
    (log,) = read_log_files(cut)
    assert len(log.history) == 12
    cut.write_bytes(b"nothing of the kind")
    with pytest.raises(HistoryError, match="no event file"):
        read_log_files(cut)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("", "is empty"), ("hello", "no column of numbers"), ("[1, 2]", "without names"),
        ("[[1, 2], [3, 4]]", "without names"), ('{"loss": 3}', "Received 3 under 'loss'"),
        ('{"a": "b"}', "Received the text 'b'"), ("a,b\nx,y\n", "no column of numbers"),
        (b"\x00\x01\x02\xff", "no text and no event file"), ('{"loss": [0.5', "cannot|can be read"),
        ("{" * 5000, "can be read"), ("{'a': __import__('os')}", "can be read"),
    ],
)  # fmt: skip
def test_what_is_no_log_is_refused_with_what_is_allowed(data, said):
    with pytest.raises(HistoryError, match=said) as refused:
        one(data)
    assert "Allowed" in str(refused.value) or "model.fit() returns" in str(refused.value)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(HistoryError, match="No such file"):
        read_log_files(tmp_path / "gone.csv")
    with pytest.raises(HistoryError, match="No file in the folder"):
        read_log_files(tmp_path)
