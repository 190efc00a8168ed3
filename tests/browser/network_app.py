"""A page with a network whose layers have the names that the address gives."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import streamlit as st

from dashboard.models.architecture import draw_architecture

names = st.query_params.get_all("name")
draw_architecture(
    [
        {
            "name": name, "type": "Dense", "output_shape": "(None, 8)", "parameters": 9,
            "trainable": True, "inbound": [before],
        }
        for before, name in zip(["", *names], names, strict=False)
    ]
)  # fmt: skip
