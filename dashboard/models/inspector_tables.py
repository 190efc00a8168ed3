"""Tables of what is in model files: data first."""

from typing import Any

import pandas as pd
import streamlit as st

from dashboard.shared.formats import count

_TALLEST = 420


def draw_facts(facts: dict[str, str]) -> None:
    """Names and values in two columns."""
    st.table(pd.DataFrame({"": facts}), border="horizontal", hide_header=True)


def draw_table(table: pd.DataFrame) -> None:
    """A table that scrolls where it is long."""
    formats = {"parameters": "localized", "relative change": "%.3g", "max |Δ|": "%.3g"}
    st.dataframe(
        table, hide_index=True, height=min(35 * len(table) + 38, _TALLEST),
        column_config={
            name: st.column_config.NumberColumn(format=kind) for name, kind in formats.items()
        },
    )  # fmt: skip


def layer_weights(layers: list[dict[str, Any]]) -> pd.DataFrame:
    """Columns layer, type, parameters, trainable, and the weights with their shapes; without
    trainable where the file says it of no layer."""
    table = pd.DataFrame(
        {
            "layer": [layer["name"] for layer in layers],
            "type": [layer["type"] or "–" for layer in layers],
            "parameters": [layer["parameters"] for layer in layers],
            "trainable": [layer["trainable"] if layer["parameters"] else None for layer in layers],
            "weights": [", ".join(map(_say_weight, layer["weights"])) for layer in layers],
        }
    )
    unsaid = table["trainable"].isna().all()
    return table.drop(columns="trainable") if unsaid else table


def array_table(arrays: list[dict[str, Any]]) -> pd.DataFrame:
    """Columns name, shape, type."""
    return pd.DataFrame(
        {
            "name": [array["name"] for array in arrays],
            "shape": [_shape(array) for array in arrays],
            "type": [array["dtype"] for array in arrays],
        }
    )


def training_facts(training: dict[str, Any]) -> dict[str, str]:
    """Loss, metrics, optimizer and the options of the optimizer, as words."""
    config = training["optimizer_config"]
    options = {name: value for name, value in config.items() if value not in (None, False, "")}
    facts = {
        "loss": say_config(training["loss"]),
        "metrics": say_config(training["metrics"]),
        "optimizer": training["optimizer"] or "–",
    }
    options.pop("name", None)
    if not config.get("use_ema"):
        options.pop("ema_momentum", None)
    return facts | {name: say_config(value) for name, value in options.items()}


def state_facts(state: dict[str, Any]) -> dict[str, str]:
    """Where training stood, as words."""
    facts = {"epochs done": count(state["epoch"]), "epochs in the history": count(state["history"])}
    if state["batch"]:
        facts["batches of the next epoch"] = count(state["batch"])
    facts["random generators"] = count(state["seed_generators"])
    facts["best weights"] = "kept" if state["best_weights"] else "not kept"
    return facts | {name: say_config(value) for name, value in state["callbacks"].items()}


def say_config(value: Any) -> str:
    """A Keras config in few words: an object by its class or name, a list by its members."""
    if isinstance(value, dict):
        if "class_name" in value:
            inner = value.get("config")
            name = inner.get("name") if isinstance(inner, dict) else inner
            return str(name or value["class_name"])
        return ", ".join(f"{name} {say_config(item)}" for name, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(say_config(item) for item in value) or "–"
    if isinstance(value, float):
        return f"{value:.6g}"
    return "–" if value is None else str(value)


def _say_weight(weight: dict[str, Any]) -> str:
    """kernel (3 × 3 × 1 × 16); formats that only number their weights give the shape alone."""
    shape = _shape(weight)
    return f"({shape})" if weight["name"].isdigit() else f"{weight['name']} ({shape})"


def _shape(array: dict[str, Any]) -> str:
    return " × ".join(map(str, array["shape"])) or "one number"
