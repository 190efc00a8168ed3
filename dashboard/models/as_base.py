"""A model as the pretrained base of a new run: where it is cut, then the launch form."""

from typing import Any

import streamlit as st

from dashboard.shared import cache, help_texts
from dashboard.shared.components import LAUNCH
from dashboard.shared.formats import count
from dashboard.shared.model_source import ModelSource
from experiments.core.checkpoint_files import MODEL_FILE
from experiments.tracking.stored_bases import store_base


def draw_as_base(source: ModelSource, opened: dict[str, Any]) -> None:
    """Which of its layers the base ends with, and the way to train a head on it."""
    if opened["input_shape"] is None or opened["outputs"] is None:
        st.info("Models of one input and one output can be a base; this one has several.")
        return
    layers = {layer["name"]: layer for layer in opened["layers"]}
    layer = st.selectbox(
        "The base ends with", ["", *layers], key=f"cut {source.key}", width=460,
        help=help_texts.CUT,
        format_func=lambda name: _title(layers[name]) if name else "all before its head",
    )  # fmt: skip
    st.caption(
        "A new head for your data is trained on the base's output for each sample, which is "
        "computed once. Afterwards the base can be fine-tuned."
    )
    if st.button("Train a head on it", type="primary", icon=":material/rocket_launch:"):
        st.session_state.pop("launch loaded", None)
        st.switch_page(LAUNCH, query_params=base_query(source, layer))


def base_query(source: ModelSource, layer: str) -> dict[str, str]:
    """What the launch page's address says of a base; a file is kept in the store first."""
    if source.run:
        run_id, file = source.run.id, MODEL_FILE
    else:
        run_id, file, _ = store_base(cache.store(), source.path)
        cache.forget_bases()
    return {"base": run_id, "file": file} | ({"layer": layer} if layer else {})


def _title(layer: dict[str, Any]) -> str:
    shape = str(layer["output_shape"]).replace("(None, ", "").replace(")", "").replace(", ", " × ")
    return f"{layer['name']} · {layer['type']} · {shape} · {count(layer['parameters'])} parameters"
