"""TensorBoard as a contestant of `compare_drawn`: the same val_loss curves, in its own page.

It is installed by pip into an environment of its own, without TensorFlow, and writes its own files.
"""

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.processes import started, wait_for
from benchmarks.startup import free_port
from experiments.diagnosis.histories import Histories

if TYPE_CHECKING:
    from playwright.sync_api import Browser

_WRITE = """
import sys
import numpy
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter

for number, curve in enumerate(numpy.load(sys.argv[1])):
    writer = EventFileWriter(f"{sys.argv[2]}/run {number}")
    for step, y in enumerate(curve):
        summary = Summary(value=[Summary.Value(tag="val_loss", simple_value=y)])
        writer.add_event(Event(wall_time=1.79e9 + step, step=step, summary=summary))
    writer.close()
"""
_TIMEOUT = 180_000  # ms
_ROWS = "runs-data-table tb-data-table-content-row"
_DRAWN = "scalar-card tb-data-table-content-row"
_COUNT = "([rows, count]) => document.querySelectorAll(rows).length >= count"


def install(folder: Path) -> Path:
    """The Python of a fresh environment with tensorboard; raises CalledProcessError."""
    python = folder / "bin" / "python"
    for command in (
        [sys.executable, "-m", "venv", str(folder)],
        [str(python), "-m", "pip", "install", "--quiet", "tensorboard"],
    ):
        subprocess.run(command, check=True, capture_output=True)
    return python


@contextmanager
def tensorboard(python: Path, histories: Histories, folder: Path) -> Iterator[str]:
    """The address of a TensorBoard that has loaded the val_loss of these runs, of equal length."""
    curves = [histories.points(run_id, "val_loss").values for run_id in histories.run_ids]
    folder.mkdir()
    with np.errstate(over="ignore"):
        np.save(folder / "curves.npy", np.stack(curves).astype(np.float32))
    logs = folder / "logs"
    subprocess.run(
        [str(python), "-c", _WRITE, str(folder / "curves.npy"), str(logs)],
        check=True, capture_output=True,
    )  # fmt: skip
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [
        str(python.with_name("tensorboard")), "--logdir", str(logs), "--host", "127.0.0.1",
        "--port", str(port),
    ]  # fmt: skip
    with started(command, {}, folder / "tensorboard.log"):
        wait_for(lambda: _loaded(address) == len(curves), "TensorBoard to load all runs", 180, 0.2)
        yield address


def open_tensorboard(address: str, runs: int, chromium: "Browser") -> float | None:
    """Seconds from opening its Time Series page until the table under the chart has all runs; None
    if it did not get there in three minutes.

    It selects no run where there are many: then its box for all is clicked as soon as the runs
    are listed. The table is filled from the data that the chart draws; the canvas is painted by
    then or a little later, which counts in TensorBoard's favor.
    """
    from playwright.sync_api import TimeoutError

    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    try:
        page = context.new_page()
        page.set_default_timeout(_TIMEOUT)
        began = time.perf_counter()
        page.goto(f"{address}/#timeseries", wait_until="commit")
        page.wait_for_function(_COUNT, arg=[_ROWS, runs])
        if not page.locator(f"{_ROWS} input:checked").count():
            page.locator("runs-data-table mat-checkbox input").first.click()
        page.wait_for_function(_COUNT, arg=[_DRAWN, runs])
        return time.perf_counter() - began
    except TimeoutError:
        return None
    finally:
        context.close()


def _loaded(address: str) -> int:
    try:
        with urllib.request.urlopen(f"{address}/data/plugin/timeseries/tags", timeout=30) as answer:
            return len(json.load(answer).get("scalars", {}).get("runTagInfo", {}))
    except OSError:
        return 0
