"""Choosing the model that is looked at: of a run, or in a file from the user's machine."""

import streamlit as st

from dashboard.shared import cache
from dashboard.shared.components import (
    LAUNCH,
    empty_state,
    errors_shown,
    name_of,
    pick_run,
    status_text,
    wanted_run,
)
from dashboard.shared.model_source import ModelSource
from dashboard.shared.model_uploads import SUFFIXES, find_upload, list_uploads, store_upload
from experiments.core.settings import settings_in_use

_LARGEST_MB = 1000
_FROM = "model from"
_NEW = "new"  # in the URL: nothing is uploaded yet; Streamlit drops what is empty
_KINDS = {"run": "Of a run", "file": "From a file"}


def pick_source() -> ModelSource | None:
    """The model that the URL names by ``?run=`` or ``?file=``; None after saying what to do."""
    st.session_state[_FROM] = "file" if "file" in st.query_params else "run"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.segmented_control(
            "Where the model comes from", list(_KINDS), format_func=lambda kind: _KINDS[kind],
            key=_FROM, on_change=_follow, required=True, label_visibility="collapsed",
        )  # fmt: skip
        place = st.container(horizontal=True, vertical_alignment="center")
    if st.session_state[_FROM] == "run":
        with errors_shown("The runs cannot be listed"):
            return _pick_run(place)
        return None
    return _pick_file(place)


def _follow() -> None:
    """The URL says what is looked at, so the switch only changes the URL."""
    kind = st.session_state[_FROM]
    st.query_params.pop("file" if kind == "run" else "run", None)
    if kind == "file":
        last = list_uploads(settings_in_use())[:1]
        st.query_params["file"] = last[0].parent.name if last else _NEW


def _pick_run(place: "st.delta_generator.DeltaGenerator") -> ModelSource | None:
    with st.skeleton(height=300):
        ended = [run for run in cache.runs() if not run.status.is_active]
    if not ended and "run" not in st.query_params:
        empty_state(
            ":material/deployed_code:", "No model saved yet",
            "When a run ends, its model can be reloaded here and asked for predictions.",
            LAUNCH, "Launch the first run",
        )  # fmt: skip
        return None
    cache.keras()  # starts it, so that it is ready when a run is picked
    with place:
        run = pick_run("Run", ended, "model picked", "Choose a run that has ended")
    if run is None and "run" in st.query_params:
        run = wanted_run(st.query_params["run"])
        if run is None:
            return None
    if run is None:
        st.info("Choose a run above to reload its model.", icon=":material/deployed_code:")
        return None
    if run.status.is_active:
        st.info(f"{name_of(run)} {status_text(run)} saves its model when it ends.")
        return None
    return ModelSource(run=run)


def _pick_file(place: "st.delta_generator.DeltaGenerator") -> ModelSource | None:
    settings = settings_in_use()
    cache.uploaded_keras()  # starts it, so that it is ready when a file was looked at
    wanted = st.query_params["file"]
    picked = find_upload(settings, wanted)
    if picked is None:
        if wanted != _NEW:
            st.warning("This upload is gone: files are kept for a day. Upload it again.",
                       icon=":material/history:")  # fmt: skip
        _upload()
        return None
    uploads = {file.parent.name: file for file in list_uploads(settings)}
    st.session_state["upload picked"] = wanted
    with place:
        st.selectbox(
            "Uploaded file", list(uploads), format_func=lambda key: uploads[key].name,
            key="upload picked", label_visibility="collapsed", width=340,
            on_change=lambda: st.query_params.update(file=st.session_state["upload picked"]),
        )  # fmt: skip
        # another key after an upload: the popover is closed then
        taken = st.session_state.get("uploads taken", 0)
        with st.popover(
            "Upload another", icon=":material/upload:", type="tertiary", key=f"another {taken}"
        ):
            _upload()
    return ModelSource(file=picked)


def _upload() -> None:
    """Take a file in and go to it."""
    taken = st.session_state.get("uploads taken", 0)
    file = st.file_uploader(
        "A Keras model: .h5, .keras, .weights.h5, or an architecture as .json or .yaml",
        type=[suffix[1:] for suffix in SUFFIXES], key=f"upload {taken}",
        max_upload_size=_LARGEST_MB,
        help="It is looked at before Keras opens it, and loaded in a process of its own with "
        "limited memory and time. It is deleted when nobody has looked at it for a day.",
    )  # fmt: skip
    if file is not None:
        path = store_upload(settings_in_use(), file.name, file.getvalue())
        st.session_state["uploads taken"] = taken + 1  # the next uploader is an empty one
        st.query_params["file"] = path.parent.name
        st.rerun()
