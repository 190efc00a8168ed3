"""Selected rows of a table that changes while it is looked at: kept by id, not by position.

What is selected on one page of the table stays selected while others are looked at.
"""

from collections.abc import Collection, Sequence

import streamlit as st


def set_rows(key: str, ids: Sequence[str], passing: Collection[str] | None = None) -> None:
    """Say which rows the table will show now; what was selected and still passes stays selected.

    ``passing`` are the ids on all pages of the table, by default those that it shows.
    """
    before = st.session_state.get(f"{key} ids")
    chosen = selected_ids(key)
    if chosen:
        kept = set(ids if passing is None else passing)
        chosen = [run_id for run_id in chosen if run_id in kept]
    if before is not None and before != list(ids):
        _select(key, [ids.index(run_id) for run_id in chosen if run_id in ids])
    st.session_state[f"{key} ids"] = list(ids)
    st.session_state[f"{key} elsewhere"] = [run_id for run_id in chosen if run_id not in ids]


def selected_ids(key: str) -> list[str]:
    """The ids of the selected rows, those on the page that is shown first."""
    ids = st.session_state.get(f"{key} ids", [])
    here = [ids[row] for row in _rows(key) if row < len(ids)]
    return [*here, *st.session_state.get(f"{key} elsewhere", [])]


def select_none(key: str) -> None:
    """Select no row, on no page; to be called before the table is drawn."""
    _select(key, [])
    st.session_state[f"{key} elsewhere"] = []


def _select(key: str, rows: list[int]) -> None:
    st.session_state[key] = {"selection": {"rows": rows, "columns": [], "cells": []}}


def _rows(key: str) -> list[int]:
    state = st.session_state.get(key)
    return list(state["selection"]["rows"]) if state else []
