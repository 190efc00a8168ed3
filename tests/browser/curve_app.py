"""A page with one chart of curves, as the address asks; served by test_curve_chart.py."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import streamlit as st

from dashboard.chart.curve_chart import Look, draw_curves
from dashboard.chart.curve_data import ChartCurve

COLORS = ("#3b82f6", "#f97316", "#10b981", "#e11d48", "#8b5cf6", "#ca8a04", "#06b6d4", "#ec4899")


def make(runs: int, epochs: int, diverged: bool) -> list[ChartCurve]:
    """Curves that fall; with ``diverged`` the last one ends in infinity and the one before NaN."""
    x = np.arange(epochs, dtype=float)
    made = []
    for i in range(runs):
        y = 2.0 * np.exp(-x / (5 + i % 7)) + 0.1 + i / max(runs, 1)
        if diverged and i == runs - 1:
            y[epochs // 2 :] = 1e30
        if diverged and i == runs - 2:
            y[epochs // 2 :] = np.nan
        made.append(ChartCurve(f"id{i}", f"run {i}", COLORS[i % 8], "validation", x, y))
    return made


asked = st.query_params
counter = Path(asked["file"]) if "file" in asked else None


@st.fragment(run_every=0.2 if counter else None)
def draw() -> None:
    epochs = int(counter.read_text()) if counter else int(asked.get("epochs", 50))
    curves = make(int(asked.get("runs", 8)), epochs, "diverged" in asked)
    look = Look("val_loss", y_log="log" in asked, live=counter is not None)
    clicked = draw_curves(curves, [], look, key="chart")
    if clicked:
        st.session_state["clicked"] = clicked
    st.write("clicked:", st.session_state.get("clicked", "nothing"))


if st.checkbox("Shown", value=True):
    draw()
