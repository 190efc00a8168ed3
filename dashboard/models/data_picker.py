"""Choosing the data that a model is asked about: dataset, part, and how pixels are scaled."""

from typing import Any, NamedTuple

import streamlit as st

from dashboard.shared.formats import plain
from dashboard.shared.model_source import ModelSource

_PARTS = {"validation": "Validation", "train": "Training", "test": "Test", "all": "All samples"}
_SCALES = {"raw": "Pixels as in the data", "0..1": "Pixels 0 … 1", "-1..1": "Pixels −1 … 1"}


class AskedData(NamedTuple):
    """``dataset`` describes it as the Keras process does (see model_data.compatible)."""

    dataset: dict[str, Any]
    part: str
    scale: str

    @property
    def arguments(self) -> dict[str, str]:
        """As the operations of the Keras process take them."""
        return {"dataset": self.dataset["name"], "part": self.part, "scale": self.scale}


def pick_data(source: ModelSource, opened: dict[str, Any]) -> AskedData | None:
    """The data of the widgets, which the URL keeps; None after a message where none fits."""
    datasets = {dataset["name"]: dataset for dataset in opened["datasets"]}
    if not datasets:
        st.info(f"No dataset on this machine fits: {_wants(opened)}.", icon=":material/dataset:")
        return None
    name = next(iter(datasets))
    if len(datasets) > 1:
        name = st.selectbox(
            "Dataset", list(datasets), key="data", bind="query-params", width=340,
            label_visibility="collapsed", format_func=lambda name: _title(datasets[name]),
        )  # fmt: skip
    else:
        st.caption(plain(_title(datasets[name])), width="content")
    parts = datasets[name]["parts"]
    part = parts[0]
    if len(parts) > 1:
        part = st.segmented_control(
            "Part", parts, default=parts[0], key=f"part {' '.join(parts)}", required=True,
            label_visibility="collapsed", format_func=lambda part: _PARTS[part],
        )  # fmt: skip
    return AskedData(datasets[name], str(part), pick_scale(source, opened, datasets[name]["kind"]))


def pick_scale(source: ModelSource, opened: dict[str, Any], kind: str) -> str:
    """How an uploaded model wants its pixels; a run's model scales them itself."""
    if source.run or kind != "image":
        return "raw"
    return st.selectbox(
        "Pixels", list(_SCALES), index=list(_SCALES).index(opened["scale"]),
        key=f"scale {source.key}", label_visibility="collapsed", width=200,
        format_func=lambda scale: _SCALES[scale],
        help="The pixel range that the model was trained on. A model whose first layer scales "
            "pixels takes them as in the data.",
    )  # fmt: skip


def _title(dataset: dict[str, Any]) -> str:
    return f"{dataset['title']} (its own)" if dataset["own"] else dataset["title"]


def _wants(opened: dict[str, Any]) -> str:
    shape, outputs = opened["input_shape"], opened["outputs"]
    if shape is None or outputs is None:
        return "the model has several inputs or outputs"
    sizes = " × ".join("any" if size is None else str(size) for size in shape)
    return f"the model takes {sizes} and gives {outputs}"
