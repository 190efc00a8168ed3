"""Stores that the tests of a module share."""

import shutil
from collections.abc import Iterator

import pytest

from experiments.core.settings import Settings, sqlite_uri
from experiments.tracking.store import Store
from tests.support.waiting import worker


@pytest.fixture(scope="module")
def module_store(tmp_path_factory, migrated_database) -> Store:
    """A store of the module's own."""
    home = tmp_path_factory.mktemp("module")
    shutil.copy(migrated_database, home / "mlflow.db")
    return Store(Settings(home, sqlite_uri(home / "mlflow.db"), ""))


@pytest.fixture(scope="module")
def served_store(module_store) -> Iterator[Store]:
    """The same, with a worker that serves it during this module."""
    with worker(module_store.settings, "--slots", "2"):
        yield module_store
