"""The part of the launch form that is about a pretrained base: which, whose, and when it trains."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from dashboard.launch import draft, form_fields
from dashboard.launch.form_values import WEIGHTS
from dashboard.shared import cache, help_texts
from dashboard.shared.components import MODELS, label_of
from dashboard.shared.formats import count, plain
from experiments.core.errors import ExperimentsError
from experiments.spec.applications import application_names

_KNOWN = "launch base"  # what the last preview told of the base, and of which one
_FIELDS = ("name", "application", "alpha", "size", "run", "file", "layer")
_WITH_ALPHA = ("MobileNet", "MobileNetV2")


def draw_base(model: str) -> None:
    """The base of a kind of model, and its fine-tuning."""
    if model == "application":
        draw_application()
    else:
        draw_saved()
    draw_finetuning()


def remember_base(base: dict[str, Any] | None) -> None:
    """Keep what a preview told of the base that stands in the form."""
    if base:
        st.session_state[_KNOWN] = (_chosen(), base)


def known_base() -> dict[str, Any] | None:
    """What is known of the base that stands in the form; None until a preview has told."""
    chosen, base = st.session_state.get(_KNOWN, (None, None))
    return base if chosen == _chosen() else None


def draw_application() -> None:
    """Which network of keras.applications, and what its images are."""
    left, right = st.columns(2)
    with left:
        application = form_fields.select(
            "Base", "model.application", list(application_names()), str
        )
    with right:
        form_fields.segments(
            "Weights", "model.weights", list(WEIGHTS["application"]), str, help_texts.WEIGHTS
        )
    cells = st.columns(3)
    with cells[0]:
        form_fields.number(
            "Pixels per side", "model.size", min_value=32, max_value=1024, step=32, value=None,
            placeholder="as they are", help=help_texts.SIZE,
        )  # fmt: skip
    with cells[1]:
        form_fields.number(
            "Dense units", "model.dense", min_value=0, step=16, help="0 leaves it out."
        )
    with cells[2]:
        if application in _WITH_ALPHA:
            form_fields.number(
                "alpha", "model.alpha", min_value=0.05, max_value=2.0, step=0.05, format="%g",
                help="The width of the network.",
            )  # fmt: skip


def draw_saved() -> None:
    """Which model of the user's, and where it is cut."""
    runs = {run.id: label_of(run) for run in cache.runs() if not run.status.is_active}
    files = {base.run_id: base for base in cache.stored_bases()}
    names = runs | {run_id: f"{plain(base.name)} (a file)" for run_id, base in files.items()}
    chosen = draft.values()["model.run"]
    if not names:
        st.info("No run has ended yet, so there is no model to build on.", icon=":material/hub:")
    left, right = st.columns(2)
    with left:
        run_id = form_fields.select(
            "Base: the model of", "model.run", list(dict.fromkeys([chosen, *names])),
            lambda one: names.get(one, one) or "Choose a run or a file", help_texts.SAVED_BASE,
        )  # fmt: skip
        st.page_link(MODELS, label="Upload a model file", icon=":material/upload:",
                     query_params={"file": "new", "tab": "As a base"})  # fmt: skip
    file = files[run_id].file if run_id in files else "model/model.h5"
    if file != draft.values()["model.file"] and run_id in names:
        draft.put("model.file", file)
        draft.put("model.layer", "")
    with right:
        form_fields.segments(
            "Weights",
            "model.weights",
            list(WEIGHTS["saved_base"]),
            str,
            help_texts.SAVED_WEIGHTS,
        )
    cells = st.columns(3)
    with cells[0]:
        layers = _layers(run_id, file) if run_id in names else []
        kinds = dict(layers)
        chosen = draft.values()["model.layer"]
        form_fields.select(
            "Up to layer", "model.layer", list(dict.fromkeys(["", *kinds, chosen])),
            lambda name: f"{name} · {kinds.get(name, '?')}" if name else "all before its head",
            help_texts.CUT,
        )  # fmt: skip
    with cells[1]:
        form_fields.number(
            "Dense units", "model.dense", min_value=0, step=16, help="0 leaves it out."
        )
    with cells[2]:
        form_fields.number(
            "Maximum pixel value", "model.white", min_value=0.001, value=None, format="%g",
            placeholder="detected", help=help_texts.WHITE,
        )  # fmt: skip


def draw_finetuning() -> None:
    """When the base trains too, from which block on, how fast."""
    if not form_fields.toggle("Fine-tune the base", "finetune.on", help_texts.FINETUNE):
        return
    cells = st.columns(3)
    with cells[0]:
        form_fields.number(
            "Epochs of the head alone",
            "finetune.after",
            min_value=0,
            step=1,
            help=help_texts.FINETUNE_AFTER,
        )
    with cells[1]:
        form_fields.number(
            "Fine-tuning learning rate", "finetune.learning_rate", min_value=1e-9, max_value=100.0,
            step=0.00001, format="%g", help=help_texts.FINETUNE_RATE,
        )  # fmt: skip
    with cells[2]:
        _draw_from_layer((known_base() or {}).get("blocks", []))
    cells = st.columns(3)
    with cells[0]:
        form_fields.number(
            "Epochs per block", "finetune.unfreeze_every", min_value=1, step=1,
            value=None, placeholder="all at once", help=help_texts.GRADUAL,
        )  # fmt: skip
    with cells[1]:
        form_fields.slider("Learning rate of each block "
            "below", "finetune.rate_decay", 0.05, 1.0, 0.05,
                      help_texts.RATE_DECAY)  # fmt: skip
    with cells[2]:
        form_fields.number(
            "Warm-up epochs", "finetune.warmup_epochs", min_value=0, step=1, help=help_texts.WARM_UP
        )
    form_fields.toggle("Train the base's batch normalization", "finetune.train_batch_norm",
                  help_texts.TRAIN_BATCH_NORM)  # fmt: skip


def _draw_from_layer(blocks: Sequence[dict[str, Any]]) -> None:
    """The blocks of the base from its end, once a preview has told which there are."""
    known = {block["name"]: block for block in reversed(blocks)}
    chosen = draft.values()["finetune.from_layer"]
    form_fields.select(
        "Unfreeze from block", "finetune.from_layer", list(dict.fromkeys(["", *known, chosen])),
        lambda name: _block_title(name, known.get(name)), help_texts.FROM_LAYER,
    )  # fmt: skip


def _block_title(name: str, block: dict[str, Any] | None) -> str:
    if not name:
        return "the whole base"
    if not block:
        return name
    return f"{name} · {count(block['parameters'])} parameters"


def _layers(run_id: str, file: str) -> Sequence[tuple[str, str]]:
    try:
        return cache.model_layers(run_id, file)
    except ExperimentsError:  # the preview beside the form tells what is wrong with it
        return []


def _chosen() -> tuple[Any, ...]:
    return tuple(draft.values()[f"model.{name}"] for name in _FIELDS)
