"""A person's way through the dashboard: real Chromium, real store, real worker, real training."""

import re

import pytest
from playwright.sync_api import Page, expect

from experiments.core.checkpoint_files import find
from experiments.running.queue import end_worker, submit, worker_lives
from experiments.spec.spec_files import load_spec
from experiments.tracking.artifacts import list_checkpoints
from experiments.tracking.runs import RunStatus, get_run, list_runs
from experiments.tracking.store import Store
from tests.support.driving import browser_page, dashboard
from tests.support.waiting import wait_for, wait_for_end

OVERFIT = """
name: overfit on purpose
dataset: {name: breast_cancer}
split: {method: shuffled, validation_split: 0.8}
model: {layers: [256, 256]}
training: {epochs: 60}
"""


@pytest.fixture
def page():
    with browser_page() as page:
        yield page


@pytest.fixture
def address(workspace):
    with dashboard(workspace) as address:
        yield address
    end_worker(workspace)


def no_traceback(page: Page) -> None:
    expect(page.get_by_text("Traceback")).to_have_count(0)
    expect(page.get_by_test_id("stException")).to_have_count(0)


def points_drawn(page: Page) -> int:
    """How many points the longest curve of the first chart has."""
    return page.evaluate(
        """() => Math.max(0, ...[...document.querySelectorAll('.js-plotly-plot')].slice(0, 1)
            .flatMap(chart => (chart.data || []).map(trace => (trace.y || []).length
                || Object.keys(trace.y?._inputArray || {}).length)))"""
    )


@pytest.mark.timeout(600)
def test_launch_watch_compare_reload_predict(page, address, workspace):
    store = Store(workspace)
    page.goto(address)
    page.get_by_role("button", name="Launch the first run").click(timeout=90_000)

    # one click on the launch page launches a run; its page opens and its curve grows
    expect(page.get_by_role("heading", name="Launch a run")).to_be_visible()
    page.get_by_label("Epochs", exact=True).fill("60")
    page.get_by_label("Epochs", exact=True).press("Enter")
    expect(page.locator("textarea").first).to_have_value(re.compile("epochs: 60"))
    page.get_by_role("button", name="Launch", exact=True).click()
    expect(page).to_have_url(re.compile("run="), timeout=60_000)
    first = wait_for(lambda: points_drawn(page), 120)
    wait_for(lambda: points_drawn(page) > first, 60)
    expect(page.get_by_text("FINISHED")).to_be_visible(timeout=120_000)
    expect(page.get_by_text(re.compile("Trained all 60|Early stopping after"))).to_be_visible()
    no_traceback(page)
    digits = list_runs(store)[0]
    assert digits.status is RunStatus.FINISHED

    # a small part of the data and a big network: called overfitting, in words
    overfit = wait_for_end(store, submit(store, load_spec(OVERFIT)))
    assert overfit.verdict == "overfitting"
    page.goto(f"{address}/run?run={overfit.id}")
    expect(page.get_by_text("overfitting").first).to_be_visible(timeout=60_000)
    expect(page.get_by_role("button", name="Launch again with early stopping")).to_be_visible()

    # both side by side
    both = f"{address}/compare?runs={digits.id},{overfit.id}"
    page.goto(both)
    expect(page.locator("[data-drawn-curves='2']")).to_be_visible(timeout=60_000)
    page.goto(f"{both}&tab=Table")
    expect(page.get_by_text("Parameters that differ")).to_be_visible(timeout=60_000)
    page.goto(f"{both}&tab=Verdicts")
    expect(page.get_by_text(re.compile(r"ended at .* % higher")).last).to_be_visible()

    # the saved model read back, and what it predicts
    page.goto(f"{address}/models?run={digits.id}")
    expect(page.get_by_text(re.compile("The reloaded model predicts the same"))).to_be_visible(
        timeout=120_000
    )
    expect(page.get_by_text("max |Δ| = 0 ")).to_be_visible()
    page.get_by_role("tab", name="Predict").click()
    expect(page.get_by_test_id("stImage")).to_have_count(12)
    expect(page.get_by_text(re.compile(r"^\d · \d+%$")).first).to_be_visible()
    no_traceback(page)


@pytest.mark.timeout(600)
def test_stop_and_resume_from_the_page(page, address, workspace):
    store = Store(workspace)
    wait_for(lambda: worker_lives(workspace) or page.goto(address) is None, 60)
    run_id = submit(store, load_spec("{model: {layers: [16]}, training: {epochs: 5000}}"))
    page.goto(f"{address}/run?run={run_id}")
    wait_for(lambda: points_drawn(page), 120)
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_text("KILLED")).to_be_visible(timeout=60_000)
    stopped = get_run(store, run_id)
    assert "model is saved" in stopped.reason

    # it goes on to two more epochs, as one curve with the resume point marked
    behind = find(list_checkpoints(store, run_id)).epoch
    page.get_by_role("button", name="Resume").first.click()
    total = page.get_by_label("Total epochs")
    total.fill(str(behind + 2))
    total.press("Enter")
    page.get_by_role("button", name="Resume").last.click()
    expect(page.get_by_text("FINISHED")).to_be_visible(timeout=120_000)
    expect(page.get_by_text("resumed here").first).to_be_visible(timeout=60_000)
    resumed = get_run(store, run_id)
    assert resumed.reason == (
        f"Trained all {behind + 2} epochs. It was {resumed.reason.partition(' It was ')[2]}"
    )
    assert resumed.resume_points == [behind]
    no_traceback(page)

    # its file, taken away and brought back as an upload
    page.goto(f"{address}/run?run={run_id}&tab=Files")
    with page.expect_download(timeout=90_000) as download:
        page.get_by_role("button", name="HDF5", exact=True).click()
    page.goto(f"{address}/models?file=new")
    page.locator("input[type=file]").first.set_input_files(
        {"name": "mine.h5", "mimeType": "", "buffer": download.value.path().read_bytes()}
    )
    expect(page.get_by_text("hidden_1").first).to_be_visible(timeout=120_000)
    page.get_by_role("tab", name="Inside the file").click()
    expect(page.get_by_text("Adam").first).to_be_visible(timeout=60_000)
    no_traceback(page)


def test_an_unknown_run_in_the_url_is_told_with_the_way_back(page, address):
    page.goto(f"{address}/run?run=0123456789abcdef0123456789abcdef")
    expect(page.get_by_text("No run")).to_be_visible(timeout=90_000)
    no_traceback(page)


def test_no_table_is_saved_with_cells_that_a_spreadsheet_runs(page, address):
    page.goto(f"{address}/data")
    table = page.get_by_test_id("stDataFrame").first
    table.hover(timeout=90_000)
    expect(page.get_by_role("button", name="Show/hide columns").first).to_be_visible()
    expect(page.get_by_role("button", name="Download as CSV")).to_have_count(0)  # hidden ones too
