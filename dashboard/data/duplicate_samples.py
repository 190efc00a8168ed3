"""Samples that a dataset has more than once: looked for when somebody asks."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from dashboard.shared import cache
from dashboard.shared.components import errors_shown
from dashboard.shared.dataset_rows import named_rows
from dashboard.shared.formats import count, number, plain
from dashboard.shared.images import to_image
from experiments.data.catalog import DatasetInfo, Kind
from experiments.data.split.duplicate_groups import DuplicateGroup, DuplicateReport


def draw_copies(info: DatasetInfo) -> None:
    """Closed until it is opened; comparing takes some seconds for many samples."""
    section = st.expander(
        "Copies among the samples", icon=":material/content_copy:", key="copies",
        on_change="rerun", bind="query-params",
    )  # fmt: skip
    if not section.open:
        return
    with section, errors_shown("The samples cannot be compared"):
        with st.spinner("Comparing all samples…", show_time=True):
            found = cache.dataset_copies(info)
        st.markdown(copies_words(info, found))
        if info.kind is Kind.IMAGE:
            with st.container(horizontal=True, gap="small"):
                for group in found.shown:
                    draw_images(info, group)
        elif found.shown:
            st.dataframe(
                group_table(info, found.shown), hide_index=True, key="copied rows",
                height=min(36 * sum(len(group.rows) for group in found.shown) + 38, 600),
            )  # fmt: skip
        if found.groups > len(found.shown):
            st.caption(f"The first {len(found.shown)} of {count(found.groups)} groups.")


def copies_words(info: DatasetInfo, found: DuplicateReport) -> str:
    """What was found, in sentences."""
    compared = (
        f"All {count(found.samples)} samples were compared."
        if found.looked == found.samples
        else f"{count(found.looked)} of {count(found.samples)} samples, drawn at random, were "
        "compared; there may be more."
    )
    if not found.groups:
        return f":green[:material/check_circle:] No copies. {compared}"
    near = (
        "correlate above 0.995"
        if info.kind is Kind.IMAGE
        else "agree to a thousandth of each feature's spread"
    )
    words = (
        f"**{count(found.exact)}** samples repeat another one exactly, **{count(found.near)}** "
        f"nearly (they {near}), in {count(found.groups)} groups. {compared}"
    )
    if found.mixed:
        what = "labels" if info.classes else "targets"
        words += (
            f"  \n:orange[:material/warning:] {count(found.mixed)} of the groups have different "
            f"{what}: at most one of them is right."
        )
    return words


def draw_images(info: DatasetInfo, group: DuplicateGroup) -> None:
    """The images of a group side by side, with their rows and targets."""
    with st.container(border=True, gap="xsmall", width="content"):
        st.caption(group_words(group))
        with st.container(horizontal=True, gap="small"):
            for row, x, target in zip(group.rows, group.x, group.y, strict=True):
                caption = f"{count(row)}: {plain(target_text(info, target))}"
                st.image(to_image(x / info.white), width=88, caption=caption)


def group_table(info: DatasetInfo, groups: Sequence[DuplicateGroup]) -> pd.DataFrame:
    """The rows of all groups, one group below the other."""
    parts = []
    for place, group in enumerate(groups, start=1):
        targets = [target_text(info, value) for value in group.y]
        first = {"group": place, "what": group_words(group), "row": group.rows}
        table = pd.DataFrame(first | {info.target or "target": targets})
        parts.append(pd.concat([table, named_rows(info, group.x)], axis=1))
    return pd.concat(parts, ignore_index=True)


def group_words(group: DuplicateGroup) -> str:
    """How alike the samples of a group are, and how many there are."""
    kind = "the same" if group.is_exact else "nearly the same"
    more = f", the first {len(group.rows)} shown" if group.size > len(group.rows) else ""
    return f"{'⚠ different targets · ' if group.is_mixed else ''}{count(group.size)} {kind}{more}"


def target_text(info: DatasetInfo, value: Any) -> str:
    """A target as people read it."""
    return info.class_names[int(value)] if info.classes else number(float(value))
