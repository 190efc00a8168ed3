"""The page of keras.applications: the table, a network's details, weights, and Classify."""

import pytest
import streamlit as st

from dashboard.pretrained.application_list import application_table
from dashboard.shared import cache
from dashboard.shared.background import Downloads
from experiments.models.application_times import remember_time
from experiments.models.weight_files import place_of
from experiments.running.inline_launcher import run_inline
from experiments.spec.applications import WeightFile, application_names, find_application
from experiments.spec.applications import list_applications as networks
from experiments.spec.spec_files import parse_spec
from tests.dashboard.conftest import texts
from tests.support.waiting import wait_for
from tests.support.weight_servers import serving


@pytest.fixture(autouse=True)
def keras_cache(workspace, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    yield tmp_path / "keras" / "models"
    cache.keras().close()
    st.cache_resource.clear()


def test_the_table_has_all_networks_and_what_is_here(workspace, keras_cache):
    keras_cache.mkdir(parents=True)
    place_of(find_application("ResNet50").files[1]).write_bytes(b"weights")
    remember_time(workspace, "VGG16", 224, 39.0)
    table = application_table(networks()).set_index("Network")
    assert tuple(table.index) == application_names()
    assert (
        table.loc["ResNet50", "On this machine"] == "base"
        and table.loc["VGG16", "On this machine"] == "–"
    )
    assert table.loc["VGG16", "ms on this machine"] == 39.0
    assert table.loc["VGG16", "Top-1"] == 71.3 and table["Top-1"].isna().sum() == 2


def test_the_page_opens_and_a_network_shows_its_files(open_page, keras_cache):
    app = open_page("pretrained")
    assert not app.exception and "Fine-tune it" not in texts(app)
    app = open_page("pretrained", application="ResNet50")
    assert not app.exception
    said = texts(app)
    assert "25,636,712" in said and "74.9 %" in said and "Not measured for this size" in said
    assert f"Looked for at {keras_cache}" in said.replace("\\", "")
    assert "Fine-tune it" in said
    app = open_page("pretrained", application="ResNet51")
    assert not app.exception and "Fine-tune it" not in texts(app)


def test_the_launch_form_takes_the_network_of_the_address(open_page):
    app = open_page("launch", application="DenseNet121")
    assert not app.exception
    assert app.session_state["launch values"]["model.application"] == "DenseNet121"
    assert app.session_state["launch values"]["model.name"] == "application"


def test_a_download_goes_on_beside_the_page_and_its_failure_is_told(tmp_path, keras_cache):
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "w.h5").write_bytes(b"w" * 3_000_000)
    downloads = Downloads()
    with serving(tmp_path / "served") as server:
        good = WeightFile("w.h5", f"{server.address}w.h5", "", top=True)
        downloads.start(good)
        wait_for(lambda: downloads.state(good).ended, 20)
        assert downloads.state(good)[:2] == (3_000_000, 3_000_000)
        assert not downloads.state(good).error and place_of(good).is_file()
    gone = WeightFile("gone.h5", "http://127.0.0.1:9/gone.h5", "", top=True)
    assert downloads.state(gone) is None
    downloads.start(gone)
    wait_for(lambda: downloads.state(gone).ended, 30)
    assert (
        "Without a network connection, save http://127.0.0.1:9/gone.h5"
        in downloads.state(gone).error
    )


def test_classify_offers_networks_and_runs_of_images(open_page, store):
    app = open_page("pretrained", tab="Classify")
    assert not app.exception
    said = texts(app)
    assert "Its weights are not on this machine" in said and "553" in said
    app = open_page("pretrained", **{"tab": "Classify", "with": "A run"})
    assert not app.exception and "No run on images has ended yet" in texts(app)
    digits = {"dataset": {"name": "digits", "max_samples": 100}, "training": {"epochs": 1}}
    run_id, _ = run_inline(store, parse_spec(digits))
    run_inline(store, parse_spec({"dataset": {"name": "wine"}, "training": {"epochs": 1}}))
    app = open_page("pretrained", **{"tab": "Classify", "with": "A run"})
    assert not app.exception
    (box,) = [one for one in app.selectbox if one.label == "Run"]
    assert len(box.options) == 1 and box.value == run_id
