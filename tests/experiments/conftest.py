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
