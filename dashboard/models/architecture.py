"""The architecture of a model: its graph and the table of its layers."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from dashboard.models.network_graph import Box, dot_source, fold, widest
from dashboard.shared.formats import count

_BESIDE = 2  # boxes side by side, beside which the table still has room
_BOX = 270  # pixels
_TALLEST = 720
_MOST_BOXES = 400
_NARROWEST = 480
#: In the theme's color, scrolling; Streamlit 1.67 shrinks it until it fits, whatever can be read.
_STYLE = f"""<style>
div.stGraphVizChart {{ overflow: auto; max-width: 100%; max-height: {_TALLEST}px; }}
div.stGraphVizChart svg {{ max-width: max(100%, {_NARROWEST}px); display: block; }}
div.stGraphVizChart text {{ fill: currentColor; }}
div.stGraphVizChart text:first-of-type {{ font-weight: bold; }}
</style>"""


def draw_architecture(layers: list[dict[str, Any]]) -> None:
    """The graph, and beside or below it the layers; a nested model can be gone into."""
    level, many = layers, len(layers) > 60
    nested = list(nested_models(layers))
    with st.container(horizontal=True, vertical_alignment="center"):
        if nested:
            names = ["the whole model", *(name for name, _ in nested)]
            inside = st.selectbox("Show", names, label_visibility="collapsed", width=340)
            level = dict(nested).get(inside, layers)
            many = len(level) > 60
        every = many and st.toggle(
            "Every layer", help="Otherwise a layer with weights and what follows it are one box."
        )
    boxes = fold(level, every_layer=bool(every))
    side = widest(boxes)
    if len(boxes) > _MOST_BOXES:
        st.info(f"{count(len(boxes))} boxes are too many to draw; the table has them all.")
        draw_layer_table(level)
    elif side <= _BESIDE:
        left, right = st.columns([_BOX * side + 20, 1100 - _BOX * side], gap="medium")
        with left:
            draw_graph(boxes)
        with right:
            draw_layer_table(level)
    else:
        draw_graph(boxes)
        draw_layer_table(level)


def nested_models(layers: list[dict[str, Any]], above: str = "") -> list[tuple[str, list]]:
    """The models inside a model, by ``outer/inner`` name, with their layers."""
    found = []
    for row in layers:
        if "inside" in row:
            name = f"{above}{row['name']}"
            found += [(name, row["inside"]), *nested_models(row["inside"], f"{name}/")]
    return found


def draw_graph(boxes: Sequence[Box]) -> None:
    """The graph, scrolling where it is larger than its place."""
    st.html(_STYLE)
    st.graphviz_chart(dot_source(boxes), width="content", alt="Graph of the layers")


def draw_layer_table(layers: list[dict[str, Any]]) -> None:
    """One row a layer: what `model.summary()` prints, and more."""
    table = layer_table(layers)
    st.dataframe(
        table, hide_index=True, height=min(35 * len(table) + 38, _TALLEST),
        column_config={"parameters": st.column_config.NumberColumn(format="localized")},
    )  # fmt: skip


def layer_table(layers: list[dict[str, Any]]) -> pd.DataFrame:
    """Columns name, type, output shape, parameters, trainable, connected to."""
    return pd.DataFrame(
        {
            "name": [row["name"] for row in layers],
            "type": [row["type"] for row in layers],
            "output shape": [_shape(row["output_shape"]) for row in layers],
            "parameters": [row["parameters"] for row in layers],
            "trainable": [row["trainable"] if row["parameters"] else None for row in layers],
            "connected to": [", ".join(row["inbound"]) for row in layers],
        }
    )


def _shape(shape: str) -> str:
    return shape.replace("None", "batch", 1).replace("None", "any")
