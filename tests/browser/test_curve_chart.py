"""The chart of curves in a real Chromium."""

from pathlib import Path

import pytest

from tests.support.driving import browser_page, served

POINTS = "document.querySelector('[data-testid=stBidiComponentIsolated]')?.shadowRoot" \
    "?.querySelector('.chart')?.dataset.drawnPoints"  # fmt: skip


@pytest.fixture(scope="module")
def address():
    with served(Path(__file__).with_name("curve_app.py")) as address:
        yield address


@pytest.fixture(scope="module")
def browser():
    with browser_page(1100, 700) as page:
        yield page


@pytest.fixture
def page(browser):
    errors = []

    def note(error):
        errors.append(error)

    browser.on("pageerror", note)
    yield browser
    browser.remove_listener("pageerror", note)
    assert not errors


def wait_for_points(page, points):
    page.wait_for_function(f"{POINTS} == '{points}'", timeout=20_000)


def write_count(counter, epochs):
    """Never seen half written by the page, which reads it five times a second."""
    new = counter.with_suffix(".new")
    new.write_text(str(epochs))
    new.replace(counter)


_TWO_FRAMES = "() => new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)))"


def middle(page):
    box = page.locator(".u-over").bounding_box()
    return box["x"], box["y"], box["width"], box["height"]


@pytest.mark.parametrize(("runs", "epochs"), [(1, 1), (8, 50), (1000, 100)])
def test_every_curve_is_drawn_and_says_so(page, address, runs, epochs):
    page.goto(f"{address}/?runs={runs}&epochs={epochs}")
    page.wait_for_selector(f"[data-drawn-curves='{runs}']")
    wait_for_points(page, runs * epochs)
    marks = page.evaluate(
        "performance.getEntriesByName('kerascope-drawn').map(m => m.detail.curves)"
    )
    assert runs in marks
    colored = page.evaluate(
        "() => {const c = document.querySelector('[data-testid=stBidiComponentIsolated]')"
        ".shadowRoot.querySelector('.lines');"
        "return c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(v => v > 0)}"
    )
    assert colored


def test_hover_tells_of_the_curve_and_click_selects_it(page, address):
    page.goto(f"{address}/?runs=1&epochs=50")
    page.wait_for_selector("[data-drawn-curves='1']")
    left, top, width, height = middle(page)
    page.mouse.move(left + width * 0.9, top + height * 0.93)
    page.locator(".tip .name", has_text="run 0").wait_for()
    assert "epoch 4" in page.locator(".tip .at").inner_text()
    page.mouse.click(left + width * 0.9, top + height * 0.93)
    page.get_by_text("clicked: id0").wait_for()


