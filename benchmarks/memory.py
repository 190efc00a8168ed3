"""`memory`: what the dashboard, an idle worker and a training process hold."""

import time
from collections.abc import Callable

import psutil

from benchmarks.overhead import SPEC
from benchmarks.processes import wait_for
from benchmarks.results import Line, Section
from benchmarks.startup import App, browser, draw, prepare, served, wait_until_healthy
from benchmarks.workspaces import Workspaces, wait_for_end, warm, worker
from experiments.core.run_folder import RunFolder, read_json
from experiments.core.settings import ROOT
from experiments.running.queue import submit
from experiments.tracking.store import Store

_MB = 1_000_000
_IDLE_SECONDS = 5.0


def measure(workspaces: Workspaces, repeats: int) -> list[Section]:
    """Megabytes of each, children included, and the same with shared pages counted once."""
    del repeats  # memory repeats itself
    settings = prepare(workspaces, "memory")
    store = Store(settings)
    app = App(
        ROOT / "dashboard" / "app.py",
        settings.environment() | {"KERASCOPE_WORKER": "external"},
        "finished 0",
    )
    with browser() as chromium, served(app, settings) as (address, pid):
        wait_until_healthy(address)
        draw(app, address, chromium)
        dashboard = _peak(pid, _for(_IDLE_SECONDS))
    with worker(settings) as process:
        warm(store, SPEC.model_copy(update={"training": SPEC.training.model_copy(
            update={"epochs": 1})}))  # fmt: skip
        idle = _peak(process.pid, _for(_IDLE_SECONDS))
        run_id = submit(store, SPEC)
        folder = RunFolder(settings.run_folders / run_id)
        note = wait_for(lambda: read_json(folder.process) or None, "the training process")
        training = _peak(note["pid"], lambda: folder.result.exists() or not folder.path.exists())
        wait_for_end(store, run_id)
    found = {
        "dashboard, one page open": dashboard,
        "worker, idle, with its fork server": idle,
        "training process (shares pages with the fork server)": training,
    }
    return [
        Section(
            "resident (RSS), children included, at its peak",
            [Line(label, [rss], "MB") for label, (rss, _) in found.items()],
        ),
        Section(
            "the same with each shared page divided among those that share it (PSS)",
            [Line(label, [pss], "MB") for label, (_, pss) in found.items()],
        ),
    ]


def _for(seconds: float) -> Callable[[], bool]:
    until = time.monotonic() + seconds
    return lambda: time.monotonic() > until


def _peak(pid: int, is_over: Callable[[], bool]) -> tuple[float, float]:
    """The largest RSS and PSS, in MB, of a process and its children until something is over."""
    rss = pss = 0.0
    while not is_over():
        found = [_sizes(process) for process in _family(pid)]
        rss = max(rss, sum(size for size, _ in found))
        pss = max(pss, sum(size for _, size in found))
        time.sleep(0.2)
    return rss / _MB, pss / _MB


def _family(pid: int) -> list[psutil.Process]:
    try:
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _sizes(process: psutil.Process) -> tuple[float, float]:
    try:
        info = process.memory_full_info()
        return info.rss, getattr(info, "pss", info.uss)  # PSS is Linux's
    except psutil.Error:
        return 0.0, 0.0
