"""A workspace of its own for each test, with a real MLflow store in it."""

import gc
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from experiments.core.settings import Settings, read_settings, sqlite_uri
from experiments.tracking.store import Store, prepare_database
from tests.support.speeds import is_quick

# Files that take long, the longest first; begun last, one of them would be all that runs at the end
_LONG = (
    "test_worker", "test_server_store", "test_exact_resume", "test_remedies", "test_applications",
    "test_script", "test_resume", "test_the_whole_way", "test_transfer", "test_pretraining_gain",
    "test_package", "test_commands", "test_finetuning", "test_training", "test_launch_base",
    "test_weight_transfer", "test_limited_process", "test_streaming",
)  # fmt: skip


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--quick`: only what touches no Keras, no worker and no page (tests/support/speeds.py)."""
    parser.addoption("--quick", action="store_true", help="only the quick test files")


def pytest_configure(config: pytest.Config) -> None:
    """Files in the order below, where pytest-xdist is there at all."""
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Slow files are not even imported for a quick run."""
    if config.getoption("--quick") and collection_path.name.startswith("test_"):
        return not is_quick(collection_path) or None
    return None


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: for half of their time tests wait for processes and pages."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first."""
    place = {name: number for number, name in enumerate(_LONG)}
    items.sort(key=lambda item: place.get(item.path.stem, len(_LONG)))


def pytest_collection_finish() -> None:
    """What all files import stays: it need not be looked through for garbage again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module", autouse=True)
def _without_graphs() -> Iterator[None]:
    """Keras keeps the graphs of a file's models, gigabytes after some of them.

    What is left, modules above all, is taken out of what Python looks through for garbage:
    Streamlit has it look after each run of a page, for seconds where TensorFlow is imported.
    """
    yield
    if "keras" in sys.modules:
        sys.modules["keras"].utils.clear_session()
        gc.collect()
        gc.freeze()


@pytest.fixture(scope="session")
def migrated_database(tmp_path_factory) -> Path:
    """MLflow's first migration takes 6 to 12 s: done once, the file is copied."""
    home = tmp_path_factory.mktemp("migrated")
    settings = Settings(home, f"sqlite:///{home}/mlflow.db", "")
    prepare_database(settings)
    return home / "mlflow.db"


@pytest.fixture
def workspace(tmp_path, monkeypatch, migrated_database) -> Settings:
    """KERASCOPE_HOME is a new folder with an empty, migrated store."""
    home = tmp_path / "workspace"
    home.mkdir()
    monkeypatch.setenv("KERASCOPE_HOME", str(home))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    settings = read_settings()
    monkeypatch.setattr("experiments.core.settings._in_use", settings)
    shutil.copy(migrated_database, settings.database)
    return settings


@pytest.fixture
def store(workspace) -> Store:
    """The store of that workspace."""
    return Store(workspace)


@pytest.fixture(scope="module")
def module_store(tmp_path_factory, migrated_database) -> Store:
    """A store of the module's own."""
    home = tmp_path_factory.mktemp("module")
    shutil.copy(migrated_database, home / "mlflow.db")
    return Store(Settings(home, sqlite_uri(home / "mlflow.db"), ""))
