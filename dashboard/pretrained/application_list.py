"""The table of the networks of keras.applications."""

import pandas as pd
import streamlit as st

from experiments.core.settings import settings_in_use
from experiments.models.application_times import known_time
from experiments.models.weight_files import is_here
from experiments.spec.applications import Application, list_applications

_FLOAT32 = 4e-6  # megabytes


def draw_list() -> None:
    """The table; a click on a row opens the network below it."""
    table = application_table(list_applications())
    st.caption(
        "The networks that Keras offers with weights from ImageNet. Choose one to classify "
        "images, or to train a head for your own classes on it."
    )
    event = st.dataframe(
        table, key="applications", hide_index=True, on_select="rerun", height=390,
        selection_mode="single-row",
        column_config={
            "Parameters": st.column_config.NumberColumn(format="compact"),
            "MB": st.column_config.NumberColumn(
                format="%.0f", help="Size of the weights with the head, as float32."
            ),
            "Pixels": st.column_config.NumberColumn(
                help="Side of the images that it was trained on."
            ),
            "Depth": st.column_config.NumberColumn(help="Layers with parameters."),
            "Top-1": st.column_config.NumberColumn(
                format="%.1f %%", help="On ImageNet's validation set, as keras.io documents it."
            ),
            "Top-5": st.column_config.NumberColumn(format="%.1f %%"),
            "On this machine": st.column_config.TextColumn(
                help="Which weights are on this machine: with the head (whole) or without (base)."
            ),
            "ms on this machine": st.column_config.NumberColumn(
                format="%.1f", help="For one image of its native size, once measured on this "
                    "machine."
            ),
        },
    )  # fmt: skip
    rows = event["selection"]["rows"]
    if rows:
        st.query_params["application"] = table["Network"].iloc[rows[0]]


def application_table(applications: tuple[Application, ...]) -> pd.DataFrame:
    """One row a network."""
    settings = settings_in_use()
    return pd.DataFrame(
        {
            "Network": [one.name for one in applications],
            "Parameters": [one.parameters for one in applications],
            "MB": [one.parameters * _FLOAT32 for one in applications],
            "Pixels": [one.side for one in applications],
            "Depth": [one.depth for one in applications],
            "Top-1": [one.top_1 for one in applications],
            "Top-5": [one.top_5 for one in applications],
            "On this machine": [here_words(one) for one in applications],
            "ms on this machine": [
                known_time(settings, one.name, one.side) for one in applications
            ],
        }
    )


def here_words(application: Application) -> str:
    """Which of its weight files are on this machine."""
    kinds = ["whole" if file.top else "base" for file in application.files if is_here(file)]
    return ", ".join(kinds) or "–"
