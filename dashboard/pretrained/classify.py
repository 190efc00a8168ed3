"""Classifying images that the user uploads, with an application or with a run."""

import tempfile
from pathlib import Path
from typing import Any

import streamlit as st

from dashboard.shared import cache
from dashboard.shared.components import label_of
from dashboard.shared.formats import plain, size
from dashboard.shared.images import to_image
from dashboard.shared.run_summary import dataset_of
from experiments.data.catalog import Kind, Task
from experiments.models.weight_files import is_here
from experiments.spec.applications import application_names, find_application
from experiments.tracking.runs import Run

_WITH = ("An application", "A run")
_LARGEST_MB = 50
_FLOAT32 = 4


def draw_classify() -> None:
    """Which network, which images, and its answers."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        how = st.segmented_control(
            "Classify with", _WITH, default=_WITH[0], key="with", bind="query-params", required=True
        )
        asked = _pick_application() if how == _WITH[0] else _pick_run()
    files = st.file_uploader(
        "Images: PNG, JPEG, BMP, GIF, WebP", type=["png", "jpg", "jpeg", "bmp", "gif", "webp"],
        accept_multiple_files=True, max_upload_size=_LARGEST_MB,
        help="Cropped to the center and resized to what the network takes.",
    )  # fmt: skip
    if not files or asked is None:
        return
    operation, arguments = asked
    with tempfile.TemporaryDirectory() as folder:
        paths = [_write(Path(folder), number, file) for number, file in enumerate(files)]
        with st.spinner("Running the network…", show_time=True):
            answer = cache.keras().ask(operation, paths=paths, **arguments)
    if answer["notice"]:
        st.warning(plain(answer["notice"]), icon=":material/label_off:")
    draw_answers(files, answer["images"])


def draw_answers(files: list[Any], images: list[dict[str, Any]]) -> None:
    """Each image with its likeliest classes."""
    grid = st.grid("auto", min_column_width=230, gap="small", border=True)
    for file, image in zip(files, images, strict=True):
        with grid.cell():
            if "refused" in image:
                st.markdown(f":red[:material/error:] {plain(file.name)}")
                st.caption(plain(image["refused"].partition(": ")[2]))
                continue
            st.image(file, width="stretch")
            if image["seen"]:
                st.image(to_image(image["seen"]), caption="As the model saw it")
            st.markdown(f"**{plain(image['classes'][0]['name'])}**")
            for one in image["classes"]:
                share = min(max(one["probability"], 0.0), 1.0)
                st.progress(share, f":small[{plain(one['name'])} · {share:.1%}]")


def _pick_application() -> tuple[str, dict[str, Any]]:
    names = list(application_names())
    wanted = st.query_params.get("application", names[0])
    chosen = st.selectbox(
        "Network", names, index=names.index(wanted) if wanted in names else 0, width=260
    )
    st.query_params["application"] = chosen
    facts = find_application(chosen)
    if facts and not is_here(facts.files[0]):
        st.caption(
            f"Its weights are not on this machine: about {size(_FLOAT32 * facts.parameters)} are "
            "downloaded at first use.",
            width=330,
        )
    return "classify_application", {"application": chosen}


def _pick_run() -> tuple[str, dict[str, Any]] | None:
    runs = {run.id: run for run in cache.runs() if _classifies_images(run)}
    if not runs:
        st.info("No run on images has ended yet.")
        return None
    ids = list(runs)
    wanted = st.query_params.get("run", ids[0])
    chosen = st.selectbox(
        "Run", ids, index=ids.index(wanted) if wanted in ids else 0, width=340,
        format_func=lambda run_id: label_of(runs[run_id]),
    )  # fmt: skip
    st.query_params["run"] = chosen
    return "classify_run", {"run_id": chosen}


def _classifies_images(run: Run) -> bool:
    info = dataset_of(run) if run.is_ours and not run.status.is_active else None
    return info is not None and info.kind is Kind.IMAGE and info.task is not Task.REGRESSION


def _write(folder: Path, number: int, file: Any) -> str:
    path = folder / f"{number}{Path(file.name).suffix.lower()}"
    path.write_bytes(file.getbuffer())
    return str(path)
