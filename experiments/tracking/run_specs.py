"""The spec of a run, as it was stored with it."""

import re

from experiments.core.errors import ArtifactError
from experiments.spec.run_spec import RunSpec
from experiments.spec.spec_files import load_spec
from experiments.tracking.artifacts import fetch_artifact
from experiments.tracking.store import Store, store_call
from experiments.tracking.stored_datasets import fetch_description

SPEC_FILE = "spec.yaml"
_STORED_NAME = re.compile(r"^dataset:\n  name: (\S+@[0-9a-f]{16})$", re.MULTILINE)


@store_call
def get_spec(store: Store, run_id: str) -> RunSpec:
    """The spec of a run, from its spec.yaml; raises ArtifactError."""
    try:
        text = read_text(store, run_id, SPEC_FILE)
    except ArtifactError as error:
        raise ArtifactError(f"{error} Without it the run cannot be trained or cloned.") from None
    stored = _STORED_NAME.search(text)
    if stored:
        fetch_description(store, stored[1])
    return load_spec(text)


def read_text(store: Store, run_id: str, path: str) -> str:
    """The text of an artifact; raises ArtifactError."""
    return fetch_artifact(store, run_id, path).read_text(encoding="utf-8")
