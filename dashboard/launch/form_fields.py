"""The widgets of the launch form: each shows what the draft has and keeps what is put in.

``name`` is the dotted name of the spec. Each widget is also given its value as its default: a
browser that has to make a widget anew, as on a slow machine where one run of the page follows
another, starts with its default and sends that back as if it had been chosen.
"""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from dashboard.launch.draft import field, put, take, values


def select(label: str, name: str, options: list[Any], shown: Any, help: str | None = None) -> Any:
    """One of some values; Streamlit shows None, where it is one of them, by its placeholder."""
    key = field(name)
    value = st.session_state[key]
    index = options.index(value) if value in options else 0
    st.selectbox(
        label, options, index=None if value is None else index, key=key, format_func=shown,
        help=help, placeholder=shown(None) if None in options else None,
    )  # fmt: skip
    return take(name)


def segments(label: str, name: str, options: list[str], shown: Any, help: str | None) -> Any:
    """One of a few values, side by side."""
    key = field(name)
    if st.session_state[key] not in options:
        put(name, values()[name] if values()[name] in options else options[0])
        key = field(name)
    st.segmented_control(
        label, options, default=st.session_state[key], key=key, format_func=shown, help=help,
        required=True,
    )  # fmt: skip
    return take(name)


def several(label: str, name: str, options: Sequence[str], shown: Any) -> Any:
    """Any of some values."""
    key = field(name)
    st.multiselect(label, options, st.session_state[key], key=key, format_func=shown)
    return take(name)


def number(label: str, name: str, **arguments: Any) -> Any:
    """A number; ``arguments`` are those of st.number_input: value=None where it may be empty."""
    key = field(name)
    st.number_input(label, key=key, **{"value": st.session_state[key]} | arguments)
    return take(name)


def slider(
    label: str, name: str, low: float, high: float, step: float, help: str | None = None
) -> Any:
    """A number between two bounds."""
    key = field(name)
    st.slider(label, low, high, st.session_state[key], step=step, key=key, help=help)
    return take(name)


def toggle(label: str, name: str, help: str | None = None) -> Any:
    """On or off."""
    key = field(name)
    st.toggle(label, st.session_state[key], key=key, help=help)
    return take(name)


def text(label: str, name: str, placeholder: str, help: str | None = None) -> Any:
    """A line of text."""
    key = field(name)
    st.text_input(label, st.session_state[key], key=key, placeholder=placeholder, help=help)
    return take(name)
