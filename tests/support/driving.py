"""A real dashboard in a real Chromium, for tests and for the screenshots of the README."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, ViewportSize, sync_playwright

from experiments.core.settings import ROOT, Settings
from tests.support.waiting import answers, free_port, wait_for

_ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


@contextmanager
def dashboard(settings: Settings) -> Iterator[str]:
    """The dashboard on a free port; yields its address."""
    with served(ROOT / "dashboard" / "app.py", settings.environment()) as address:
        yield address


@contextmanager
def served(script: Path, environment: dict[str, str] | None = None) -> Iterator[str]:
    """`streamlit run` a script on a free port; yields its address.

    Streamlit prints tracebacks to stdout: pytest shows them where a test fails.
    """
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", str(script),
         "--server.port", str(port), "--server.address", "127.0.0.1",
         "--server.headless", "true", "--server.fileWatcherType", "none",
         "--browser.gatherUsageStats", "false"],
        env=environment, start_new_session=True,
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(lambda: answers(f"{address}/_stcore/health"), 60)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


@contextmanager
def browser_page(width: int = 1280, height: int = 900, scheme: str = "light") -> Iterator[Page]:
    """A page in Debian's Chromium, or in Playwright's own where that is not installed."""
    with tempfile.TemporaryDirectory() as profile, sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            profile,
            executable_path=shutil.which("chromium"),
            args=_ARGUMENTS,
            viewport=ViewportSize(width=width, height=height),
            color_scheme="dark" if scheme == "dark" else "light",
        )
        page = context.new_page()
        page.set_default_timeout(60_000)
        yield page
        context.close()


def settle(page: Page) -> None:
    """Wait until Streamlit has drawn everything that this run of the script draws."""
    page.wait_for_selector("[data-testid='stAppViewContainer']")
    page.wait_for_function(
        "() => !document.querySelector('[data-testid=stStatusWidget]') && "
        "!document.querySelector('[data-testid=stSkeleton]')"
    )
    page.wait_for_timeout(500)  # plotly draws after Streamlit is done
