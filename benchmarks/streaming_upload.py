"""A large CSV uploaded on the Data page in Chromium: what the web process takes for it."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

import psutil

from benchmarks.results import Line, Section
from benchmarks.startup import App, browser, served, wait_until_healthy
from benchmarks.streaming_files import write_csv
from benchmarks.workspaces import Workspaces
from experiments.core.settings import ROOT, Settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser

UPLOAD_BYTES = 200_000_000
ALLOWED_MB = 300
_MB = 1_000_000
_SETTLED_SECONDS = 3.0
_TIMEOUT = 300_000  # ms
_FOUND, _REFUSED = '[data-testid="stMetric"]', '[data-testid="stAlert"]'


class Uploaded(NamedTuple):
    """MB of the web process before and at its peak, of its children at theirs, and seconds."""

    before: float
    peak: float
    children: float
    seconds: float


def upload_section(workspaces: Workspaces, repeats: int) -> Section:
    """How much more the web process holds until the page shows what was found."""
    settings = workspaces.new("upload")
    path = settings.home / "table.csv"
    write_csv(path, UPLOAD_BYTES)
    size = path.stat().st_size / _MB
    with browser() as chromium:
        found = [_upload(settings, path, chromium) for _ in range(repeats)]
    return Section(
        f"a CSV of {size:,.0f} MB uploaded: extra peak RSS of the web process (aim: below 1 ×)",
        [
            Line("allowed", [ALLOWED_MB], "MB"),
            Line("extra, at its peak", [one.peak - one.before for one in found], "MB"),
            Line("before the upload", [one.before for one in found], "MB"),
            Line("children at their peak, apart", [one.children for one in found], "MB"),
        ],
        "allowed",
        (f"shown {median(one.seconds for one in found):.1f} s after the file was chosen",),
    )


def _upload(settings: Settings, path: Path, chromium: "Browser") -> Uploaded:
    environment = settings.environment() | {"KERASCOPE_WORKER": "external"}
    with served(App(ROOT / "dashboard" / "app.py", environment, ""), settings) as (address, pid):
        wait_until_healthy(address)
        context = chromium.new_context()
        try:
            page = context.new_page()
            page.goto(f"{address}/data?add")
            files = page.locator("input[type=file]").first
            files.wait_for(state="attached", timeout=_TIMEOUT)
            time.sleep(_SETTLED_SECONDS)  # the page is drawn; threads of the first visit end
            before = psutil.Process(pid).memory_info().rss / _MB
            began = time.perf_counter()
            with _watching(pid) as peaks:
                files.set_input_files(path)
                shown = page.wait_for_selector(f"{_FOUND}, {_REFUSED}", timeout=_TIMEOUT)
            seconds = time.perf_counter() - began
            if page.locator(_FOUND).count() == 0:
                said = shown.inner_text() if shown else "nothing"
                raise RuntimeError(f"The page did not show what is in {path.name}: {said}")
            return Uploaded(before, peaks["self"], peaks["children"], seconds)
        finally:
            context.close()


@contextmanager
def _watching(pid: int) -> Iterator[dict[str, float]]:
    """The largest RSS, in MB, of a process and of all its children together, while it lasts."""
    peaks, over = {"self": 0.0, "children": 0.0}, threading.Event()

    def watch() -> None:
        process = psutil.Process(pid)
        while not over.wait(0.05):
            peaks["self"] = max(peaks["self"], _rss(process))
            together = sum(map(_rss, process.children(recursive=True)))
            peaks["children"] = max(peaks["children"], together)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield peaks
    finally:
        over.set()
        thread.join()


def _rss(process: psutil.Process) -> float:
    try:
        return float(process.memory_info().rss) / _MB
    except psutil.Error:
        return 0.0
