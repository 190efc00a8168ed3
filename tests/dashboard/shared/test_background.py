"""What runs beside the pages."""

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from dashboard.shared.background import EndedHistories, Previews
from experiments.core.errors import WorkerError
from experiments.spec.run_spec import RunSpec
from experiments.tracking.history_reader import HistoryReader, get_history
from experiments.tracking.runs import RunStatus, get_run, list_runs
from tests.dashboard.conftest import OVERFITTING
from tests.support.waiting import wait_for


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
    first = previews.ask(RunSpec(), "a")
    assert not first.done()
    assert previews.ask(RunSpec(name="another name"), "a") is first
    keras.may_answer.set()
    assert first.result(timeout=20) == {"parameters": 30}
    assert keras.asked == ["preview"]


def test_previews_that_failed_are_asked_again_only_when_told():
    keras = SlowAnswers()
    keras.may_answer.set()
    previews = Previews(keras)
    failed: Future = previews.ask(RunSpec(seed=13), "a")
    with pytest.raises(WorkerError):
        failed.result(timeout=20)
    assert previews.ask(RunSpec(seed=13), "a") is failed
    previews.forget_failures()
    assert previews.ask(RunSpec(seed=13), "a") is not failed


def busy_previews() -> tuple[SlowAnswers, Previews]:
    """Previews whose process is busy with something, so that what is asked waits."""
    keras = SlowAnswers()
    previews = Previews(keras)
    previews.ask(RunSpec(seed=99), "busy")
    wait_for(lambda: keras.asked)
    return keras, previews


def test_typing_in_one_session_does_not_cancel_the_preview_of_another():
    keras, previews = busy_previews()
    waiting = previews.ask(RunSpec(seed=1), "a")
    typed = previews.ask(RunSpec(seed=2), "b")
    last = previews.ask(RunSpec(seed=3), "b")
    assert not waiting.cancelled()
    assert typed.cancelled()  # only the last thing typed is worth an answer
    keras.may_answer.set()
    assert waiting.result(timeout=20) == last.result(timeout=20) == {"parameters": 30}


def test_a_preview_that_two_sessions_wait_for_is_not_cancelled_by_one_of_them():
    keras, previews = busy_previews()
    both = previews.ask(RunSpec(seed=1), "a")
    assert previews.ask(RunSpec(seed=1), "b") is both
    previews.ask(RunSpec(seed=2), "b")
    assert not both.cancelled()
    keras.may_answer.set()
    assert both.result(timeout=20)


def test_what_was_cancelled_is_asked_again_when_it_is_typed_again():
    keras, previews = busy_previews()
    first = previews.ask(RunSpec(seed=1), "a")
    previews.ask(RunSpec(seed=2), "a")
    again = previews.ask(RunSpec(seed=1), "a")
    assert first.cancelled()
    keras.may_answer.set()
    assert again.result(timeout=20)


def test_previews_bear_many_sessions_that_type_at_once():
    keras = SlowAnswers()
    keras.may_answer.set()
    previews = Previews(keras, most=5)

    def type_on(number: int) -> int:
        futures = [previews.ask(RunSpec(seed=100 + number * 50 + i), str(number))
                   for i in range(50)]  # fmt: skip
        return futures[-1].result(timeout=20)["parameters"]

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(type_on, range(16))) == [30] * 16


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
