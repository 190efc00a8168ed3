"""Stores that the tests of a module share."""

from collections.abc import Iterator

import pytest

from experiments.tracking.store import Store
from tests.support.waiting import worker


@pytest.fixture(scope="module")
def served_store(module_store) -> Iterator[Store]:
    """The same, with a worker that serves it during this module."""
    with worker(module_store.settings, "--slots", "2"):
        yield module_store


@pytest.fixture(scope="module")
def store_in_use(module_store) -> Iterator[Store]:
    """The same as the one that commands, bases and features use, in a workspace of the module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERASCOPE_HOME", str(module_store.settings.home))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        patch.setattr("experiments.core.settings._in_use", module_store.settings)
        yield module_store
