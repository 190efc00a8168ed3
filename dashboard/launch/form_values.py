"""The launch form as data: a flat mapping of field names to what stands in the fields.

Field names are the dotted names of the spec. Lists are text, so that a half-typed one is kept;
a callback has a field ``callbacks.<name>.on``.
"""

from typing import Any

from experiments.core.spec_part import flatten
from experiments.data.catalog import Kind, Source
from experiments.data.split.split_spec import SplitSpec, split_methods
from experiments.data.stored import find_info, is_known
from experiments.spec.losses import losses_for
from experiments.spec.metrics import metrics_for
from experiments.spec.model_specs import (
    WITH_BASE,
    ApplicationSpec,
    AugmentationSpec,
    CNNSpec,
    ResNetSpec,
    SavedBaseSpec,
)
from experiments.spec.optimizers import WITH_MOMENTUM
from experiments.spec.run_spec import RunSpec
from experiments.spec.spec_files import parse_spec
from experiments.spec.training_specs import (
    EarlyStoppingSpec,
    FinetuneSpec,
    ReduceLROnPlateauSpec,
)

Values = dict[str, Any]

CALLBACKS = ("early_stopping", "reduce_lr_on_plateau")
KEEP_EVERY = "callbacks.keep_checkpoint_every"  # 0 in the form: only the last and the best
_LISTS = ("model.layers", "model.filters")
_MODEL_FIELDS = {
    "linear": (),
    "mlp": ("layers", "activation", "batch_norm"),
    "cnn": ("filters", "dense", "activation", "batch_norm"),
    "resnet": ("filters", "blocks", "activation"),
    "application": ("application", "weights", "size", "alpha", "dense", "activation"),
    "saved_base": ("run", "file", "weights", "layer", "white", "dense", "activation"),
}
#: Where the weights of each kind of base may come from.
WEIGHTS = {"application": ("imagenet", "random"), "saved_base": ("saved", "random")}
_REGULARISATION = ("dropout", "l1", "l2")
AUGMENTATIONS = tuple(AugmentationSpec.model_fields)
_DEFAULTS: Values = {
    "model.layers": "64, 32",
    "model.filters": "16, 32",
    "model.activation": "relu",
    "model.batch_norm": False,
    "model.dense": CNNSpec().dense,
    "model.blocks": ResNetSpec().blocks,
    "model.application": ApplicationSpec().application,
    "model.weights": ApplicationSpec().weights,
    "model.size": None,
    "model.alpha": 1.0,
    "model.run": "",
    "model.file": SavedBaseSpec.model_fields["file"].default,
    "model.layer": "",
    "model.white": None,
    "finetune.on": False,
    **{f"finetune.{k}": v for k, v in FinetuneSpec()},
    **{f"augmentation.{k}": v for k, v in AugmentationSpec()},
    **{f"callbacks.early_stopping.{k}": v for k, v in EarlyStoppingSpec().model_dump().items()},
    **{f"callbacks.reduce_lr_on_plateau.{k}": v for k, v in ReduceLROnPlateauSpec()},
    **{f"callbacks.{name}.on": False for name in CALLBACKS},
}


def to_values(spec: RunSpec) -> Values:
    """The fields of a form filled with a spec; fields of what it does not use have defaults."""
    apart = {"callbacks", "start", "augmentation", "finetune"}
    values = dict(_DEFAULTS) | flatten(spec.model_dump(exclude=apart))
    if spec.augmentation:
        values |= flatten(spec.augmentation.model_dump(), "augmentation.")
    if spec.finetune:
        values |= flatten({"on": True} | spec.finetune.model_dump(), "finetune.")
    values["start"] = spec.start.model_dump() if spec.start else None
    values[KEEP_EVERY] = spec.callbacks.keep_checkpoint_every or 0
    values["split.test_split"] = spec.split.test_split or 0.0
    values["training.loss"] = spec.loss
    values["training.metrics"] = list(spec.metrics)
    for name in _LISTS:
        if isinstance(values[name], list):
            values[name] = ", ".join(map(str, values[name]))
    for name in CALLBACKS:
        callback = getattr(spec.callbacks, name)
        if callback is not None:
            values |= flatten({"on": True} | callback.model_dump(), f"callbacks.{name}.")
    return values


