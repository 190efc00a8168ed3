"""Launch: a form with sensible defaults, what it will train, and the same as YAML."""

import time

import streamlit as st

from dashboard.launch import draft, form_fields
from dashboard.launch.clone_source import load_clone, parent_of, start_file
from dashboard.launch.form import draw_form, draw_start
from dashboard.launch.presets import PRESETS
from dashboard.launch.preview_panel import draw_preview, draw_yaml
from dashboard.shared import cache
from dashboard.shared.components import errors_shown, open_run, show_error
from experiments.core.errors import SpecError
from experiments.running.fold_runs import submit_all
from experiments.spec.run_spec import RunSpec

_TWICE = 3  # seconds within which the same spec launched again is a double click


def main() -> None:
    """Draw the page."""
    st.title("Launch a run", anchor=False)
    load_clone()
    draw_presets()
    head = st.container()
    form, side = st.columns([3, 2], gap="medium")
    with form:
        draw_start()
        draw_form()
    try:
        spec, refused = draft.spec(), None
    except SpecError as error:
        spec, refused = None, error
    with head:
        draw_head(spec, refused)
    with side:
        if spec:
            draw_preview(spec)
        draw_yaml(spec)


def draw_presets() -> None:
    """Complete specs to start from."""
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.caption("Start from", width="content")
        for preset in PRESETS:
            st.button(
                preset.title, key=f"preset {preset.title}", help=preset.text, type="secondary",
                on_click=draft.fill, args=(preset.spec,),
            )  # fmt: skip


def draw_head(spec: RunSpec | None, refused: SpecError | None) -> None:
    """Name and launch, above all fields, so that one click is enough."""
    left, right = st.columns([4, 1], vertical_alignment="bottom")
    with left:
        form_fields.text("Name", "name", "Named after data and model")
    label = f"Launch {spec.split.folds} runs" if spec and spec.split.is_many else "Launch"
    launched = right.button(
        label, type="primary", icon=":material/rocket_launch:", width="stretch",
        disabled=spec is None,
    )  # fmt: skip
    if refused:
        show_error(refused, "Not ready to launch")
    if draft.yaml_edited():
        st.caption(":orange[The YAML has changes that are not applied; they will not be launched.]")
    if launched and spec:
        with errors_shown("The run was not launched"), st.spinner("Recording the run…"):
            run_id = launch(spec)
            open_run(run_id)


def launch(spec: RunSpec) -> str:
    """Queue the run, or one for each fold; a double click does it once. Returns the first id."""
    last = st.session_state.get("launched")
    if last and last[0] == spec and time.monotonic() - last[1] < _TWICE:
        return last[2]
    run_id = submit_all(cache.store(), spec, parent_of(spec), start_file(spec))[0]
    st.session_state["launched"] = (spec, time.monotonic(), run_id)
    cache.forget_runs()
    cache.worker().look()
    return run_id


main()
