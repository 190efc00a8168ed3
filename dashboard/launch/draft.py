"""The unsent launch form: kept while other pages are looked at, and when something is refused."""

from typing import Any

import streamlit as st

from dashboard.launch.form_values import Values, fitted, to_spec, to_values
from dashboard.launch.presets import PRESETS
from experiments.core.errors import SpecError
from experiments.spec.run_spec import RunSpec
from experiments.spec.spec_files import load_spec

_VALUES = "launch values"
_YAML = "launch yaml"  # the text area's own key
_IN_STEP = "launch yaml in step"  # the text that the form last made
_REFUSED = "launch yaml refused"


def values() -> Values:
    """What stands in the fields."""
    if _VALUES not in st.session_state:
        st.session_state[_VALUES] = to_values(PRESETS[0].spec)
    return st.session_state[_VALUES]


def fill(spec: RunSpec) -> None:
    """Put a spec into the form, in place of what was there."""
    st.session_state[_VALUES] = to_values(spec)
    for key in [key for key in st.session_state if str(key).startswith("launch.")]:
        del st.session_state[key]
    st.session_state.pop(_YAML, None)
    st.session_state.pop(_IN_STEP, None)
    st.session_state.pop(_REFUSED, None)


def field(name: str) -> str:
    """The key of a field's widget, with the value in place that the form has for it.

    A widget's own state goes when another page is shown; the form's values stay.
    """
    key = f"launch.{name}"
    if key not in st.session_state:
        st.session_state[key] = values()[name]
    return key


def take(name: str) -> Any:
    """Keep what now stands in a field; returns it."""
    values()[name] = st.session_state[f"launch.{name}"]
    return values()[name]


def put(name: str, value: Any) -> None:
    """Put a value into a field, in place of what stands in it."""
    values()[name] = value
    st.session_state.pop(f"launch.{name}", None)


def fit() -> None:
    """Replace what the chosen dataset rules out, before the fields are drawn."""
    after = fitted(values())
    for name, value in after.items():
        if values()[name] != value:
            values()[name] = value
            st.session_state.pop(f"launch.{name}", None)


def spec() -> RunSpec:
    """The spec that the fields make; raises SpecError."""
    return to_spec(values())


def yaml_key(made: str | None) -> str:
    """The key of the YAML's text area, in step with the form unless it was edited.

    ``made`` is the form's YAML, None while the form is refused.
    """
    if made is not None and not yaml_edited():
        st.session_state[_YAML] = st.session_state[_IN_STEP] = made
    st.session_state.setdefault(_YAML, made or "")
    return _YAML


def yaml_edited() -> bool:
    """Whether the YAML has changes that the form does not have."""
    text = st.session_state.get(_YAML)
    return text is not None and text != st.session_state.get(_IN_STEP, text)


def keep_yaml() -> None:
    """Keep the text while other pages are looked at: Streamlit forgets a widget's state on a page
    that does not draw it, unless it is set anew."""
    if _YAML in st.session_state:
        st.session_state[_YAML] = st.session_state[_YAML]


def apply_yaml() -> None:
    """Take the YAML over into the form; what is refused is told and nothing is lost."""
    try:
        fill(load_spec(st.session_state[_YAML]))
    except SpecError as error:
        st.session_state[_REFUSED] = str(error)


def discard_yaml() -> None:
    """Forget the changes of the YAML."""
    for key in (_YAML, _IN_STEP, _REFUSED):
        st.session_state.pop(key, None)


def yaml_refused() -> str | None:
    """Why the YAML was refused when it was last applied."""
    return st.session_state.get(_REFUSED) if yaml_edited() else None
