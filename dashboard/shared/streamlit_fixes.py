"""What Streamlit does otherwise than a dashboard needs it, mended from outside, and what it tells
only in private; here, and nowhere else.

All was last seen in ``SEEN_IN``; tests/dashboard/shared/test_streamlit_fixes.py fails where a newer
Streamlit lacks a name or means something else by it.
"""

import copyreg
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile, UploadedFileRec

#: The version of Streamlit whose internals these are.
SEEN_IN = "1.67.0"

# By its English label: the button has nothing else of its own
_STYLE = """<style>
[data-testid="stElementToolbarButton"]:has(> span > button[aria-label="Download as CSV"]) {
    display: none;
}
</style>"""


def hide_raw_export() -> None:
    """Hide the button that saves a table as it is: Streamlit writes cells that begin with = + - @
    without marking them, and a spreadsheet runs those as formulas. *Compare* and *Run* export with
    them marked (exported_tables.to_csv)."""
    st.html(_STYLE)


def session_id() -> str:
    """What tells the sessions (browser tabs) of a server apart, "" outside of any; ``st.context``
    has cookies and headers, which all tabs share."""
    context = get_script_run_ctx()
    return context.session_id if context else ""


def share_bytes() -> None:
    """Let copies of uploaded files share their bytes, from now on.

    Streamlit gives each script run a deep copy of a widget's value. Of an uploaded file, which is
    an ``io.BytesIO``, that copies all bytes (200 MB more for a file of 200 MB, at every rerun).
    Bytes cannot change, so the copy may share them.
    """
    copyreg.pickle(UploadedFile, _as_parts)


def _as_parts(file: UploadedFile) -> Any:
    """How to make the same file again; getvalue copies nothing of a file that was only read."""
    try:
        urls = file._file_urls
    except AttributeError:  # another Streamlit: copied as before
        return file.__reduce_ex__(4)
    record = UploadedFileRec(file.file_id, file.name, file.type, file.getvalue())
    return UploadedFile, (record, urls)
