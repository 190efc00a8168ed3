"""The head of a dataset's page: its name, its versions, and what can be done with it."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from dashboard.shared import cache
from dashboard.shared.components import DATASETS, LAUNCH
from dashboard.shared.formats import count, parts_words, plain
from experiments.core.errors import ExperimentsError
from experiments.data.catalog import DatasetInfo
from experiments.data.stored import find_info
from experiments.tracking.stored_datasets import (
    StoredDataset,
    delete_dataset,
    rename_dataset,
    versions_of,
)


def draw_head(info: DatasetInfo, stored: Sequence[StoredDataset]) -> None:
    """``stored`` are all datasets of users; ``info`` may be one of them."""
    own = next((one for one in stored if one.name == info.name), None)
    st.subheader(plain(own.title if own else info.title), anchor=False)
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Train on it", icon=":material/rocket_launch:", type="primary"):
            st.switch_page(LAUNCH, query_params={"dataset": info.name})
        if own:
            draw_changes(own)
    if own:
        keys = [("groups", info.group), ("times", info.time)]
        said = [f"{what} by `{column}`" for what, column in keys if column]
        said += [parts_words(info.parts)] if info.parts else []
        st.caption(" · ".join([f"`{info.name}`", f"from {plain(Path(own.file).name)}", *said]))
        draw_versions(own, versions_of(own.name, stored))


def draw_changes(own: StoredDataset) -> None:
    """A new version, another name, or none of it any more."""
    if st.button("Add a new version", icon=":material/upload:", help="Upload a file under the "
        "same name. This version stays, and runs that used it keep it."):  # fmt: skip
        st.switch_page(DATASETS, query_params={"add": "", "as": own.title})
    with st.popover("Rename", icon=":material/edit:"):
        title = st.text_input("Name", own.title, max_chars=100, key=f"title {own.name}")
        if st.button("Rename the dataset", type="primary", disabled=title.strip() == own.title):
            _rename(own.name, title)
    with st.popover("Delete", icon=":material/delete:"):
        st.write("Runs that used it stay, but cannot be trained again without it.")
        if st.button("Delete the dataset", type="primary"):
            _delete(own.name)


def draw_versions(own: StoredDataset, versions: Sequence[StoredDataset]) -> None:
    """The other datasets that are called the same, each a click away; nothing without any."""
    if len(versions) < 2:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption("Versions", width="content")
        for number, one in enumerate(versions):
            said = f"{one.added:%Y-%m-%d %H:%M} · {count(find_info(one.name).samples)} samples"
            label = f"{said}{' (newest)' if number == 0 else ''}"
            if st.button(label, key=f"version {one.name}", disabled=one is own, type="tertiary"):
                st.query_params.from_dict({"name": one.name})
                st.rerun()


def _rename(name: str, title: str) -> None:
    try:
        renamed = rename_dataset(cache.store(), name, title)
    except ExperimentsError as error:
        st.error(plain(str(error)))
        return
    cache.forget_datasets()
    st.query_params.from_dict({"name": renamed})
    st.rerun()


def _delete(name: str) -> None:
    try:
        delete_dataset(cache.store(), name)
    except ExperimentsError as error:
        st.error(plain(str(error)))
        return
    cache.forget_datasets()
    st.query_params.clear()
    st.rerun()
