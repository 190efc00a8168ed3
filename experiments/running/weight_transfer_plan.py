"""What the web page asks before weights are taken into another run's network."""

from pathlib import Path
from typing import Any

from experiments.core.checkpoint_files import MODEL_FILE
from experiments.foreign.weight_transfer import plan_transplant
from experiments.models.building import sketch_model
from experiments.tracking.artifacts import fetch_artifact
from experiments.tracking.run_specs import get_spec
from experiments.tracking.store import Store
from experiments.tracking.stored_bases import fetch_base


def plan_into_run(store: Store, source: dict[str, str], into: str) -> dict[str, Any]:
    """The plan of taking the weights of a source, {"run": id} or {"file": path}, into a new
    network like that of the run ``into``: layers, counts and a sentence. Nothing is changed."""
    run_id = source.get("run")
    path = fetch_artifact(store, run_id, MODEL_FILE) if run_id else Path(source["file"])
    spec = get_spec(store, into)
    fetch_base(store, spec)
    return plan_transplant(path, sketch_model(spec)).to_dict()
