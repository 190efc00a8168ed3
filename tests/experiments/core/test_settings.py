"""Where things are kept is read once and handed down."""

import ast
import shutil

import numpy as np
import pytest

from experiments.core.errors import DatasetError
from experiments.core.settings import ROOT, Settings, sqlite_uri, use_settings
from experiments.data.reading.reader import ReadOptions
from experiments.data.reading.storing import store_file
from experiments.data.stored import is_known, stored_names
from experiments.spec.spec_files import parse_spec
from experiments.tracking.store import Store
from experiments.tracking.stored_bases import fetch_base, store_base
from experiments.tracking.stored_datasets import add_dataset, fetch_dataset, list_datasets

SOURCES = [path for room in ("experiments", "dashboard") for path in (ROOT / room).rglob("*.py")]


def names_read_in(path):
    """The names of variables that a file reads from the environment."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Subscript(value=ast.Attribute(attr="environ"), ctx=ast.Load(), slice=key):
                yield key
            case ast.Call(func=ast.Attribute(value=ast.Attribute(attr="environ")), args=[key, *_]):
                yield key
            case ast.Call(func=ast.Attribute(attr="getenv"), args=[key, *_]):
                yield key


@pytest.mark.parametrize(
    ("names", "place"),
    [
        (("KERASCOPE_", "MLFLOW_TRACKING_URI", "MLFLOW_PORT"), "experiments/core/settings.py"),
        (("KERAS_HOME",), "experiments/data/downloads.py"),
    ],
)
def test_where_things_are_kept_is_read_in_one_place(names, place):
    reading = {
        path.relative_to(ROOT).as_posix()
        for path in SOURCES
        for key in names_read_in(path)
        if isinstance(key, ast.Constant) and str(key.value).startswith(names)
    }
    assert reading == {place}


#: What begins a process, and asks the environment where it is to work.
ENTRIES = {
    "experiments/__main__.py", "experiments/running/keras_server.py",
    "experiments/tracking/server.py", "dashboard/__main__.py", "dashboard/app.py",
    "experiments/core/settings.py",
}  # fmt: skip


def test_only_entry_points_read_the_settings():
    reading = {
        path.relative_to(ROOT).as_posix()
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "read_settings"
    }
    assert reading == ENTRIES


@pytest.fixture
def stores(tmp_path, migrated_database, monkeypatch):
    """Two in one process, neither that of the environment."""
    monkeypatch.setenv("KERASCOPE_HOME", str(tmp_path / "of the environment"))
    monkeypatch.setattr("experiments.core.settings._in_use", None)
    made = []
    for name in ("one", "two"):
        home = tmp_path / name
        home.mkdir()
        shutil.copy(migrated_database, home / "mlflow.db")
        made.append(Store(Settings(home, sqlite_uri(home / "mlflow.db"), "")))
    yield made
    assert not (tmp_path / "of the environment").exists()


def test_two_workspaces_in_one_process_do_not_mix(stores, tmp_path):
    one, two = stores
    table = tmp_path / "table.csv"
    table.write_text("a,b\n" + "".join(f"{n},{n % 2}\n" for n in range(20)))
    info = store_file(table, "table", ReadOptions(), datasets=one.settings.datasets)
    add_dataset(one, info, "table.csv")
    assert [one.name for one in list_datasets(one)] == [info.name] and not list_datasets(two)
    with pytest.raises(DatasetError, match="not in the store"):
        fetch_dataset(two, info.name)
    shutil.rmtree(one.settings.datasets)
    assert fetch_dataset(one, info.name) == info
    assert not two.settings.datasets.exists()
    assert stored_names(one.settings.datasets) == [info.name]

    use_settings(two.settings)
    assert not is_known(info.name)
    use_settings(one.settings)
    assert parse_spec({"dataset": {"name": info.name}}).dataset.info == info


def test_bases_lie_in_the_workspace_of_their_store(stores, tmp_path):
    one, two = stores
    (tmp_path / "model.h5").write_bytes(np.arange(9).tobytes())
    kept = store_base(one, tmp_path / "model.h5")
    spec = {"model": {"name": "saved_base", "run": kept.run_id, "file": kept.file}}
    fetch_base(one, parse_spec(spec))
    (brought,) = (path for path in one.settings.bases.rglob("*.h5"))
    assert brought.read_bytes() == (tmp_path / "model.h5").read_bytes()
    assert not two.settings.bases.exists()