def to_data(values: Values) -> dict[str, Any]:
    """The fields as plain data for parse_spec: only what the chosen model and callbacks use."""
    model = str(values["model.name"])
    model_fields = ("name", *_MODEL_FIELDS.get(model, ()), *_REGULARISATION)
    name = str(values["dataset.name"])
    info = find_info(name) if is_known(name) else None
    dataset = ["name", "max_samples"] + (["noise"] if name == "two_moons" else [])
    if info and info.source is Source.STORED:
        dataset.append("memory_mb")
    data: dict[str, Any] = {
        "name": values["name"],
        "dataset": _part(values, "dataset", dataset),
        "split": _part(values, "split", SplitSpec.model_fields),
        "model": _part(values, "model", model_fields),
        "augmentation": _part(values, "augmentation", AUGMENTATIONS)
        | ({} if model in WITH_BASE else {"cached_copies": None})
        if info and info.kind is Kind.IMAGE
        else None,
        "training": {
            name.removeprefix("training."): value
            for name, value in values.items()
            if name.startswith("training.")
        },
        "finetune": _part(values, "finetune", FinetuneSpec.model_fields)
        if values["finetune.on"] and model in WITH_BASE
        else None,
        "callbacks": {
            name: _part(values, f"callbacks.{name}", _callback_fields(name))
            for name in CALLBACKS
            if values[f"callbacks.{name}.on"]
        }
        | {"keep_checkpoint_every": values[KEEP_EVERY] or None},
        "start": values["start"],
        "seed": values["seed"],
        "priority": values["priority"],
    }
    if values["training.optimizer"] not in WITH_MOMENTUM:
        del data["training"]["momentum"]
    if info:  # what fits the task anyway is left to the spec
        if values["training.loss"] == losses_for(info.task)[0]:
            data["training"]["loss"] = None
        if values["training.metrics"] == list(metrics_for(info.task)[:1]):
            data["training"]["metrics"] = None
    return data


def to_spec(values: Values) -> RunSpec:
    """The spec that the fields make; raises SpecError."""
    return parse_spec(to_data(values))


def fitted(values: Values) -> Values:
    """The fields with what the chosen dataset rules out replaced by what fits it."""
    info = find_info(values["dataset.name"])
    changes: Values = {}
    if values["split.fold"] and values["split.fold"] > (values["split.folds"] or 0):
        changes["split.fold"] = None
    if values["model.name"] not in models_for(values["dataset.name"]):
        changes["model.name"] = "mlp"
    if values["split.method"] not in methods_for(values["dataset.name"]):
        changes["split.method"] = "shuffled"
    elif values["split.method"] in ("time", "given"):
        changes |= {"split.folds": None, "split.fold": None}
    if info.test_given or values["split.method"] == "given":
        changes["split.test_split"] = 0.0
    losses, metrics = losses_for(info.task), metrics_for(info.task)
    if values["training.loss"] not in losses:
        changes["training.loss"] = losses[0]
    kept = [name for name in values["training.metrics"] if name in metrics]
    if kept != values["training.metrics"] or not kept:
        changes["training.metrics"] = kept or list(metrics[:1])
    wanted = WEIGHTS.get(values["model.name"])
    if wanted and values["model.weights"] not in wanted:
        changes["model.weights"] = wanted[0]
    fitting = values | changes
    for name in CALLBACKS:
        if fitting[f"callbacks.{name}.monitor"] not in monitors_for(fitting):
            changes[f"callbacks.{name}.monitor"] = monitors_for(fitting)[0]
    return values | changes


def models_for(dataset: str) -> list[str]:
    """The kinds of model that a dataset can be given to."""
    images = find_info(dataset).kind is Kind.IMAGE
    rows = ("linear", "mlp", "saved_base")
    return [name for name in _MODEL_FIELDS if images or name in rows]


def methods_for(dataset: str) -> list[str]:
    """The ways in which a dataset can be split."""
    return list(split_methods(find_info(dataset)))


def monitors_for(values: Values) -> list[str]:
    """What a callback can watch, as RunSpec.monitors says for a whole spec."""
    names = ["loss", *values["training.metrics"]]
    validates = ("split.validation_split", "split.folds")
    if not any(values[name] for name in validates) and values["split.method"] != "given":
        return names
    return [*(f"val_{name}" for name in names), *names]


def with_early_stopping(spec: RunSpec) -> RunSpec:
    """The same run, ended when validation stops improving, with the best weights restored."""
    callback = spec.callbacks.early_stopping or EarlyStoppingSpec()
    callback = callback.model_copy(update={"restore_best_weights": True})
    callbacks = spec.callbacks.model_copy(update={"early_stopping": callback})
    name = f"{spec.title} · early stopping".strip()
    return parse_spec(
        spec.model_copy(update={"callbacks": callbacks, "name": name}).model_dump(mode="json")
    )


def _callback_fields(name: str) -> tuple[str, ...]:
    model = EarlyStoppingSpec if name == "early_stopping" else ReduceLROnPlateauSpec
    return tuple(model.model_fields)


def _part(values: Values, part: str, names: Any) -> dict[str, Any]:
    return {name: _typed(f"{part}.{name}", values[f"{part}.{name}"]) for name in names}


def _typed(name: str, value: Any) -> Any:
    if name not in _LISTS or not isinstance(value, str):
        return value
    return [_whole(item) for item in value.replace(";", ",").split(",") if item.strip()]


def _whole(text: str) -> int | str:
    """A number where it is one; otherwise the text, for the spec to refuse by name."""
    try:
        return int(text)
    except ValueError:
        return text.strip()
