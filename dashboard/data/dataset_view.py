"""One dataset: what it is, its classes, its first samples."""

from collections.abc import Sequence

import numpy as np
import plotly.express as px
import streamlit as st

from dashboard.data.dataset_head import draw_head
from dashboard.data.dataset_list import sample_words
from dashboard.data.duplicate_samples import draw_copies
from dashboard.data.value_spread import draw_features, draw_pixels
from dashboard.shared import cache
from dashboard.shared.components import errors_shown
from dashboard.shared.dataset_rows import row_table
from dashboard.shared.formats import count, plain, size
from dashboard.shared.images import to_image
from experiments.data.catalog import DatasetInfo, Kind, Source, Task
from experiments.data.downloads import on_this_machine
from experiments.data.preview import Preview, class_counts
from experiments.tracking.stored_datasets import StoredDataset, fetch_dataset

_MOST_BARS = 40


def draw_dataset(info: DatasetInfo, stored: Sequence[StoredDataset]) -> None:
    """Everything about one dataset; ``stored`` are all that users stored."""
    draw_head(info, stored)
    if info.source is Source.DOWNLOAD and not on_this_machine(info):
        st.info(f"{info.title} is downloaded ({info.megabytes:g} MB) when a run first needs it.")
        return
    with errors_shown("The samples cannot be shown"):
        if info.source is Source.STORED and not on_this_machine(info):
            with st.spinner("Fetching the samples…", show_time=True):
                fetch_dataset(cache.store(), info.name)
        preview = cache.dataset_preview(info)
        draw_facts(info, preview)
        draw_targets(info, preview)
        if info.kind is Kind.IMAGE:
            draw_images(info, preview)
            draw_pixels(info, preview.sampled)
        else:
            draw_features(info, preview)
            st.markdown("#### First rows")
            st.dataframe(row_table(info, preview), key="rows")
        draw_copies(info)


def draw_facts(info: DatasetInfo, preview: Preview) -> None:
    """Size in numbers."""
    with st.container(horizontal=True):
        st.metric("Samples", count(len(preview.y)), border=True)
        st.metric("Sample shape", sample_words(info), border=True)
        st.metric("In memory", size(preview.bytes_in_memory), border=True)
        if preview.bytes_on_disk is not None:
            st.metric("On disk", size(preview.bytes_on_disk), border=True)
        if info.kind is Kind.TABULAR:
            missing = int(preview.columns["Missing"].sum())
            st.metric("Missing values", count(missing), border=True)


def draw_targets(info: DatasetInfo, preview: Preview) -> None:
    """How many samples each class has, or how the target is spread."""
    st.markdown(f"#### {plain(info.target)}")
    if info.task is Task.REGRESSION:
        figure = px.histogram(x=preview.y, nbins=40, labels={"x": info.target})
        figure.update_layout(yaxis_title="samples", height=260, margin={"t": 10, "b": 10})
    else:
        counts = class_counts(info, preview.y).head(_MOST_BARS)
        figure = px.bar(x=counts.index.astype(str), y=counts.to_numpy())
        figure.update_layout(
            xaxis={"title": None, "type": "category"}, yaxis_title="samples", height=260,
            margin={"t": 10, "b": 10},
        )  # fmt: skip
        if info.classes > _MOST_BARS:
            st.caption(f"The first {_MOST_BARS} of {count(info.classes)} classes.")
    st.plotly_chart(figure, key="targets", config={"displayModeBar": False})


def draw_images(info: DatasetInfo, preview: Preview) -> None:
    """Some images of each class, a row a class."""
    st.markdown("#### Images")
    labels = preview.y[preview.rows].astype(int) if info.classes else np.zeros(len(preview.x), int)
    for label in np.unique(labels):
        if info.classes:
            st.caption(plain(info.class_names[label]))
        with st.container(horizontal=True, gap="small"):
            for i in np.flatnonzero(labels == label):
                st.image(to_image(preview.x[i] / info.white), width=72)
