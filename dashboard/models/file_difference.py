"""How two model files differ: layers, weights, configs, optimizer. Data first, then tables."""

from typing import Any

import pandas as pd
import streamlit as st

from dashboard.models.inspector_tables import draw_table, say_config
from dashboard.shared import help_texts
from dashboard.shared.formats import count, number, plain
from experiments.core.words import listed


def draw_difference(difference: dict[str, Any], before: str, after: str) -> None:
    """Everything that differs from one file to another, which are called so."""
    if difference["identical"]:
        st.success("Both files hold the same: layers, configs, weights, optimizer state.",
                   icon=":material/verified:")  # fmt: skip
        return
    weights, optimizer = difference["weights"], difference["optimizer"]
    changed = [row for row in weights if not row["identical"]]
    configs = config_table([*difference["configs"], *difference["training"]], before, after)
    grid = st.grid("auto", min_column_width=130, gap="small")
    grid.metric("Weights changed", f"{count(len(changed))} of {count(len(weights))}")
    grid.metric("Largest change", number(largest(changed)), help=help_texts.RELATIVE_CHANGE)
    grid.metric("Config values changed", count(len(configs)))
    first, second = difference["optimizer_variables"]
    grid.metric(
        "Optimizer variables", f"{count(first)} → {count(second)}",
        help=f"{count(len(optimizer))} of those in both differ.",
    )  # fmt: skip
    for names, where in ((difference["only_first"], before), (difference["only_second"], after)):
        if names:
            st.markdown(f"**Only in {plain(where)}:** {plain(listed(names))}")
    if weights:
        st.markdown("**Weights**", help=help_texts.RELATIVE_CHANGE)
        draw_table(weight_table(weights))
    if len(configs):
        st.markdown("**Configs**")
        draw_table(configs)
    if optimizer:
        with st.expander(f"{count(len(optimizer))} optimizer variables differ"):
            draw_table(weight_table(optimizer).drop(columns="layer"))


def largest(changes: list[dict[str, Any]]) -> float | None:
    """The largest relative change; None where none is known."""
    return max((row["relative"] for row in changes if row["relative"] is not None), default=None)


def weight_table(changes: list[dict[str, Any]]) -> pd.DataFrame:
    """Columns layer, weight, shape, relative change, max |Δ|; where shapes differ, both stand."""
    return pd.DataFrame(
        {
            "layer": [row["layer"] for row in changes],
            "weight": [row["weight"] for row in changes],
            "shape": [" → ".join(_shapes(row["shapes"])) for row in changes],
            "relative change": [row["relative"] for row in changes],
            "max |Δ|": [row["largest"] for row in changes],
        }
    )


def config_table(changes: list[dict[str, Any]], before: str, after: str) -> pd.DataFrame:
    """Columns layer (training for what the model was compiled with), value, and each file's."""
    second = after if after != before else f"{after} (this one)"
    return pd.DataFrame(
        {
            "layer": [row["layer"] or "training" for row in changes],
            "value": [row["key"] for row in changes],
            before: [say_config(row["before"]) for row in changes],
            second: [say_config(row["after"]) for row in changes],
        }
    )


def _shapes(shapes: list[list[int]]) -> list[str]:
    said = [" × ".join(map(str, shape)) or "one number" for shape in shapes]
    return list(dict.fromkeys(said))
