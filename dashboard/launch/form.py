"""The fields of the launch form, in the order in which one thinks of them."""

from collections.abc import Sequence
from typing import Any, get_args

import streamlit as st

from dashboard.launch import draft, form_fields
from dashboard.launch.base_fields import draw_base
from dashboard.launch.form_values import (
    KEEP_EVERY,
    methods_for,
    models_for,
    monitors_for,
)
from dashboard.shared import cache, help_texts
from dashboard.shared.components import name_of
from dashboard.shared.formats import count, parts_words, plain, words
from experiments.core.errors import ExperimentsError
from experiments.data.catalog import CATALOG, DatasetInfo, Kind, Source, Task
from experiments.data.downloads import on_this_machine
from experiments.data.stored import find_info
from experiments.spec.losses import losses_for
from experiments.spec.metrics import metrics_for
from experiments.spec.model_specs import WITH_BASE, Activation
from experiments.spec.optimizers import OPTIMIZERS, WITH_MOMENTUM

_MODELS = {
    "linear": "Linear: one Dense layer",
    "mlp": "MLP: Dense layers",
    "cnn": "CNN: convolutions and pooling",
    "resnet": "ResNet: residual blocks",
    "application": "A pretrained network of keras.applications, with a head for this data",
    "saved_base": "A model of yours up to one of its layers, with a head for this data",
}
_KINDS = {"application": "PRETRAINED", "saved_base": "YOUR MODEL"}
_METHODS = {
    "last": "The last part",
    "shuffled": "Shuffled",
    "stratified": "Stratified",
    "group": "By group",
    "time": "By time",
    "given": "As in the file",
}
_AUGMENTATIONS = {"translation": 0.5, "rotation": 0.5, "zoom": 0.5, "contrast": 0.95}
_SOURCES = {
    Source.BUNDLED: "ships with scikit-learn",
    Source.GENERATED: "made from the seed",
    Source.DOWNLOAD: "from keras.datasets",
    Source.STORED: "your own",
}


def draw_form() -> None:
    """Draw every field; what stands in them is in the draft afterwards."""
    draft.fit()
    with st.container(border=True):
        draw_data()
    with st.container(border=True):
        draw_model()
    with st.container(border=True):
        draw_training()
    with st.container(border=True):
        draw_callbacks()


def draw_data() -> None:
    """Which samples, and which of them validate."""
    st.markdown("#### :material/database: Data")
    left, right = st.columns([3, 2])
    with left:
        stored = cache.datasets()
        titles = [one.title for one in stored]
        names = [*(one.name for one in stored), *CATALOG]
        chosen = draft.values()["dataset.name"]
        picked = form_fields.select(
            "Dataset", "dataset.name", names if chosen in names else [chosen, *names],
            lambda name: dataset_title(find_info(name), titles),
        )  # fmt: skip
    info = find_info(picked)
    if picked != chosen and info.validation_given:
        draft.put("split.method", "given")
        draft.fit()
    with right:
        form_fields.number(
            "Only the first", "dataset.max_samples", min_value=10, step=100, value=None,
            placeholder="all", help="How many samples to use, from the beginning. Leave empty to "
                "use all.",
        )  # fmt: skip
    st.caption(describe(info))
    if info.source is Source.DOWNLOAD and not on_this_machine(info):
        st.warning(
            f"Needs a download of {info.megabytes:g} MB: it is not on this machine yet. "
            "The run downloads it first.",
            icon=":material/download:",
        )
    if info.name == "two_moons":
        form_fields.slider(
            "Label noise", "dataset.noise", 0.0, 0.5, 0.01, "The fraction of flipped labels."
        )
    if info.source is Source.STORED:
        form_fields.number(
            "Memory for samples, MB", "dataset.memory_mb", min_value=8, step=64, value=None,
            placeholder="all in memory", help=help_texts.MEMORY,
        )  # fmt: skip
    draw_split(info)


