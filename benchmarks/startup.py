"""`startup`: from `streamlit run` to the table of runs, drawn in Chromium."""

import shutil
import socket
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.processes import started, wait_for
from benchmarks.results import Line, Section, of_repeats
from benchmarks.workspaces import Workspaces, add_finished_run
from experiments.core.settings import ROOT, Settings
from experiments.tracking.store import Store

if TYPE_CHECKING:
    from playwright.sync_api import Browser

RUNS = 5
DASHBOARD, ALONE, BARE = "dashboard", "dashboard, no worker beside it", "bare app of one line"
#: Streamlit draws the table on a canvas and keeps its cells as text inside, for screen readers.
_CELL = '[data-testid="stDataFrame"] canvas td:has-text("{text}")'
_ARGUMENTS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
).split()


class App(NamedTuple):
    """A Streamlit app, its environment, and a text that stands in its table."""

    path: Path
    environment: dict[str, str]
    text: str


def measure(workspaces: Workspaces, repeats: int) -> list[Section]:
    """Seconds from the command to the table, and each part; a first round is not counted, so
    that all bytecode is there."""
    settings = prepare(workspaces, "startup")
    bare = settings.home / "bare.py"
    bare.write_text('import streamlit; streamlit.dataframe({"Name": ["finished"]})\n')
    environment = settings.environment()
    apps = {
        DASHBOARD: App(ROOT / "dashboard" / "app.py", environment, "finished 0"),
        ALONE: App(
            ROOT / "dashboard" / "app.py",
            environment | {"KERASCOPE_WORKER": "external"},
            "finished 0",
        ),
        BARE: App(bare, environment, "finished"),
    }
    parts: dict[str, list[dict[str, float]]] = {name: [] for name in apps}
    with browser() as chromium:
        for repeat in range(repeats + 1):
            for name, app in apps.items():
                found = _start_and_draw(app, settings, chromium)
                if repeat:
                    parts[name].append(found)
    total = [Line(name, [sum(part.values()) for part in found]) for name, found in parts.items()]
    return [
        Section("streamlit run → table of runs drawn (aim: under 5 s)", total, BARE),
        *(Section(f"parts: {name}", of_repeats(found)) for name, found in parts.items()),
    ]


def prepare(workspaces: Workspaces, name: str) -> Settings:
    """A workspace with a few finished runs."""
    settings = workspaces.new(name)
    store = Store(settings)
    for number in range(RUNS):
        add_finished_run(store, number)
    return settings


@contextmanager
def browser() -> Iterator["Browser"]:
    """Chromium: the system's, or else the one that Playwright installed."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=_ARGUMENTS
        )
        try:
            yield chromium
        finally:
            chromium.close()


@contextmanager
def served(app: App, settings: Settings) -> Iterator[tuple[str, int]]:
    """A Streamlit server over an app, not ready yet: its address and pid."""
    port = free_port()
    command = [
        sys.executable, "-m", "streamlit", "run", str(app.path),
        "--server.port", str(port), "--server.address", "127.0.0.1", "--server.headless", "true",
        "--browser.gatherUsageStats", "false",
    ]  # fmt: skip
    with started(command, app.environment, settings.home / "streamlit.log") as process:
        yield f"http://127.0.0.1:{port}", process.pid


def draw(app: App, address: str, chromium: "Browser") -> dict[str, float]:
    """Open the app in a browser without a cache and wait for its table; the moments since then
    of the first paint and the table, in seconds."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    try:
        page = context.new_page()
        began = time.perf_counter()
        page.goto(address, wait_until="commit")
        page.wait_for_selector(_CELL.format(text=app.text), state="attached", timeout=60_000)
        table = time.perf_counter() - began
        paint = page.evaluate(
            "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"
        )
        return {"first paint": paint / 1000, "table": table - paint / 1000}
    finally:
        context.close()


def wait_until_healthy(address: str) -> None:
    """Return when the server answers."""
    wait_for(_healthy(f"{address}/_stcore/health"), f"{address} to answer", 60)


def _healthy(url: str) -> Callable[[], bool]:
    def look() -> bool:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    return look


def _start_and_draw(app: App, settings: Settings, chromium: "Browser") -> dict[str, float]:
    began = time.perf_counter()
    with served(app, settings) as (address, _):
        wait_until_healthy(address)
        healthy = time.perf_counter() - began
        return {"server answers": healthy, **draw(app, address, chromium)}


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
