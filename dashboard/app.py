"""The dashboard's entry: `streamlit run dashboard/app.py`, from any folder."""

import sys
from pathlib import Path

import streamlit as st

ROOT = str(Path(__file__).resolve().parent.parent)
ICON = Path(__file__).resolve().parent / "icon.svg"
if ROOT not in sys.path:
    sys.path.insert(0, ROOT)

from dashboard.launch import draft  # noqa: E402 - the folder of the clone has to be known first
from dashboard.shared import cache  # noqa: E402
from dashboard.shared.components import (  # noqa: E402
    COMPARE,
    DATASETS,
    LAUNCH,
    MODELS,
    PRETRAINED,
    RUN,
    RUNS,
    show_error,
)
from dashboard.shared.streamlit_fixes import hide_raw_export, share_bytes  # noqa: E402
from experiments.core.settings import read_settings, use_settings  # noqa: E402

use_settings(read_settings())
st.set_page_config(page_title="Kerascope", page_icon=str(ICON), layout="wide")
st.logo(str(ICON), size="small")

# The folder is not called pages: Streamlit would run such files by themselves, without this one,
# when the first address that a fresh server is asked for is a page's own (checked with 1.67).
page = st.navigation(
    [
        st.Page(RUNS, title="Runs", icon=":material/table_rows:", url_path="runs", default=True),
        st.Page(LAUNCH, title="Launch", icon=":material/rocket_launch:", url_path="launch"),
        st.Page(RUN, title="Run", icon=":material/show_chart:", url_path="run"),
        st.Page(COMPARE, title="Compare", icon=":material/stacked_line_chart:", url_path="compare"),
        st.Page(DATASETS, title="Data", icon=":material/database:", url_path="data"),
        st.Page(PRETRAINED, title="Pretrained", icon=":material/school:", url_path="pretrained"),
        st.Page(MODELS, title="Models", icon=":material/deployed_code:", url_path="models"),
    ],
    position="top",
)
draft.keep_yaml()
share_bytes()
hide_raw_export()
worker = cache.worker()
worker.look()
if worker.problem:
    show_error(worker.problem, "No worker is running. Queued runs start as soon as one does.")
page.run()
