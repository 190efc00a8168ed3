"""Selected rows of a table that changes while it is looked at: kept by id, not by position."""

import streamlit as st


def set_rows(key: str, ids: list[str]) -> None:
    """Say which rows the table will show now; what was selected stays selected."""
    before = st.session_state.get(f"{key} ids")
    if before is not None and before != ids and key in st.session_state:
        chosen = [before[row] for row in _rows(key) if row < len(before)]
        rows = [ids.index(run_id) for run_id in chosen if run_id in ids]
        st.session_state[key] = {"selection": {"rows": rows, "columns": [], "cells": []}}
    st.session_state[f"{key} ids"] = ids


def selected_ids(key: str) -> list[str]:
    """The ids of the selected rows."""
    ids = st.session_state.get(f"{key} ids", [])
    return [ids[row] for row in _rows(key) if row < len(ids)]


def _rows(key: str) -> list[int]:
    state = st.session_state.get(key)
    return list(state["selection"]["rows"]) if state else []
