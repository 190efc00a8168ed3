"""Add data, for files that divide their samples or have groups in the names of images."""

import numpy as np
import pytest
from PIL import Image

from experiments.data.stored import find_info
from experiments.tracking.stored_datasets import list_datasets
from tests.dashboard.conftest import texts


@pytest.fixture
def scans(tmp_path):
    """Three scans of each of four patients in two classes, for training and for test."""
    random = np.random.default_rng(0)
    for part in ("train", "test"):
        for patient in range(4):
            folder = tmp_path / "scans" / part / ("ill" if patient % 2 else "well")
            folder.mkdir(parents=True, exist_ok=True)
            for scan in range(3):
                pixels = random.integers(0, 256, (8, 8), np.uint8)
                Image.fromarray(pixels).save(folder / f"{part}{patient}_{scan}.png")
    return tmp_path / "scans"


def box(app, label):
    return next(one for one in app.selectbox if one.label == label)


def store_it(app, store):
    """Press Store; returns what is known of the dataset that was stored."""
    next(button for button in app.button if button.label == "Store").click().run()
    assert not app.exception and not app.error
    (one,) = list_datasets(store)
    return find_info(one.name)


def test_images_keep_their_parts_and_are_grouped_by_their_names(
    own_machine, scans, store, open_page
):
    app = open_page("data", add="")
    app.text_input[0].set_value(str(scans)).run()
    assert "12 for training, 12 for test" in texts(app)
    assert "finds the same" not in texts(app)
    box(app, "Group").set_value("^[^_]+").run()
    assert "8 groups" in texts(app)
    info = store_it(app, store)
    assert (info.parts, info.group) == ((12, 0, 12), "^[^_]+")
    assert "12 for training, 12 for test" in texts(app)  # on its page


def test_a_pattern_that_makes_no_groups_costs_a_sentence(own_machine, scans, open_page):
    app = open_page("data", add="")
    app.text_input[0].set_value(str(scans)).run()
    box(app, "Group").set_value("^[^/]+/").run()
    assert not app.exception
    assert "finds no group in the name of" in app.error[0].value
    box(app, "Group").set_value(None).run()
    assert not app.error


def test_an_array_that_is_chosen_is_taken_alone(own_machine, tmp_path, store, open_page):
    random = np.random.default_rng(0)
    arrays = {f"x_{part}": random.normal(size=(n, 3)) for part, n in (("train", 40), ("test", 20))}
    arrays |= {f"y_{part}": random.integers(0, 2, n) for part, n in (("train", 40), ("test", 20))}
    np.savez(tmp_path / "rows.npz", **arrays)
    app = open_page("data", add="")
    app.text_input[0].set_value(str(tmp_path / "rows.npz")).run()
    assert box(app, "Predict").value == "y_train"
    assert "40 for training, 20 for test" in texts(app)
    box(app, "From").set_value("x_train").run()
    assert "for test" not in texts(app) and "Not used: x_test" in texts(app).replace("\\", "")
    info = store_it(app, store)
    assert (info.samples, info.parts) == (40, ())
