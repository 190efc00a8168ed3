"""Pretrained: the networks of keras.applications, their weights, and what they say of images."""

import streamlit as st

from dashboard.pretrained.application_details import draw_details
from dashboard.pretrained.application_list import draw_list
from dashboard.pretrained.classify import draw_classify
from dashboard.shared.components import errors_shown
from experiments.spec.applications import find_application, other_keras


def main() -> None:
    """Draw the table, with the network that the URL names below it; or classify."""
    st.title("Pretrained", anchor=False)
    listed, classify = st.tabs(
        ["Applications", "Classify"], key="tab", bind="query-params", on_change="rerun"
    )
    if listed.open:
        with listed:
            if other := other_keras():
                st.warning(
                    f"These facts were collected with Keras {other}; you have another version, so "
                    f"details may differ.",
                    icon=":material/info:",
                )
            draw_list()
            chosen = find_application(st.query_params.get("application", ""))
            if chosen:
                draw_details(chosen)
    if classify.open:
        with classify, errors_shown("The images were not classified"):
            draw_classify()


main()