def draw_split(info: DatasetInfo) -> None:
    """Which samples are for the test, and which validate: a part of them, or each fold in turn."""
    columns = {"group": info.group, "time": info.time}

    def method_name(method: str) -> str:
        column = columns.get(method)
        return f"{_METHODS[method]}: {plain(column)}" if column else _METHODS[method]

    method = form_fields.segments(
        "Validation samples", "split.method", methods_for(info.name), method_name,
        help_texts.VALIDATION_SAMPLES,
    )  # fmt: skip
    if info.parts:
        st.caption(f"In the file: {parts_words(info.parts)}.")
    if method == "given":
        return
    cells = [*st.columns(2), *st.columns(2)]
    with cells[1]:
        if not info.test_given:
            form_fields.slider(
                "Test split", "split.test_split", 0.0, 0.5, 0.05, help_texts.TEST_SPLIT
            )
    with cells[2]:
        folds = None
        if method != "time":
            folds = form_fields.number(
                "Folds", "split.folds", min_value=2, max_value=100, step=1, value=None,
                placeholder="none", help=help_texts.FOLDS,
            )  # fmt: skip
    with cells[0]:
        if folds:
            if (draft.values()["split.fold"] or 0) > folds:
                draft.put("split.fold", None)
            form_fields.select(
                "Which fold validates", "split.fold", [None, *range(1, folds + 1)],
                lambda fold: f"fold {fold}" if fold else "each once, one run per fold",
            )  # fmt: skip
        else:
            draft.put("split.fold", None)
            form_fields.slider("Validation split", "split.validation_split", 0.0, 0.95, 0.05)
    with cells[3]:
        if method not in ("last", "time") or info.source is Source.GENERATED:
            form_fields.number(
                "Split seed", "split.seed", min_value=0, max_value=2**31 - 1, step=1, value=None,
                placeholder="the run's own", help=help_texts.SPLIT_SEED,
            )  # fmt: skip


def draw_model() -> None:
    """Which network, and what keeps it from overfitting."""
    st.markdown("#### :material/hub: Model")
    dataset = draft.values()["dataset.name"]
    model = form_fields.segments("Kind", "model.name", models_for(dataset), _kind_name, None)
    st.caption(_MODELS[model])
    if model in WITH_BASE:
        draw_base(model)
    if model == "mlp":
        form_fields.text(
            "Units of each layer", "model.layers", "64, 32", "One Dense layer per number."
        )
    if model in ("cnn", "resnet"):
        cells = st.columns(2)
        with cells[0]:
            form_fields.text("Filters", "model.filters", "16, 32", "One stage per number.")
        with cells[1]:
            if model == "cnn":
                form_fields.number(
                    "Dense units", "model.dense", min_value=0, step=16, help="0 leaves it out."
                )
            else:
                form_fields.number(
                    "Blocks at each width", "model.blocks", min_value=1, max_value=20, step=1
                )
    if model != "linear":
        cells = st.columns(2, vertical_alignment="bottom")
        with cells[0]:
            form_fields.select("Activation", "model.activation", list(get_args(Activation)), str)
        if model in ("mlp", "cnn"):
            with cells[1]:
                form_fields.toggle("Batch normalization", "model.batch_norm")
    three = st.columns(3)
    with three[0]:
        form_fields.slider("Dropout", "model.dropout", 0.0, 0.9, 0.05, help_texts.DROPOUT)
    for cell, name in zip(three[1:], ("l1", "l2"), strict=True):
        with cell:
            form_fields.number(
                name.upper(), f"model.{name}", min_value=0.0, max_value=10.0, step=0.0001,
                format="%g", help=help_texts.L1_L2,
            )  # fmt: skip
    if find_info(dataset).kind is Kind.IMAGE:
        draw_augmentation()


def _kind_name(kind: str) -> str:
    return _KINDS.get(kind, kind.upper())


def draw_augmentation() -> None:
    """How training images are changed at random."""
    st.markdown("**Augmentation**", help=help_texts.AUGMENTATION)
    form_fields.toggle("Flip left and right", "augmentation.flip", help_texts.FLIP)
    cells = st.columns(4)
    for cell, (name, most) in zip(cells, _AUGMENTATIONS.items(), strict=True):
        with cell:
            form_fields.slider(
                name.capitalize(), f"augmentation.{name}", 0.0, most, 0.05, help_texts.AMOUNTS[name]
            )
    if draft.values()["model.name"] in WITH_BASE:
        form_fields.number(
            "Augmented copies of each image, computed once", "augmentation.cached_copies",
            min_value=1, max_value=100, step=1, value=None,
            placeholder="none: the base runs in every epoch", help=help_texts.COPIES,
        )  # fmt: skip


