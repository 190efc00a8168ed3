import warnings
from types import SimpleNamespace

import numpy as np
import pytest

from experiments.core.errors import HistoryError
from experiments.diagnosis import Setting, grid, recommend, replay, sweep
from experiments.diagnosis.histories import Histories, Points

VALUES = [1.0, 0.8, 0.7, 0.75, 0.72, 0.69, 0.8, 0.9, 1.0, 1.1]


def random_history(rng):
    """Measured epochs and values, with ties, broken values and validation every n-th epoch."""
    n = int(rng.integers(1, 40))
    kind = rng.integers(5)
    if kind == 0:
        values = rng.integers(0, 4, n).astype(float)
    elif kind == 1:
        values = np.abs(np.linspace(1, -1, n)) + rng.normal(0, 0.05, n)
    else:
        values = np.cumsum(rng.normal(0, 1, n)) * 10.0 ** rng.integers(-6, 7)
    if rng.random() < 0.3:
        values[rng.integers(0, n, 2)] = rng.choice([np.nan, np.inf, -np.inf, 3e38])
    if rng.random() < 0.5:
        # What Keras logs was float32 before; other tools log doubles.
        with np.errstate(over="ignore"):
            values = values.astype(np.float32).astype(float)
    every = int(rng.integers(1, 4))
    present = (np.arange(n) % every == every - 1) & (rng.random(n) > 0.1)
    return np.flatnonzero(present), values[present], n


def random_setting(rng, values):
    spread = float(np.nanmax(np.abs(values[np.isfinite(values)]), initial=0.0)) or 1.0
    spread = min(spread, 1e9)
    return Setting(
        patience=int(rng.integers(0, 8)),
        min_delta=float(rng.choice([0.0, 0.01 * spread, -0.1 * spread, 1.0])),
        start_from_epoch=int(rng.choice([0, 0, 1, 5, 50])),
        monitor=str(rng.choice(["val_loss", "loss"])),
        mode=str(rng.choice(["auto", "min", "max"])),
        baseline=None if rng.random() < 0.6 else float(rng.normal(0, spread)),
    )


def driven(setting, epochs, values, n):
    """The real callback, its epochs counted out by hand."""
    from keras.callbacks import EarlyStopping

    callback = EarlyStopping(
        monitor=setting.monitor,
        min_delta=setting.min_delta,
        patience=setting.patience,
        mode=setting.mode,
        baseline=setting.baseline,
        start_from_epoch=setting.start_from_epoch,
    )
    callback.set_model(SimpleNamespace(stop_training=False))
    callback.on_train_begin()
    measured = dict(zip(epochs.tolist(), values.tolist(), strict=True))
    for epoch in range(n):
        logs = {setting.monitor: measured[epoch]} if epoch in measured else {}
        callback.on_epoch_end(epoch, logs)
        if callback.model.stop_training:
            break
    return callback


def test_replay_agrees_with_keras_early_stopping_exactly():
    rng = np.random.default_rng(11)
    stopped = 0
    for _ in range(3000):
        epochs, values, n = random_history(rng)
        setting = random_setting(rng, values)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the epochs without a value
            callback = driven(setting, epochs, values, n)
        stop = replay(values, setting, epochs=epochs, last_epoch=n - 1)
        assert stop.stopped_epoch == (
            callback.stopped_epoch if callback.model.stop_training else None
        ), (setting, epochs, values)
        assert np.array_equal([np.nan if stop.best is None else stop.best],
                              [np.nan if callback.best is None else callback.best],
                              equal_nan=True), (setting, epochs, values)  # fmt: skip
        assert (stop.best_epoch or 0) == callback.best_epoch
        assert stop.wait == callback.wait
        stopped += stop.stopped_epoch is not None
    assert 1000 < stopped < 2900


def test_a_setting_that_restores_the_best_weights_stops_at_the_same_epoch():
    stop = replay(VALUES, Setting(patience=2))
    assert stop == (4, 2, 0.7, 2, 5)


def test_a_maximised_metric_is_known_by_its_name():
    accuracy = 1 - np.array(VALUES)
    assert replay(accuracy, Setting(2, monitor="val_accuracy"))[:2] == (4, 2)
    assert replay(accuracy, Setting(2, monitor="val_accuracy", mode="min"))[:2] == (2, 0)


def test_nothing_measured_stops_nothing():
    assert replay([], Setting()) == (None, None, None, 0, 0)
    assert replay(VALUES, Setting(start_from_epoch=10)) == (None, None, None, 0, 0)


