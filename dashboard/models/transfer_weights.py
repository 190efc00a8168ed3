"""Weights by layer name into another network: the plan first, then the launch form."""

from typing import Any

import pandas as pd
import streamlit as st

from dashboard.models.inspector_tables import draw_table
from dashboard.shared import cache, help_texts
from dashboard.shared.components import LAUNCH, label_of
from dashboard.shared.formats import plain
from dashboard.shared.model_source import ModelSource

#: What becomes of a layer, in words; "here" is the new network, "there" the file.
_STATUS = {
    "loaded": "✓ loaded",
    "shape_mismatch": "≠ different shape, keeps fresh weights",
    "missing": "○ not in the file, keeps fresh weights",
    "left_over": "– in the file only",
}


def draw_transplant(source: ModelSource) -> None:
    """Which network, what would be loaded into it, and the way to train it."""
    runs = {run.id: run for run in cache.runs() if run.params}
    if not runs:
        st.info("There is no run yet whose network could receive the weights.")
        return
    picked = st.selectbox(
        "Into a network like the one of", list(runs), index=None, key="into", width=340,
        placeholder="Choose a run", format_func=lambda run_id: label_of(runs[run_id]),
        help=help_texts.TRANSPLANT,
    )  # fmt: skip
    if not picked:
        st.caption("Choose a run. Nothing changes until you launch a new run.")
        return
    with st.skeleton(height=240), st.spinner("Comparing layers…", show_time=True):
        plan = cache.ask_model(source, "plan_transplant", into=picked)
    st.markdown(f"**{plain(plan['sentence'])}**")
    draw_table(plan_table(plan["layers"]))
    if st.button(
        "Train it from these weights", type="primary", icon=":material/rocket_launch:",
        disabled=not plan["counts"]["loaded"],
        help="Opens the launch form with that run's settings, which you can change.",
    ):  # fmt: skip
        st.session_state.pop("launch loaded", None)
        kind, name = next(iter(source.asked.items()))
        key = name if kind == "run" else source.path.parent.name
        st.switch_page(LAUNCH, query_params={"clone": picked, "weights": f"{kind}:{key}"})


def plan_table(layers: list[dict[str, Any]]) -> pd.DataFrame:
    """Columns layer, result, shapes in the file and in the network, parameters."""
    return pd.DataFrame(
        {
            "layer": [row["layer"] for row in layers],
            "result": [_STATUS[row["status"]] for row in layers],
            "in the file": [_shapes(row["source_shapes"]) for row in layers],
            "in the network": [_shapes(row["target_shapes"]) for row in layers],
            "parameters": [row["parameters"] for row in layers],
        }
    )


def _shapes(shapes: list[list[int]]) -> str:
    return ", ".join("×".join(map(str, shape)) or "1" for shape in shapes) or "–"
