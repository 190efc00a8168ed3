"""What Streamlit has inside is there and means what it meant; each test names both versions."""

from copy import deepcopy
from pathlib import Path

import pytest
import streamlit as st
from streamlit.proto.Common_pb2 import FileURLs
from streamlit.runtime.uploaded_file_manager import UploadedFile, UploadedFileRec
from streamlit.testing.v1 import AppTest

from dashboard.shared import streamlit_fixes as fixes


@pytest.fixture(autouse=True, params=[f"seen in {fixes.SEEN_IN}, here {st.__version__}"])
def _versions() -> None:
    """In the name of every test, so that a failure says what changed between."""


def test_copies_of_an_uploaded_file_share_its_bytes():
    fixes.share_bytes()
    record = UploadedFileRec("1", "a.csv", "text/csv", b"a,b\n1,2\n" * 1000)
    file = UploadedFile(record, FileURLs(file_id="1", upload_url="/1"))
    file.read(5)
    again = deepcopy(file)
    assert again.getvalue() is record.data
    assert (again.name, again.type, again.size, again.file_id) == ("a.csv", "text/csv", 8000, "1")
    assert again == file and again.read(3) == b"a,b"


def test_a_session_is_known_by_its_id():
    def page() -> None:
        import streamlit

        from dashboard.shared.streamlit_fixes import session_id

        streamlit.text(session_id())

    app = AppTest.from_function(page).run()
    assert app.text[0].value and not app.exception
    assert fixes.session_id() == ""


@pytest.mark.parametrize("name", ["stElementToolbarButton", "Download as CSV"])
def test_the_page_calls_the_button_that_is_hidden_by_this_name(name):
    scripts = Path(st.__file__).parent.joinpath("static", "static", "js").glob("*.js")
    assert any(name in script.read_text(encoding="utf-8") for script in scripts)
