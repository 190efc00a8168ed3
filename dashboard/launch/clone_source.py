"""What the URL asks the launch form to start from: a run's settings, checkpoint or weights."""

from pathlib import Path

import streamlit as st

from dashboard.launch import draft
from dashboard.launch.form_values import with_early_stopping
from dashboard.shared import cache
from dashboard.shared.components import errors_shown
from dashboard.shared.model_uploads import find_upload
from experiments.core.checkpoint_files import MODEL_FILE
from experiments.core.errors import InputError
from experiments.core.settings import settings_in_use
from experiments.data.stored import find_info
from experiments.running.branch_runs import branch_spec
from experiments.running.weight_transfer_runs import Weights, find_weights, weight_transfer
from experiments.spec.run_spec import RunSpec
from experiments.spec.spec_files import load_spec
from experiments.tracking.runs import Run
from experiments.tracking.stored_datasets import known_name


def load_clone() -> None:
    """Fill the form with the run, the dataset or the base that the URL names, once."""
    keys = ("clone", "with", "from", "weights", "dataset")
    clone, *change, dataset = found = tuple(st.query_params.get(key) for key in keys)
    base = {key: st.query_params.get(key, "") for key in ("base", "file", "layer", "application")}
    wanted = (*found, *base.values())
    if not any((clone, dataset, base["base"], base["application"])):
        return
    if st.session_state.get("launch loaded") == wanted:
        return
    if base["base"] or base["application"]:
        put_base(**base)
        st.session_state["launch loaded"] = wanted
        return
    if dataset:
        with errors_shown("The dataset cannot be trained on"):
            name = known_name(cache.store(), dataset)
            draft.put("dataset.name", name)
            if find_info(name).validation_given:
                draft.put("split.method", "given")
            draft.put("name", "")
            st.session_state["launch loaded"] = wanted
        return
    assert clone
    with errors_shown("The run cannot be cloned"):
        draft.fill(cloned(cache.run(clone), *change))
        st.session_state["launch loaded"] = wanted


def put_base(base: str, file: str, layer: str, application: str) -> None:
    """Put a pretrained base into the form: an application, or a file of a run up to a layer."""
    fields: dict[str, str] = {"name": "application", "application": application}
    if base:
        fields = {"name": "saved_base", "run": base, "file": file or MODEL_FILE, "layer": layer}
    for name, value in fields.items():
        draft.put(f"model.{name}", value)
    draft.put("name", "")


def cloned(run: Run, change: str | None, epoch: str | None, weights: str | None) -> RunSpec:
    """The spec of a run, as a branch from one of its epochs, or started from the weights of
    ``run:ID`` or ``file:KEY``. A change is ``early_stopping``, or ``FIELD=VALUE;FIELD=VALUE``."""
    if weights:
        found = find(weights)
        name = f"{run.name[:80]} with {found.title[:80]}"
        spec = cache.spec(run.id).model_copy(update={"name": name})
        return weight_transfer(spec, found, run.id).spec
    if epoch and epoch.isdigit():
        more = max(run.epochs, int(epoch) + 10)
        return branch_spec(cache.store(), run.id, int(epoch), [f"training.epochs={more}"])
    spec = cache.spec(run.id)
    if spec.start and not spec.start.run:  # a file that was given with that run
        spec = spec.model_copy(update={"start": spec.start.model_copy(update={"run": run.id})})
    if change == "early_stopping":
        return with_early_stopping(spec)
    return load_spec(spec.to_yaml(), change.split(";")) if change else spec


def parent_of(spec: RunSpec) -> str | None:
    """The run that a new one comes from: whose weights it has, else whose network."""
    if spec.start is None:
        return None
    return spec.start.run or st.query_params.get("clone")


def find(weights: str) -> Weights:
    """The weights that a URL names by ``run:ID`` or ``file:KEY``; raises InputError."""
    kind, _, key = weights.partition(":")
    if kind == "run":
        return find_weights(cache.store(), key)
    upload = find_upload(settings_in_use(), key)
    if upload is None:
        raise InputError("The uploaded file is gone; uploads are kept for a day. Upload it again.")
    return Weights(upload, f"weights of {upload.name}")


def start_file(spec: RunSpec) -> Path | None:
    """The upload that goes along with a run, where it starts from one."""
    if spec.start is None or spec.start.run:
        return None
    return find(st.query_params.get("weights", "")).path
