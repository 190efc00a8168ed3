"""The widgets of the launch form: each shows what the draft has and keeps what is put in.

``name`` is the dotted name of the spec.
"""

from typing import Any

import streamlit as st

from dashboard.draft import field, take


def select(label: str, name: str, options: list[Any], shown: Any, help: str | None = None) -> Any:
    """One of some values; Streamlit shows None, where it is one of them, by its placeholder."""
    nothing = shown(None) if None in options else None
    st.selectbox(label, options, key=field(name), format_func=shown, help=help, placeholder=nothing)
    return take(name)


def segments(label: str, name: str, options: list[str], shown: Any, help: str | None) -> Any:
    """One of a few values, side by side."""
    st.segmented_control(
        label, options, key=field(name), format_func=shown, help=help, required=True
    )
    return take(name)


def number(label: str, name: str, **arguments: Any) -> Any:
    """A number; ``arguments`` are those of st.number_input."""
    st.number_input(label, key=field(name), **arguments)
    return take(name)


def slider(
    label: str, name: str, low: float, high: float, step: float, help: str | None = None
) -> Any:
    """A number between two bounds."""
    st.slider(label, low, high, step=step, key=field(name), help=help)
    return take(name)


def toggle(label: str, name: str, help: str | None = None) -> Any:
    """On or off."""
    st.toggle(label, key=field(name), help=help)
    return take(name)


def text(label: str, name: str, placeholder: str, help: str) -> Any:
    """A line of text."""
    st.text_input(label, key=field(name), placeholder=placeholder, help=help)
    return take(name)
