"""Models: reload what a run saved or open a file, look into it, predict and evaluate with it."""

import streamlit as st

from dashboard.models.architecture import draw_architecture
from dashboard.models.as_base import draw_as_base
from dashboard.models.evaluate import draw_evaluation
from dashboard.models.inspector import draw_inspector
from dashboard.models.model_picker import pick_source
from dashboard.models.opened_model import draw_opened, open_source
from dashboard.models.predict import draw_predictions
from dashboard.models.transfer_weights import draw_transplant
from dashboard.shared import cache
from dashboard.shared.components import errors_shown
from dashboard.shared.model_source import ModelSource

_TABS = (
    "Architecture", "Predict", "Evaluate", "Inside the file", "Into another network", "As a base",
)  # fmt: skip


def main() -> None:
    """Draw the page of the model that the URL names, or let one be picked."""
    st.title("Models", anchor=False)
    source = pick_source()
    if source and source.run:
        draw_model(source)
    elif source:
        with errors_shown("The file is refused"):
            with st.spinner("Inspecting the file…", show_time=True):
                found = cache.inspection(source)
            if found["architecture"]:
                draw_model(source)
            else:  # weights alone, which no model can be built from
                draw_inspector(source)
                st.markdown("#### Into another network")
                draw_transplant(source)


def draw_model(source: ModelSource) -> None:
    """What it is, then a tab for each thing to do with it."""
    opened = open_source(source)
    if opened is None:
        with errors_shown():
            draw_inspector(source)
        return
    draw_opened(opened)
    tabs = st.tabs(_TABS, key="tab", bind="query-params", on_change="rerun")
    architecture, predict, evaluate, inside, transplant, base = tabs
    if architecture.open:
        with architecture:
            draw_architecture(opened["layers"])
    if predict.open:
        with predict:
            draw_predictions(source, opened)
    if evaluate.open:
        with evaluate, errors_shown():
            draw_evaluation(source, opened)
    if inside.open:
        with inside, errors_shown():
            draw_inspector(source)
    if transplant.open:
        with transplant, errors_shown("The weights cannot be transferred"):
            draw_transplant(source)
    if base.open:
        with base, errors_shown("The model cannot be a base"):
            draw_as_base(source, opened)


main()
