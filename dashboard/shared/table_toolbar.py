"""What Streamlit puts above each table."""

import streamlit as st

# By its English label: the button has nothing else of its own (Streamlit 1.67)
_STYLE = """<style>
[data-testid="stElementToolbarButton"]:has(> span > button[aria-label="Download as CSV"]) {
    display: none;
}
</style>"""


def hide_raw_export() -> None:
    """Hide the button that saves a table as it is: Streamlit writes cells that begin with = + - @
    without marking them, and a spreadsheet runs those as formulas. *Compare* and *Run* export with
    them marked (comparing.exports.to_csv)."""
    st.html(_STYLE)
