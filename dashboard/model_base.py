"""A model as the pretrained base of a new run: where it is cut, then the launch form."""

from typing import Any

import streamlit as st

from dashboard import cache, draft, helps
from dashboard.components import LAUNCH
from dashboard.formats import count
from dashboard.model_source import ModelSource
from experiments.checkpoint_files import MODEL_FILE
from experiments.model_specs import SavedBaseSpec
from experiments.tracking.bases import store_base


def draw_as_base(source: ModelSource, opened: dict[str, Any]) -> None:
    """Which of its layers the base ends with, and the way to train a head on it."""
    if opened["input_shape"] is None or opened["outputs"] is None:
        st.info("Models of one input and one output can be a base; this one has several.")
        return
    layers = {layer["name"]: layer for layer in opened["layers"]}
    layer = st.selectbox(
        "The base ends with", ["", *layers], key=f"cut {source.key}", width=460, help=helps.CUT,
        format_func=lambda name: _title(layers[name]) if name else "all before its head",
    )  # fmt: skip
    st.caption(
        "A new head for your data is trained on what the base says of each sample, which is "
        "computed once. Afterwards the base can be fine-tuned."
    )
    if st.button("Train a head on it", type="primary", icon=":material/rocket_launch:"):
        put_base(source, layer)
        st.switch_page(LAUNCH)


def put_base(source: ModelSource, layer: str) -> None:
    """Put the model into the launch form; a file is kept in the store first."""
    if source.run:
        spec = SavedBaseSpec(run=source.run.id, file=MODEL_FILE, layer=layer)
    else:
        kept = store_base(cache.store(), source.path)
        cache.forget_bases()
        spec = SavedBaseSpec(run=kept.run_id, file=kept.file, layer=layer)
    for name, value in spec.model_dump(exclude={"dropout", "l1", "l2"}).items():
        draft.put(f"model.{name}", value)
    draft.put("name", "")


def _title(layer: dict[str, Any]) -> str:
    shape = str(layer["output_shape"]).replace("(None, ", "").replace(")", "").replace(", ", " × ")
    return f"{layer['name']} · {layer['type']} · {shape} · {count(layer['parameters'])} parameters"
