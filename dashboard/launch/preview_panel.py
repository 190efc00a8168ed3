"""What stands beside the launch form: what the run will be, and its spec as YAML."""

from concurrent.futures import Future
from concurrent.futures import TimeoutError as TooEarly
from typing import Any

import pandas as pd
import streamlit as st

from dashboard.chart.split_view import draw_audit, draw_findings
from dashboard.launch import draft
from dashboard.launch.base_fields import known_base, remember_base
from dashboard.shared import cache, help_texts
from dashboard.shared.components import show_error
from dashboard.shared.formats import count, plain, size
from dashboard.shared.streamlit_fixes import session_id
from experiments.core.errors import ExperimentsError
from experiments.core.findings import Changes
from experiments.data.catalog import Source
from experiments.data.downloads import on_this_machine
from experiments.data.split.audit import Audit
from experiments.data.stored import find_info
from experiments.diagnosis.base_findings import find_in_spec, trained_on
from experiments.spec.run_spec import RunSpec

_PATIENCE = 0.4  # seconds to wait for an answer before the page goes on without it
_LOOK_AGAIN = 0.7
STREAMED_MB = 256


def draw_preview(spec: RunSpec) -> None:
    """Parameters, layers, batches and split; drawn again until the Keras process has answered."""
    st.markdown("#### :material/preview: What will be trained")
    if not on_this_machine(spec.dataset.info):
        st.info("Parameters and split are counted once the dataset is on this machine.")
        return
    future = cache.previews().ask(spec, session_id())
    st.fragment(_draw_when_done, run_every=None if _is_done(future) else _LOOK_AGAIN)(
        future, _is_done(future)
    )


def draw_yaml(spec: RunSpec | None) -> None:
    """The spec as YAML, in step with the form, and back into the form by Apply."""
    st.markdown("#### :material/data_object: YAML")
    key = draft.yaml_key(spec.to_yaml() if spec else None)
    st.text_area(
        "Spec as YAML", key=key, height=420, label_visibility="collapsed",
        help="Edit it and apply it. Fields that you leave out take their defaults.",
    )  # fmt: skip
    edited = draft.yaml_edited()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Apply to the form", on_click=draft.apply_yaml, disabled=not edited)
        st.button("Discard", on_click=draft.discard_yaml, disabled=not edited, type="tertiary")
        if spec:
            st.download_button(
                "Download", spec.to_yaml(), "spec.yaml", "application/yaml", type="tertiary",
                icon=":material/download:", on_click="ignore",
            )  # fmt: skip
    if draft.yaml_refused():
        show_error(str(draft.yaml_refused()), "The YAML is refused")
    elif edited:
        st.caption(":orange[The YAML has changes that are not applied to the form yet.]")


def _is_done(future: "Future[dict[str, Any]]") -> bool:
    try:
        future.exception(timeout=_PATIENCE)
    except TooEarly:
        return False
    return True


def _draw_when_done(future: "Future[dict[str, Any]]", was_done: bool) -> None:
    if not future.done():
        ready = cache.previews().keras_is_ready
        said = "Counting parameters" if ready else "Starting the Keras process (about 10 s)"
        with st.container(height=130, border=False):
            st.markdown(f":shimmer[{said}…]")
            st.caption("You can launch the run in the meantime.")
        return
    if not was_done:
        st.rerun()
    error = future.exception()
    if isinstance(error, ExperimentsError):
        show_error(error)
        if st.button("Try again", icon=":material/refresh:"):
            cache.previews().forget_failures()
            st.rerun()
    elif error is not None:
        raise error
    else:
        draw_answer(future.result())


def draw_answer(answer: dict[str, Any]) -> None:
    """Numbers, and what the split does; layers where one asks for them."""
    grid = st.grid("auto", min_column_width=92, gap="small")
    grid.metric("Parameters", count(answer["parameters"]))
    grid.metric("Train", count(answer["train"]), help="Samples used for training.")
    grid.metric("Validation", count(answer["validation"]))
    if answer["test"]:
        grid.metric("Test", count(answer["test"]), help=help_texts.TEST)
    grid.metric("Batches", count(answer["batches"]), help="Per epoch.")
    grid.metric("Memory", size(answer["memory"]), help=help_texts.PEAK_MEMORY)
    for warning in answer["warnings"]:
        st.warning(plain(warning), icon=":material/warning:")
    draw_memory(answer)
    draw_base_findings(answer["base"])
    if answer["audit"]:
        draw_audit(Audit.from_dict(answer["audit"]), "Use", change_form)
    with st.expander(f"{len(answer['layers'])} layers", icon=":material/layers:"):
        draw_layers(answer["layers"])


def draw_base_findings(base: dict[str, Any] | None) -> None:
    """What speaks against the way in which a pretrained base is used."""
    if not base:
        return
    if known_base() != base:
        remember_base(base)
        st.rerun()  # the form names its blocks now
    spec = draft.spec()
    found = find_in_spec(spec, base, trained_on(spec))
    if found:
        st.markdown("**About the pretrained base**")
        draw_findings(found, "Use", change_form)


def draw_memory(answer: dict[str, Any]) -> None:
    """A warning where the run needs more memory than is free, and the way out of it."""
    if answer["memory"] <= answer["memory_here"]:
        return
    st.warning(
        f"The run needs about {size(answer['memory'])} at its peak; "
        f"{size(answer['memory_here'])} are free here. "
        f"The {size(answer['samples_bytes'])} of samples are held in several copies unless they "
        f"are streamed.",
        icon=":material/memory:",
    )
    streams = draft.values()["dataset.memory_mb"] is not None
    stored = find_info(draft.values()["dataset.name"]).source is Source.STORED
    if (
        stored
        and not streams
        and st.button(f"Stream them, {STREAMED_MB} MB at a time", icon=":material/auto_fix_high:")
    ):
        draft.put("dataset.memory_mb", STREAMED_MB)
        st.rerun()


def change_form(changes: Changes) -> None:
    """Put changes into the form."""
    for name, value in changes.items():
        draft.put(name, value)
        if name.startswith("finetune."):
            draft.put("finetune.on", True)
    st.rerun()  # the whole page: the form stands outside of the fragment that was clicked


def draw_layers(layers: list[dict[str, Any]]) -> None:
    """The table of layers that `model.summary()` prints."""
    table = pd.DataFrame(layers)
    table["output_shape"] = [_shape(shape) for shape in table["output_shape"]]
    st.dataframe(
        table[["name", "type", "output_shape", "parameters"]],
        hide_index=True,
        height=min(36 * len(table) + 38, 420),
        column_config={
            "output_shape": "output shape",
            "parameters": st.column_config.NumberColumn("parameters", format="localized"),
        },
    )


def _shape(shape: Any) -> str:
    if not isinstance(shape, list | tuple):
        return str(shape)
    return " × ".join("batch" if size is None else str(size) for size in shape)
