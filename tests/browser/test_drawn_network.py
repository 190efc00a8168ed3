"""The graph of a network in a real Chromium."""

from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.support.driving import browser_page, served

CHART = "[data-testid=stGraphVizChart]"
#: Of each box the lines of its text, and last what it tells where one points.
BOXES = f"""() => [...document.querySelectorAll("{CHART} g.node")].map(node => [
    ...[...node.querySelectorAll("text")].map(text => text.textContent),
    node.querySelector("a").getAttributeNS("http://www.w3.org/1999/xlink", "title"),
])"""


@pytest.fixture(scope="module")
def address():
    with served(Path(__file__).with_name("network_app.py")) as address:
        yield address


def boxes(page, address, names):
    page.goto(f"{address}?{urlencode([('name', name) for name in names])}")
    page.wait_for_selector(f"{CHART} g.node")
    said = page.evaluate(BOXES)
    return [[text.replace("\xa0", " ") for text in texts] for texts in said]


def test_names_are_drawn_as_they_are_whatever_is_in_them(address):
    names = ["<script>alert(1)</script>", 'a"]; 9 [URL="file:"]', "back\\", "a\0\x1b\n", "&lt; \\N"]
    with browser_page() as page:
        found = boxes(page, address, names)
        assert not page.query_selector(f"{CHART} :is(script, [href])")
    shown = [name.replace("\0\x1b\n", "   ").replace("\\", "∖") for name in names]
    assert found == [["Dense", f"{name}  8", f"{name}: Dense, 8, 9 parameters"] for name in shown]


def test_a_long_network_is_drawn_whole_at_a_size_that_can_be_read_on_a_phone(address):
    with browser_page(width=400) as page:
        found = boxes(page, address, [f"layer_{i}" for i in range(60)])
        assert [name for _, name, _ in found] == [f"layer_{i}  8" for i in range(60)]
        assert page.query_selector(f"{CHART} text").bounding_box()["height"] > 14
        assert page.query_selector(CHART).bounding_box()["height"] < 800
