"""One network of keras.applications: facts, weight files, speed here, and what to do with it."""

import tempfile
from pathlib import Path

import streamlit as st

from dashboard.shared import cache, help_texts
from dashboard.shared.components import LAUNCH, errors_shown, show_error
from dashboard.shared.formats import count, plain, size
from experiments.core.settings import settings_in_use
from experiments.models.application_times import known_time, remember_time
from experiments.models.weight_files import add_weight_file, is_here, place_of
from experiments.spec.applications import CLASSES_FILE, Application, WeightFile

_LARGEST_MB = 2000
_LOOK_AGAIN = 1.0  # seconds


def draw_details(one: Application) -> None:
    """Everything about one network."""
    with st.container(border=True):
        left, right = st.columns([3, 2], vertical_alignment="center")
        left.markdown(f"### {one.name}", anchors=False)
        with right.container(horizontal=True, horizontal_alignment="right"):
            if st.button("Classify with it", icon=":material/image_search:"):
                st.query_params["tab"] = "Classify"
                st.rerun()
            if st.button("Fine-tune it", type="primary", icon=":material/rocket_launch:"):
                st.session_state.pop("launch loaded", None)
                st.switch_page(LAUNCH, query_params={"application": one.name})
        draw_facts(one)
        draw_speed(one)
        st.markdown("**ImageNet weights**", help=help_texts.IMAGENET_WEIGHTS)
        for file in (*one.files, CLASSES_FILE):
            draw_file(file)
        draw_bringing()


def draw_facts(one: Application) -> None:
    """Numbers that Keras and keras.io tell."""
    grid = st.grid("auto", min_column_width=110, gap="small")
    grid.metric("Parameters", count(one.parameters))
    grid.metric("of the base", count(one.base_parameters), help="Without the head for ImageNet.")
    grid.metric("Layers", f"{one.layers}", help=f"{one.depth} of them have parameters.")
    grid.metric("Pixels", f"{one.side}", help=f"At least {one.least_side} as a base.")
    grid.metric("Top-1", f"{one.top_1} %" if one.top_1 else "–", help=help_texts.ACCURACY)
    grid.metric("Top-5", f"{one.top_5} %" if one.top_5 else "–", help=help_texts.ACCURACY)


def draw_speed(one: Application) -> None:
    """How long an image takes here, measured when somebody asks."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        side = st.number_input(
            "Pixels per side", min_value=one.least_side, max_value=1024,
            value=max(one.side, one.least_side), step=32, key=f"side {one.name}", width=150,
        )  # fmt: skip
        if st.button("Measure here", icon=":material/speed:", help=help_texts.MEASURE_HERE):
            with errors_shown("It was not measured"), st.spinner(
                "Building and running the network…", show_time=True
            ):  # fmt: skip
                answer = cache.keras().ask("time_application", application=one.name, side=int(side))
                remember_time(settings_in_use(), one.name, int(side), answer["milliseconds"])
                st.rerun()
        known = known_time(settings_in_use(), one.name, int(side))
        said = f"**{known:.1f} ms** per image" if known else "Not measured for this size yet."
        st.markdown(said, width="content")


def draw_file(file: WeightFile) -> None:
    """Whether a file is here; else how to get it."""
    state = cache.downloads().state(file)
    active = state is not None and not state.ended
    st.fragment(_draw_file, run_every=_LOOK_AGAIN if active else None)(file, active)


def _draw_file(file: WeightFile, was_active: bool) -> None:
    state = cache.downloads().state(file)
    active = state is not None and not state.ended
    if active != was_active:
        st.rerun()
    here = is_here(file)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(
            f"{':green[:material/check_circle:]' if here else ':gray[:material/circle:]'} "
            f"{_kind(file)}  :small[:gray[{plain(file.name)}]]",
            width="stretch",
        )
        if not here and not active:
            if st.button("Download", key=f"download {file.name}", icon=":material/download:"):
                cache.downloads().start(file)
                st.rerun()
    if state and active:
        share = state.done / state.total if state.total else 0.0
        of = f" of {size(state.total)}" if state.total else ""
        st.progress(min(share, 1.0), f":small[{size(state.done)}{of}]")
    elif state and state.error and not here:
        show_error(state.error, "It was not downloaded")
    elif not here:
        st.caption(f"Looked for at {plain(str(place_of(file)))}")


def draw_bringing() -> None:
    """Take in a file that the user brought from elsewhere."""
    taken = st.session_state.get("weights taken", 0)
    with st.expander("Use a file from another machine", icon=":material/upload_file:"):
        upload = st.file_uploader(
            "An official weight file of keras.applications, or imagenet_class_index.json",
            type=["h5", "json"], max_upload_size=_LARGEST_MB, key=f"weights {taken}",
            help="Its content is checked against the hashes in Keras, then the file is put where "
                "Keras looks for it.",
        )  # fmt: skip
        if upload is None:
            return
        with errors_shown("The file is refused"), tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "upload"
            path.write_bytes(upload.getbuffer())
            found = add_weight_file(path, upload.name)
            st.session_state["weights taken"] = taken + 1
            what = found.application or "The names of the classes"
            st.toast(f"{what}: {found.file.name} is on this machine", icon=":material/check:")
            st.rerun()


def _kind(file: WeightFile) -> str:
    if file == CLASSES_FILE:
        return "Names of the 1,000 classes"
    return "With the head, to classify" if file.top else "Without the head, as a base"