def draw_training() -> None:
    """How the weights move."""
    st.markdown("#### :material/model_training: Training")
    info = find_info(draft.values()["dataset.name"])
    cells = st.columns(3)
    with cells[0]:
        form_fields.number("Epochs", "training.epochs", min_value=1, max_value=100_000, step=10)
    with cells[1]:
        form_fields.number(
            "Batch size", "training.batch_size", min_value=1, max_value=65_536, step=16
        )
    with cells[2]:
        form_fields.number(
            "Seed", "seed", min_value=0, max_value=2**31 - 1, step=1, help=help_texts.SEED
        )
    cells = st.columns(3)
    with cells[0]:
        form_fields.select("Optimizer", "training.optimizer", list(OPTIMIZERS), str)
    with cells[1]:
        form_fields.number(
            "Learning rate", "training.learning_rate", min_value=1e-9, max_value=100.0,
            step=0.0005, format="%g",
        )  # fmt: skip
    with cells[2]:
        if draft.values()["training.optimizer"] in WITH_MOMENTUM:
            form_fields.number(
                "Momentum", "training.momentum", min_value=0.0, max_value=0.999, step=0.1
            )
    if info.task is Task.REGRESSION and draft.values()["training.optimizer"] == "sgd":
        st.caption(help_texts.SGD_REGRESSION)
    left, right = st.columns([2, 3])
    with left:
        form_fields.select("Loss", "training.loss", list(losses_for(info.task)), words)
    with right:
        form_fields.several("Metrics", "training.metrics", metrics_for(info.task), words)
    form_fields.segments("Loop", "training.loop", ["fit", "train_on_batch"], str, help_texts.LOOP)


def draw_callbacks() -> None:
    """What acts between epochs."""
    st.markdown("#### :material/tune: Callbacks")
    monitors = monitors_for(draft.values())
    stop, rate = "callbacks.early_stopping", "callbacks.reduce_lr_on_plateau"
    if form_fields.toggle("EarlyStopping", f"{stop}.on", help_texts.EARLY_STOPPING):
        cells = st.columns(3, vertical_alignment="bottom")
        with cells[0]:
            form_fields.select("Monitor", f"{stop}.monitor", monitors, str)
            form_fields.number("start_from_epoch", f"{stop}.start_from_epoch", min_value=0, step=1)
        with cells[1]:
            form_fields.number("patience", f"{stop}.patience", min_value=0, step=1)
            form_fields.toggle("restore_best_weights", f"{stop}.restore_best_weights")
        with cells[2]:
            form_fields.number(
                "min_delta", f"{stop}.min_delta", min_value=0.0, step=0.0001, format="%g"
            )
    if form_fields.toggle("ReduceLROnPlateau", f"{rate}.on", help_texts.REDUCE_LR):
        cells = st.columns(3)
        with cells[0]:
            form_fields.select("Monitor", f"{rate}.monitor", monitors, str)
            form_fields.number(
                "min_delta", f"{rate}.min_delta", min_value=0.0, step=0.0001, format="%g"
            )
        with cells[1]:
            form_fields.number("patience", f"{rate}.patience", min_value=0, step=1)
            form_fields.number("min_lr", f"{rate}.min_lr", min_value=0.0, step=0.00001, format="%g")
        with cells[2]:
            form_fields.number("factor", f"{rate}.factor", min_value=0.01, max_value=0.99, step=0.1)

    form_fields.number(
        "Keep the checkpoint of every k-th epoch", KEEP_EVERY, min_value=0, step=5,
        help="The last and the best are always kept. 0 keeps no others.",
    )  # fmt: skip


def draw_start() -> None:
    """Where the run starts, if not with fresh weights; it can be dropped."""
    start = draft.values()["start"]
    if not start:
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(f":material/call_split: {start_words(start)}", width="stretch")
        if st.button("Start fresh instead", type="tertiary"):
            draft.values()["start"] = None
            st.rerun()


def start_words(start: dict[str, Any]) -> str:
    """Where a run starts, as Markdown."""
    whose = "a file that was uploaded for it"
    if start["run"]:
        try:
            whose = name_of(cache.run(start["run"]))
        except ExperimentsError:
            whose = f"run {start['run'][:6]}, which no longer exists"
    if start["how"] == "weights":
        return f"Starts with weights, by layer name, of {whose}"
    after = f"after {start['epoch']} epochs " if start["epoch"] else ""
    return f"Continues {after}from a checkpoint of {whose}"


def dataset_title(info: DatasetInfo, titles: Sequence[str]) -> str:
    """What a dataset is called; with the beginning of its hash where two are called the same."""
    twice = titles.count(info.title) > 1
    return f"{info.title} · {info.content_hash[:6]}" if twice else info.title


def describe(info: DatasetInfo) -> str:
    """What a dataset is and where it comes from, in a line."""
    shape = "×".join(map(str, info.shape))
    sample = f"{shape} images" if info.kind is Kind.IMAGE else f"{info.shape[0]} features"
    target = (
        f"target: {info.target}, a number"
        if info.task is Task.REGRESSION
        else f"target: {info.target}, {info.classes} classes"
    )
    return f"{count(info.samples)} samples · {sample} · {target} · {_SOURCES[info.source]}"
