"""What runs beside the pages."""

import threading
import time
from concurrent.futures import Future

import pytest

from dashboard.shared.background import EndedHistories, Previews
from experiments.core.errors import WorkerError
from experiments.spec.run_spec import RunSpec
from experiments.tracking.history_reader import HistoryReader, get_history
from experiments.tracking.runs import RunStatus, get_run, list_runs
from tests.dashboard.conftest import OVERFITTING


class SlowAnswers:
    """Answers when it is let; counts what it was asked."""

    is_ready = True

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.may_answer = threading.Event()

    def ask(self, operation: str, **arguments):
        self.asked.append(operation)
        assert self.may_answer.wait(20)
        if arguments["spec"]["seed"] == 13:
            raise WorkerError("It died.")
        return {"parameters": arguments["spec"]["training"]["epochs"]}


def test_previews_do_not_wait_and_ask_once_for_the_same_spec():
    keras = SlowAnswers()
    previews = Previews(keras)
    first = previews.ask(RunSpec())
    assert not first.done()
    assert previews.ask(RunSpec(name="another name")) is first
    keras.may_answer.set()
    assert first.result(timeout=20) == {"parameters": 30}
    assert keras.asked == ["preview"]


def test_previews_that_failed_are_asked_again_only_when_told():
    keras = SlowAnswers()
    keras.may_answer.set()
    previews = Previews(keras)
    failed: Future = previews.ask(RunSpec(seed=13))
    with pytest.raises(WorkerError):
        failed.result(timeout=20)
    assert previews.ask(RunSpec(seed=13)) is failed
    previews.forget_failures()
    assert previews.ask(RunSpec(seed=13)) is not failed


def test_histories_are_read_in_the_background(make_run, store):
    make_run()
    runs = list_runs(store)
    histories = EndedHistories(HistoryReader(store))
    deadline = time.monotonic() + 30
    while not (known := histories.known(runs)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert known[runs[0].id]["val_loss"].tolist() == OVERFITTING["val_loss"]


def test_a_live_history_leaves_out_an_epoch_of_which_only_some_metrics_arrived(make_run, store):
    uneven = {"loss": [3.0, 2.0], "val_loss": [3.0, 2.0, 1.0]}
    run_id = make_run(RunStatus.RUNNING, history=uneven)
    history = get_history(store, get_run(store, run_id))
    assert history["val_loss"].tolist() == [3.0, 2.0]