def test_keys_walk_and_select(page, address):
    page.goto(f"{address}/?runs=3&epochs=50")
    page.wait_for_selector("[data-drawn-curves='3']")
    assert "val_loss over epoch: 3 runs" in page.locator(".chart").get_attribute("aria-label")
    page.locator(".chart").focus()
    for key in ("ArrowRight", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    page.locator(".tip .name", has_text="run 1").wait_for()
    page.get_by_text("clicked: id1").wait_for()


def test_drag_zooms_and_double_click_resets(page, address):
    page.goto(f"{address}/?runs=8&epochs=50")
    page.wait_for_selector("[data-drawn-curves='8']")
    left, top, width, height = middle(page)

    def epoch_at(share, high):
        page.mouse.move(left + width * share, top + height * high)
        page.evaluate(_TWO_FRAMES)  # the tip follows the pointer with the next one
        return int(page.locator(".tip .at").inner_text().removeprefix("epoch "))

    assert epoch_at(0.9, 0.93) > 40
    page.mouse.move(left + width * 0.2, top + height * 0.5)
    page.mouse.down()
    page.mouse.move(left + width * 0.6, top + height * 0.5, steps=4)
    page.mouse.up()
    reset = page.get_by_role("button", name="Reset zoom")
    reset.wait_for()
    # a fifth to three fifths of 50 epochs
    assert (epoch_at(0.01, 0.5), epoch_at(0.99, 0.5)) == pytest.approx((10, 29), abs=1)
    page.mouse.dblclick(left + width * 0.5, top + height * 0.5)
    reset.wait_for(state="hidden")
    assert epoch_at(0.9, 0.93) > 40


def test_diverged_curves_are_cut_until_the_full_range_is_asked_for(page, address):
    page.goto(f"{address}/?runs=30&epochs=50&diverged=1")
    page.wait_for_selector("[data-drawn-curves='30']")
    button = page.get_by_role("button", name="Full range")
    assert button.get_attribute("aria-pressed") == "false"
    button.click()
    assert button.get_attribute("aria-pressed") == "true"


def test_legend_hides_a_run(page, address):
    page.goto(f"{address}/?runs=3&epochs=50")
    page.wait_for_selector("[data-drawn-curves='3']")
    entry = page.locator(".entry", has_text="run 2")
    entry.click()
    assert entry.get_attribute("aria-pressed") == "false"
    assert page.locator(".entry").count() == 3


def test_images_are_saved(page, address):
    page.goto(f"{address}/?runs=8&epochs=50&diverged=1")
    page.wait_for_selector("[data-drawn-curves='8']")
    with page.expect_download() as svg:
        page.get_by_role("button", name="SVG").click()
    text = Path(svg.value.path()).read_text()
    assert svg.value.suggested_filename == "val_loss.svg"
    assert text.count('fill="none"') >= 8 + 3  # curves and lines of the grid
    assert "run 3" in text and "epoch" in text
    with page.expect_download() as png:
        page.get_by_role("button", name="PNG").click()
    assert png.value.suggested_filename == "val_loss.png"
    assert Path(png.value.path()).read_bytes().startswith(b"\x89PNG")


def test_many_runs_are_drawn_as_bands_and_found_under_the_pointer(page, address):
    page.goto(f"{address}/?runs=2500&epochs=50")
    page.wait_for_selector("[data-drawn-curves='2500']")
    left, top, width, height = middle(page)
    page.mouse.move(left + width * 0.5, top + height * 0.6)
    page.locator(".tip .name", has_text="run").wait_for()


def test_live_chart_grows_and_keeps_its_zoom(page, address, tmp_path):
    counter = tmp_path / "epochs"
    write_count(counter, 10)
    page.goto(f"{address}/?runs=8&file={counter}")
    wait_for_points(page, 80)
    left, top, width, height = middle(page)
    page.mouse.move(left + width * 0.2, top + height * 0.5)
    page.mouse.down()
    page.mouse.move(left + width * 0.6, top + height * 0.5, steps=4)
    page.mouse.up()
    for epochs in (11, 12, 30, 500):
        write_count(counter, epochs)
        wait_for_points(page, 8 * epochs)
    assert page.get_by_role("button", name="Reset zoom").is_visible()


def test_chart_that_comes_back_empty_asks_for_everything(page, address, tmp_path):
    counter = tmp_path / "epochs"
    write_count(counter, 1000)
    page.goto(f"{address}/?runs=8&file={counter}")
    wait_for_points(page, 8000)
    shown = page.get_by_text("Shown", exact=True)
    shown.click()
    page.locator(".chart").wait_for(state="detached")
    shown.click()
    wait_for_points(page, 8000)
    page.reload()
    wait_for_points(page, 8000)


def bytes_of_ticks(page, address, counter, epochs):
    """Bytes that the browser receives while the runs go on by five epochs."""
    received = []
    page.once("websocket", lambda socket: socket.on("framereceived", lambda f: received.append(f)))
    write_count(counter, epochs)
    page.goto(f"{address}/?runs=8&file={counter}")
    wait_for_points(page, 8 * epochs)
    page.wait_for_timeout(1500)
    sizes = []
    for now in range(epochs + 1, epochs + 6):
        received.clear()
        write_count(counter, now)
        wait_for_points(page, 8 * now)
        sizes.append(max(len(frame) for frame in received))
    return max(sizes)


def test_tick_sends_as_much_at_epoch_10000_as_at_epoch_10(page, address, tmp_path):
    early = bytes_of_ticks(page, address, tmp_path / "early", 10)
    late = bytes_of_ticks(page, address, tmp_path / "late", 10_000)
    assert late < 4000
    assert late < 1.2 * early
