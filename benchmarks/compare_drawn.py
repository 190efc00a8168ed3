"""`compare_drawn`: from opening the link of the Compare page to all val_loss curves drawn."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from benchmarks.compare_tensorboard import install, open_tensorboard, tensorboard
from benchmarks.results import Line, Section
from benchmarks.startup import App, browser, served, wait_until_healthy
from benchmarks.stores import make_store
from benchmarks.workspaces import Workspaces
from dashboard.chart.curve_chart import Look, compose
from dashboard.chart.curve_data import ChartCurve
from dashboard.chart.curve_messages import whole
from experiments.core.settings import ROOT, Settings
from experiments.tracking.history_reader import read_histories
from experiments.tracking.runs import list_runs
from experiments.tracking.store import Store

if TYPE_CHECKING:
    from playwright.sync_api import Browser

_TIMEOUT = 180_000  # ms


class Size(NamedTuple):
    """So many runs of so many epochs, and the choice of the page that shows them all."""

    runs: int
    epochs: int
    most: str

    @property
    def label(self) -> str:
        """How the size reads: 1,000 × 100."""
        return f"{self.runs:,} × {self.epochs}"


SIZES = (
    Size(100, 100, "newest 100"),
    Size(100, 500, "newest 100"),
    Size(1000, 100, "newest 1,000"),
    Size(10_000, 100, "newest 10,000"),
)
AGAINST_TENSORBOARD = (SIZES[0], SIZES[2])
_TENSORBOARD = "TensorBoard, Time Series"


def measure(workspaces: Workspaces, repeats: int) -> list[Section]:
    """Seconds until the curves stand on the screen, and what making a chart costs.

    The server runs and has been asked once, as that of another tool would have been. The browser
    begins each time without a cache.
    """
    notes = []
    try:
        python: Path | None = install(workspaces.folder / "tensorboard")
    except subprocess.CalledProcessError as error:
        python, notes = None, [f"TensorBoard is left out, it cannot be installed: {error}"]
    with browser() as chromium:
        sections = [_drawn(workspaces, size, repeats, chromium, python) for size in SIZES]
    sections[-1] = sections[-1]._replace(notes=[*sections[-1].notes, *notes])
    return [*sections, *_messages()]


def open_compare(address: str, size: Size, chromium: "Browser") -> float:
    """Seconds from opening the link until the browser has drawn a curve for each run."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    try:
        page = context.new_page()
        began = time.perf_counter()
        page.goto(f"{address}/compare?most={size.most}", wait_until="commit")
        page.wait_for_selector(
            f"[data-drawn-curves='{size.runs}']", state="attached", timeout=_TIMEOUT
        )
        return time.perf_counter() - began
    finally:
        context.close()


def _drawn(
    workspaces: Workspaces, size: Size, repeats: int, chromium: "Browser", python: Path | None
) -> Section:
    settings = workspaces.new(f"drawn-{size.runs}-{size.epochs}")
    make_store(settings, size.runs, size.epochs)
    with ExitStack() as stack:
        address = stack.enter_context(_dashboard(settings))
        first = open_compare(address, size, chromium)
        theirs = None
        if python and size in AGAINST_TENSORBOARD:
            store = Store(settings)
            histories = read_histories(store, list_runs(store))
            folder = settings.home / "tensorboard"
            theirs = stack.enter_context(tensorboard(python, histories, folder))
        ours, other = [], []
        for _ in range(repeats):
            ours.append(open_compare(address, size, chromium))
            if theirs:
                seconds = open_tensorboard(theirs, size.runs, chromium)
                other += [] if seconds is None else [seconds]
    lines = [Line("Kerascope, histories not read yet", [first]), Line("Kerascope", ours)]
    if other:
        lines.append(Line(_TENSORBOARD, other))
    title = f"link opened → all val_loss curves drawn, {size.label}"
    stuck = theirs is not None and len(other) < repeats
    notes = [f"TensorBoard drew them in {len(other)} of {repeats} attempts"] if stuck else []
    return Section(title, lines, _TENSORBOARD, notes)


@contextmanager
def _dashboard(settings: Settings) -> Iterator[str]:
    environment = settings.environment() | {"KERASCOPE_WORKER": "external"}
    app = App(ROOT / "dashboard" / "app.py", environment, "")
    with served(app, settings) as (address, _):
        wait_until_healthy(address)
        yield address


def _messages() -> list[Section]:
    """What a chart that is not live costs the server, and sends."""
    seconds, sizes = [], []
    for size in SIZES:
        curves = _curves(_values(size.runs, size.epochs))
        began = time.perf_counter()
        message = whole(compose(curves, [], Look("val_loss")))
        seconds.append(Line(size.label, [1000 * (time.perf_counter() - began)], "ms"))
        sizes.append(Line(size.label, [float(len(message))], ""))
    return [
        Section("whole chart: made on the server", seconds),
        Section("whole chart: bytes", sizes),
    ]


def _values(runs: int, epochs: int) -> np.ndarray:
    return np.exp(-np.random.default_rng(0).random((runs, epochs)).cumsum(axis=1) / 10)


def _curves(ys: np.ndarray) -> list[ChartCurve]:
    x = np.arange(ys.shape[1], dtype=float)
    return [
        ChartCurve(f"{i:032x}", f"run {i}", "#3b82f6", "validation", x, y) for i, y in enumerate(ys)
    ]
