"""The table of datasets: users' own first, then those that come along."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from experiments.data.catalog import CATALOG, DatasetInfo, Kind
from experiments.data.downloads import on_this_machine
from experiments.data.reading.kinds import kinds_in_words
from experiments.data.stored import find_info
from experiments.tracking.stored_datasets import StoredDataset, versions_of

_TABLE = "datasets"


def draw_list(stored: Sequence[StoredDataset]) -> None:
    """The table; a click on a row opens the dataset."""
    rows = dataset_rows(stored)
    if not stored:
        st.caption(
            f"Add your own: {kinds_in_words(uploaded=True)}. Built-in datasets are listed below."
        )
    event = st.dataframe(
        rows, key=_TABLE, hide_index=True, on_select="rerun", selection_mode="single-row",
        height="content",
        column_config={
            "id": None,
            "Dataset": st.column_config.TextColumn(width="large"),
            "Samples": st.column_config.NumberColumn(format="localized"),
            "Added": st.column_config.TextColumn(width=150),
        },
    )  # fmt: skip
    chosen = event.selection.rows
    if chosen:
        st.query_params.from_dict({"name": rows["id"].iloc[chosen[0]]})
        st.rerun()


def dataset_rows(stored: Sequence[StoredDataset]) -> pd.DataFrame:
    """One row a dataset; ``id`` is its whole name."""
    newest = {versions_of(one.name, stored)[0].name for one in stored}
    own = [
        _row(find_info(one.name), one.title if one.name in newest else f"{one.title} (older)")
        | {"Added": f"{one.added:%Y-%m-%d %H:%M} UTC"}
        for one in stored
    ]
    along = [_row(info, info.title) | {"Added": "built in"} for info in CATALOG.values()]
    return pd.DataFrame([*own, *along])


def sample_words(info: DatasetInfo) -> str:
    """What one sample is."""
    shape = "×".join(map(str, info.shape))
    return f"{shape} image" if info.kind is Kind.IMAGE else f"{info.shape[0]} features"


def _row(info: DatasetInfo, title: str) -> dict[str, Any]:
    return {
        "id": info.name, "Dataset": title, "Samples": info.samples, "Sample": sample_words(info),
        "Task": info.task.value, "Classes": str(info.classes or "–"),
        "On this machine": "yes" if on_this_machine(info) else "at first use",
    }  # fmt: skip