def test_wrong_input_is_refused_with_what_is_allowed():
    with pytest.raises(HistoryError, match="'minimum'"):
        Setting(mode="minimum")
    with pytest.raises(HistoryError, match="one epoch a value"):
        replay(VALUES, Setting(), epochs=np.arange(3))


def points(values, every=1):
    steps = np.arange(len(values))[every - 1 :: every]
    values = np.asarray(values, dtype=float)[every - 1 :: every]
    return Points(steps.astype(np.int64), values, 1000 * steps.astype(np.int64))


def histories(runs, seconds=None):
    series = {}
    for name, values in runs.items():
        series[name] = {"loss": points(values), "val_loss": points(values)}
        if seconds is not None:
            series[name]["epoch_seconds"] = points([seconds] * len(values))
    return Histories(series)


def test_sweep_says_what_each_setting_saves_and_gives_up():
    swept = sweep(histories({"a": VALUES}, seconds=3.0), [Setting(2), Setting(3), Setting(20)])
    assert swept["epochs_saved"].tolist() == [5, 1, 0]
    assert swept["seconds_saved"].tolist() == [15, 3, 0]
    assert swept["given_up"].to_numpy() == pytest.approx([0.01, 0, 0])
    assert swept["given_up_relative"].to_numpy() == pytest.approx([0.01 / 0.69, 0, 0])
    assert swept["stopped"].tolist() == [1, 1, 0]


def test_sweep_averages_over_runs():
    both = {"a": VALUES, "b": list(np.linspace(1, 0.1, 10))}
    swept = sweep(histories(both), [Setting(2)]).iloc[0]
    assert swept["epochs_saved"] == 2.5
    assert swept["runs"] == 2
    assert swept["stopped"] == 1


def test_sweep_agrees_with_replay_one_by_one():
    rng = np.random.default_rng(3)
    for _ in range(100):
        n = int(rng.integers(2, 40))
        values = np.abs(np.linspace(1, -1, n)) + rng.normal(0, 0.1, n)
        settings = grid(start_from_epoch=(0, 3))
        swept = sweep(histories({"a": values}), settings)
        for setting, saved, given_up in zip(
            settings, swept["epochs_saved"], swept["given_up"], strict=True
        ):
            stop = replay(values, setting)
            assert saved == stop.epochs_saved
            trained = values[: n - stop.epochs_saved]
            assert given_up == pytest.approx(trained.min() - values.min(), abs=1e-12)


def test_seconds_come_from_the_times_of_logging_where_none_were_recorded():
    swept = sweep(histories({"a": VALUES}), [Setting(2)])
    assert swept["seconds_saved"].tolist() == [5]


def test_runs_without_the_monitored_metric_are_left_out():
    mixed = Histories({"a": {"loss": points(VALUES)}, "b": {"val_loss": points(VALUES)}})
    assert sweep(mixed, [Setting(2)])["runs"].tolist() == [1]
    nothing = sweep(Histories({"a": {"loss": points(VALUES)}}), [Setting(2)])
    assert nothing["runs"].tolist() == [0]
    assert recommend(nothing) is None


def test_what_is_given_up_is_validation_loss_whatever_was_monitored():
    series = {"val_loss": points(VALUES), "val_accuracy": points([0.5] * 10)}
    swept = sweep(Histories({"a": series}), [Setting(1, monitor="val_accuracy")])
    assert swept["epochs_saved"].tolist() == [8]
    assert swept["given_up"].to_numpy() == pytest.approx([0.8 - 0.69])


def test_recommend_saves_most_while_giving_up_at_most_the_tolerance():
    settings = [Setting(1), Setting(2), Setting(3), Setting(3, min_delta=1e-6), Setting(20)]
    swept = sweep(histories({"a": VALUES}), settings)
    assert recommend(swept) == Setting(3)
    assert recommend(swept, tolerance=0.02) == Setting(1)


def test_recommend_offers_nothing_where_nothing_is_saved():
    falling = list(np.linspace(1, 0.1, 10))
    assert recommend(sweep(histories({"a": falling}), grid())) is None


def test_validation_every_third_epoch_saves_whole_epochs():
    history = {"loss": points(range(30, 0, -1)), "val_loss": points([*range(15), *range(15)], 3)}
    swept = sweep(Histories({"a": history}), [Setting(1)])
    assert swept["epochs_saved"].tolist() == [24]
