"""The fields of the launch form, in the order in which one thinks of them."""

from collections.abc import Sequence
from typing import Any, get_args

import streamlit as st

from dashboard import cache, draft, helps
from dashboard.components import name_of
from dashboard.draft import field, take
from dashboard.formats import count, plain, words
from dashboard.forms import KEEP_EVERY, WITH_MOMENTUM, methods_for, models_for, monitors_for
from experiments.applications import application_names
from experiments.datasets.catalogue import CATALOGUE, DatasetInfo, Kind, Source, Task
from experiments.datasets.downloads import on_this_machine
from experiments.datasets.stored import find_info
from experiments.errors import ExperimentsError
from experiments.model_specs import Activation
from experiments.specs import LOSSES, METRICS, OptimizerName

_MODELS = {
    "linear": "Linear: one Dense layer",
    "mlp": "MLP: Dense layers",
    "cnn": "CNN: convolutions and pooling",
    "resnet": "ResNet: residual blocks",
    "application": "A pretrained network of keras.applications, with a head for this data",
}
_METHODS = {
    "last": "The last part",
    "shuffled": "Shuffled",
    "stratified": "Stratified",
    "group": "By group",
    "time": "By time",
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
        names = [*(one.name for one in stored), *CATALOGUE]
        chosen = draft.values()["dataset.name"]
        _select(
            "Data set", "dataset.name", names if chosen in names else [chosen, *names],
            lambda name: dataset_title(find_info(name), titles),
        )  # fmt: skip
    info = find_info(draft.values()["dataset.name"])
    with right:
        _number(
            "Only the first", "dataset.max_samples", min_value=10, step=100, value=None,
            placeholder="all", help="Samples to take, from the beginning; empty takes all.",
        )  # fmt: skip
    st.caption(describe(info))
    if info.source is Source.DOWNLOAD and not on_this_machine(info):
        st.warning(
            f"Needs a download of {info.megabytes:g} MB: it is not on this machine yet. "
            "The run downloads it first.",
            icon=":material/download:",
        )
    if info.name == "two_moons":
        _slider("Label noise", "dataset.noise", 0.0, 0.5, 0.01, "The fraction of flipped labels.")
    if info.source is Source.STORED:
        _number(
            "Memory for samples, MB", "dataset.memory_mb", min_value=8, step=64, value=None,
            placeholder="all in memory", help=helps.MEMORY,
        )  # fmt: skip
    draw_split(info)


def draw_split(info: DatasetInfo) -> None:
    """Which samples validate: a part of them, or each fold in turn."""
    columns = {"group": info.group, "time": info.time}

    def method_name(method: str) -> str:
        column = columns.get(method)
        return f"{_METHODS[method]}: {plain(column)}" if column else _METHODS[method]

    method = _segments(
        "Validation samples", "split.method", methods_for(info.name), method_name,
        helps.VALIDATION_SAMPLES,
    )  # fmt: skip
    cells = st.columns(3)
    with cells[1]:
        folds = None
        if method != "time":
            folds = _number(
                "Folds", "split.folds", min_value=2, max_value=100, step=1, value=None,
                placeholder="none", help=helps.FOLDS,
            )  # fmt: skip
    with cells[0]:
        if folds:
            if (draft.values()["split.fold"] or 0) > folds:
                draft.put("split.fold", None)
            _select(
                "Which fold validates", "split.fold", [None, *range(1, folds + 1)],
                lambda fold: f"fold {fold}" if fold else "each once, a run each",
            )  # fmt: skip
        else:
            draft.put("split.fold", None)
            _slider("Validation split", "split.validation_split", 0.0, 0.95, 0.05)
    with cells[2]:
        if method not in ("last", "time") or info.source is Source.GENERATED:
            _number(
                "Split seed", "split.seed", min_value=0, max_value=2**31 - 1, step=1, value=None,
                placeholder="the run's own", help=helps.SPLIT_SEED,
            )  # fmt: skip


def draw_model() -> None:
    """Which network, and what keeps it from overfitting."""
    st.markdown("#### :material/hub: Model")
    dataset = draft.values()["dataset.name"]
    model = _segments("Kind", "model.name", models_for(dataset), _kind_name, None)
    st.caption(_MODELS[model])
    if model == "application":
        draw_application()
    if model == "mlp":
        _text("Units of each layer", "model.layers", "64, 32", "One Dense layer for each number.")
    if model in ("cnn", "resnet"):
        cells = st.columns(2)
        with cells[0]:
            _text("Filters", "model.filters", "16, 32", "One stage for each number.")
        with cells[1]:
            if model == "cnn":
                _number("Dense units", "model.dense", min_value=0, step=16, help="0 leaves it out.")
            else:
                _number("Blocks at each width", "model.blocks", min_value=1, max_value=20, step=1)
    if model != "linear":
        cells = st.columns(2, vertical_alignment="bottom")
        with cells[0]:
            _select("Activation", "model.activation", list(get_args(Activation)), str)
        if model != "resnet":
            with cells[1]:
                _toggle("Batch normalisation", "model.batch_norm")
    three = st.columns(3)
    with three[0]:
        _slider("Dropout", "model.dropout", 0.0, 0.9, 0.05, helps.DROPOUT)
    for cell, name in zip(three[1:], ("l1", "l2"), strict=True):
        with cell:
            _number(
                name.upper(), f"model.{name}", min_value=0.0, max_value=10.0, step=0.0001,
                format="%g", help=helps.L1_L2,
            )  # fmt: skip
    if find_info(dataset).kind is Kind.IMAGE:
        draw_augmentation()


def draw_application() -> None:
    """Which base, with which weights, and when it trains too."""
    left, right = st.columns(2)
    with left:
        application = _select("Base", "model.application", list(application_names()), str)
    with right:
        _segments("Its weights", "model.weights", ["imagenet", "random"], str, helps.WEIGHTS)
    cells = st.columns(3)
    with cells[0]:
        _number(
            "Pixels a side", "model.size", min_value=32, max_value=1024, step=32, value=None,
            placeholder="as they are", help=helps.SIZE,
        )  # fmt: skip
    with cells[1]:
        _number("Dense units", "model.dense", min_value=0, step=16, help="0 leaves it out.")
    with cells[2]:
        if application in ("MobileNet", "MobileNetV2"):
            _number("alpha", "model.alpha", min_value=0.05, max_value=2.0, step=0.05, format="%g")
    if not _toggle("Fine-tune the base", "finetune.on", helps.FINETUNE):
        return
    cells = st.columns(3)
    with cells[0]:
        _number("After epochs", "finetune.after", min_value=0, step=1)
    with cells[1]:
        _number(
            "Learning rate then", "finetune.learning_rate", min_value=1e-9, max_value=100.0,
            step=0.00001, format="%g",
        )  # fmt: skip
    with cells[2]:
        _text("From layer", "finetune.from_layer", "the whole base", helps.FROM_LAYER)


def _kind_name(kind: str) -> str:
    return "PRETRAINED" if kind == "application" else kind.upper()


def draw_augmentation() -> None:
    """How training pictures are changed at random."""
    st.markdown("**Augmentation**", help=helps.AUGMENTATION)
    _toggle("Flip left and right", "augmentation.flip", helps.FLIP)
    cells = st.columns(4)
    for cell, (name, most) in zip(cells, _AUGMENTATIONS.items(), strict=True):
        with cell:
            _slider(name.capitalize(), f"augmentation.{name}", 0.0, most, 0.05, helps.AMOUNTS[name])


def draw_training() -> None:
    """How the weights move."""
    st.markdown("#### :material/model_training: Training")
    info = find_info(draft.values()["dataset.name"])
    cells = st.columns(3)
    with cells[0]:
        _number("Epochs", "training.epochs", min_value=1, max_value=100_000, step=10)
    with cells[1]:
        _number("Batch size", "training.batch_size", min_value=1, max_value=65_536, step=16)
    with cells[2]:
        _number("Seed", "seed", min_value=0, max_value=2**31 - 1, step=1, help=helps.SEED)
    cells = st.columns(3)
    with cells[0]:
        _select("Optimizer", "training.optimizer", list(get_args(OptimizerName)), str)
    with cells[1]:
        _number(
            "Learning rate", "training.learning_rate", min_value=1e-9, max_value=100.0,
            step=0.0005, format="%g",
        )  # fmt: skip
    with cells[2]:
        if draft.values()["training.optimizer"] in WITH_MOMENTUM:
            _number("Momentum", "training.momentum", min_value=0.0, max_value=0.999, step=0.1)
    if info.task is Task.REGRESSION and draft.values()["training.optimizer"] == "sgd":
        st.caption(helps.SGD_REGRESSION)
    left, right = st.columns([2, 3])
    with left:
        _select("Loss", "training.loss", list(LOSSES[info.task]), words)
    with right:
        st.multiselect(
            "Metrics", METRICS[info.task], key=field("training.metrics"), format_func=words
        )
        take("training.metrics")
    _segments("Loop", "training.loop", ["fit", "train_on_batch"], str, helps.LOOP)


def draw_callbacks() -> None:
    """What acts between epochs."""
    st.markdown("#### :material/tune: Callbacks")
    monitors = monitors_for(draft.values())
    stop, rate = "callbacks.early_stopping", "callbacks.reduce_lr_on_plateau"
    if _toggle("EarlyStopping", f"{stop}.on", helps.EARLY_STOPPING):
        cells = st.columns(3, vertical_alignment="bottom")
        with cells[0]:
            _select("Monitor", f"{stop}.monitor", monitors, str)
            _number("start_from_epoch", f"{stop}.start_from_epoch", min_value=0, step=1)
        with cells[1]:
            _number("patience", f"{stop}.patience", min_value=0, step=1)
            _toggle("restore_best_weights", f"{stop}.restore_best_weights")
        with cells[2]:
            _number("min_delta", f"{stop}.min_delta", min_value=0.0, step=0.0001, format="%g")
    if _toggle("ReduceLROnPlateau", f"{rate}.on", helps.REDUCE_LR):
        cells = st.columns(3)
        with cells[0]:
            _select("Monitor", f"{rate}.monitor", monitors, str)
            _number("min_delta", f"{rate}.min_delta", min_value=0.0, step=0.0001, format="%g")
        with cells[1]:
            _number("patience", f"{rate}.patience", min_value=0, step=1)
            _number("min_lr", f"{rate}.min_lr", min_value=0.0, step=0.00001, format="%g")
        with cells[2]:
            _number("factor", f"{rate}.factor", min_value=0.01, max_value=0.99, step=0.1)

    _number(
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
        if st.button("Start anew instead", type="tertiary"):
            draft.values()["start"] = None
            st.rerun()


def start_words(start: dict[str, Any]) -> str:
    """Where a run starts, as Markdown."""
    whose = "a file that was given with it"
    if start["run"]:
        try:
            whose = name_of(cache.run(start["run"]))
        except ExperimentsError:
            whose = f"run {start['run'][:6]}, which is not there any more"
    if start["how"] == "weights":
        return f"Starts with weights, by layer name, of {whose}"
    after = f"after {start['epoch']} epochs " if start["epoch"] else ""
    return f"Goes on {after}from a checkpoint of {whose}"


def dataset_title(info: DatasetInfo, titles: Sequence[str]) -> str:
    """What a data set is called; with the beginning of its hash where two are called the same."""
    twice = titles.count(info.title) > 1
    return f"{info.title} · {info.content_hash[:6]}" if twice else info.title


def describe(info: DatasetInfo) -> str:
    """What a data set is and where it comes from, in a line."""
    shape = "×".join(map(str, info.shape))
    sample = f"{shape} pictures" if info.kind is Kind.IMAGE else f"{info.shape[0]} features"
    target = (
        f"predict {info.target}, a number"
        if info.task is Task.REGRESSION
        else f"{info.classes} classes of {info.target}"
    )
    return f"{count(info.samples)} samples · {sample} · {target} · {_SOURCES[info.source]}"


def _select(label: str, name: str, options: list[Any], shown: Any, help: str | None = None) -> Any:
    st.selectbox(label, options, key=field(name), format_func=shown, help=help)
    return take(name)


def _segments(label: str, name: str, options: list[str], shown: Any, help: str | None) -> Any:
    st.segmented_control(
        label, options, key=field(name), format_func=shown, help=help, required=True
    )
    return take(name)


def _number(label: str, name: str, **arguments: Any) -> Any:
    st.number_input(label, key=field(name), **arguments)
    return take(name)


def _slider(
    label: str, name: str, low: float, high: float, step: float, help: str | None = None
) -> Any:
    st.slider(label, low, high, step=step, key=field(name), help=help)
    return take(name)


def _toggle(label: str, name: str, help: str | None = None) -> Any:
    st.toggle(label, key=field(name), help=help)
    return take(name)


def _text(label: str, name: str, placeholder: str, help: str) -> Any:
    st.text_input(label, key=field(name), placeholder=placeholder, help=help)
    return take(name)
