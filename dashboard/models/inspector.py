"""What is in a model file, and how it differs from another; no model is loaded for it."""

from typing import Any

import streamlit as st

from dashboard.models.file_difference import draw_difference
from dashboard.models.inspector_tables import (
    array_table,
    draw_facts,
    draw_table,
    layer_weights,
    state_facts,
    training_facts,
)
from dashboard.shared import cache, help_texts
from dashboard.shared.components import errors_shown, label_of
from dashboard.shared.formats import count, plain, size
from dashboard.shared.model_source import ModelSource
from dashboard.shared.model_uploads import list_uploads
from experiments.core.settings import settings_in_use


def draw_inspector(source: ModelSource) -> None:
    """The contents of the file, then the difference to another file or run's model."""
    with st.skeleton(height=300), st.spinner("Inspecting the file…", show_time=True):
        found = cache.inspection(source)
    draw_contents(found)
    if source.run:
        with st.expander("Use the saved model in your own code", icon=":material/code:"):
            st.code(help_texts.LOAD_CODE, language="python")
    st.markdown("#### Compare with another file")
    other = pick_other(source)
    if other:
        with errors_shown("The files cannot be compared"):
            with st.skeleton(height=200), st.spinner("Comparing…", show_time=True):
                compared = cache.inspection(source, other)
            draw_difference(compared["difference"], other.name, source.name)


def draw_contents(found: dict[str, Any]) -> None:
    """Facts, layers with their weights, training config, optimizer state, training state."""
    for note in found["notes"]:
        st.info(plain(note), icon=":material/info:")
    grid = st.grid("auto", min_column_width=150, gap="small")
    grid.metric("Format", found["format"])
    grid.metric("Keras", found["keras_version"] or "–", help=found["backend"] or found["saved"])
    grid.metric("Size", size(found["bytes"]))
    grid.metric("Weights", count(found["parameters"]), help="Numbers, without the optimizer's.")
    optimizer = found["optimizer"]
    grid.metric(
        "Optimizer state", f"{optimizer['variables']} variables" if optimizer else "none",
        help=f"After {count(optimizer['iterations'])} steps." if optimizer else None,
    )  # fmt: skip
    state = found["training_state"]
    grid.metric(
        "Epochs done", count(state["epoch"]) if state else "–", help=help_texts.TRAINING_STATE
    )
    left, right = st.columns([3, 2], gap="medium")
    with left:
        st.markdown(f"**{count(len(found['layers']))} layers**")
        draw_table(layer_weights(found["layers"]))
    with right:
        draw_training(found)


def draw_training(found: dict[str, Any]) -> None:
    """What the model was compiled with, the optimizer's slots, and where training stood."""
    training, optimizer, state = found["training"], found["optimizer"], found["training_state"]
    st.markdown("**Training config**")
    if training:
        draw_facts(training_facts(training))
    else:
        st.caption("The file has none.")
    if optimizer and optimizer["slots"]:
        with st.expander(f"{count(len(optimizer['slots']))} optimizer slots"):
            draw_table(array_table(optimizer["slots"]))
    if state:
        st.markdown("**Training state**", help=help_texts.TRAINING_STATE)
        draw_facts(state_facts(state))


def pick_other(source: ModelSource) -> ModelSource | None:
    """Another run's model or another upload; None while none is chosen."""
    others = {f"run {run.id}": ModelSource(run=run) for run in cache.runs() if _ended(run)}
    others |= {str(file): ModelSource(file=file) for file in list_uploads(settings_in_use())}
    others = {key: other for key, other in others.items() if other != source}
    if not others:
        st.caption("There is no other model yet: train another run, or upload another file.")
        return None
    picked = st.selectbox(
        "Compare with", list(others), index=None, key="against", width=340,
        placeholder="Choose a run or an upload", label_visibility="collapsed",
        format_func=lambda key: _label(others[key]),
    )  # fmt: skip
    return others[picked] if picked else None


def _ended(run: Any) -> bool:
    return not run.status.is_active


def _label(source: ModelSource) -> str:
    return label_of(source.run) if source.run else source.name
