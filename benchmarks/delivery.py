"""How soon an epoch is in MLflow with a real worker, and what is lost when training is killed."""

import os
import re
import signal
import time
from statistics import median

from benchmarks.processes import wait_for
from benchmarks.results import Line, Section
from benchmarks.workspaces import Workspaces, wait_for_end, warm, worker
from experiments.core.journal import read_journal
from experiments.core.run_folder import RunFolder, read_json
from experiments.running.queue import submit
from experiments.spec.run_spec import RunSpec
from experiments.tracking.artifacts import fetch_artifact
from experiments.tracking.runs import get_run
from experiments.tracking.store import Store

_LOOK_SECONDS = 0.05


def measure_delivery(workspaces: Workspaces, spec: RunSpec, repeats: int) -> list[Section]:
    """The delay from an epoch's end to MLflow; epochs lost by SIGKILL; the worker's own count."""
    settings = workspaces.new("delivery")
    store = Store(settings)
    short = spec.model_copy(update={"training": spec.training.model_copy(update={"epochs": 1})})
    middle, worst, ending, recording = [], [], [], []
    announced, lost, in_journal = [], [], []
    with worker(settings):
        warm(store, short)
        for repeat in range(repeats):
            run_id, delays, end = _watch(store, spec)
            middle.append(median(delays))
            worst.append(max(delays))
            ending.append(end)
            recording.append(_own_count(store, run_id))
            said, journal, arrived = _kill(store, spec, after=5 + 3 * repeat)
            announced.append(said)
            in_journal.append(said - journal)
            lost.append(said - arrived)
    return [
        Section(
            "with a real worker: from an epoch's end to MLflow (aim: a few seconds)",
            [
                Line("median epoch", middle),
                Line("slowest epoch", worst),
                Line("last epoch → run ended, model and artifacts included", ending),
                Line("in callbacks each epoch, by the run's own log", recording, "ms"),
            ],
            notes=(f"MLflow is asked every {1000 * _LOOK_SECONDS:.0f} ms.",),
        ),
        Section(
            "training process killed by SIGKILL (aim: no epoch lost)",
            [
                Line("epochs that it had announced", announced, ""),
                Line("of these not on disk", in_journal, ""),
                Line("of these not in MLflow", lost, ""),
            ],
        ),
    ]


def _watch(store: Store, spec: RunSpec) -> tuple[str, list[float], float]:
    """A run's id, the delay of each of its epochs, and the seconds from its last one to its end."""
    run_id = submit(store, spec)
    folder = RunFolder(store.settings.run_folders / run_id)
    ended: dict[int, float] = {}
    seen: dict[int, float] = {}

    def look() -> bool:
        for entry in read_journal(folder.journal).entries:
            if entry.epoch is not None:
                ended[entry.epoch] = entry.time / 1000
        arrived = _epochs_in_mlflow(store, run_id)
        now = time.time()
        for epoch in arrived:
            seen.setdefault(epoch, now)
        return not get_run(store, run_id).status.is_active

    wait_for(look, "the end of the run", 300, every=_LOOK_SECONDS)
    now = time.time()
    wait_for_end(store, run_id)
    delays = [seen[epoch] - moment for epoch, moment in ended.items()]
    return run_id, delays, now - max(ended.values())


def _kill(store: Store, spec: RunSpec, after: int) -> tuple[int, int, int]:
    """Kill a training process after some epochs: how many epochs its log had announced by then,
    and how many of them the journal and MLflow have."""
    run_id = submit(store, spec)
    folder = RunFolder(store.settings.run_folders / run_id)
    wait_for(lambda: _epochs_in_journal(folder) >= after, f"epoch {after}", every=0.01)
    os.kill(read_json(folder.process)["pid"], signal.SIGKILL)
    written = _epochs_in_journal(folder)
    wait_for_end(store, run_id)
    log = fetch_artifact(store, run_id, "log.txt").read_text()
    announced = {int(number) for number in re.findall(r" epoch (\d+)  ", log)}
    arrived = announced & _epochs_in_mlflow(store, run_id)
    return len(announced), min(written, len(announced)), len(arrived)


def _epochs_in_journal(folder: RunFolder) -> int:
    return sum(entry.epoch is not None for entry in read_journal(folder.journal).entries)


def _epochs_in_mlflow(store: Store, run_id: str) -> set[int]:
    return {point.step for point in store.client.get_metric_history(run_id, "loss")}


def _own_count(store: Store, run_id: str) -> float:
    """What the run's log says that recording took, in ms an epoch."""
    log = fetch_artifact(store, run_id, "log.txt").read_text()
    found = re.search(r"recording them took ([\d.]+) ms", log)
    return float(found.group(1)) if found else float("nan")
