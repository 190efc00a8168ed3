"""A workspace of its own for each test, with a real MLflow store in it."""

import shutil
from pathlib import Path

import pytest

from experiments.settings import Settings, read_settings
from experiments.tracking.store import Store, prepare_database


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
    shutil.copy(migrated_database, settings.database)
    return settings


@pytest.fixture
def store(workspace) -> Store:
    """The store of that workspace."""
    return Store(workspace)
