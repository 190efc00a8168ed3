"""Compiling a loaded model as its file says, also where Keras 2 says it."""

import inspect
from typing import Any

import keras

from experiments.inspection.keras_names import KERAS2_NAMES
from experiments.inspection.safety import without_package
from experiments.saving.whole_model import compile_from_config

#: Settings of every Keras 3 optimizer, which their signatures hide in ``**kwargs``.
_OPTIMIZER_SETTINGS = set(inspect.signature(keras.optimizers.Optimizer.__init__).parameters)
#: What Keras 2 called the mean over the batch.
_REDUCTIONS = {"auto": "sum_over_batch_size", "sum_over_batch_size": "sum_over_batch_size"}
#: ``decay`` of Nadam is its momentum schedule, a constant in Keras 3.
_OTHER_DECAY = {"Nadam"}


def compile_model(model: keras.Model, training: dict[str, Any]) -> list[str]:
    """Compile ``model`` from a training config of .h5 or .keras, of Keras 2 or 3.

    Returns a note for each part that could not be kept; a model that cannot be compiled stays as
    it is, and the note says why.
    """
    notes: list[str] = []
    try:
        optimizer = training.get("optimizer_config") or training.get("optimizer")
        config = {
            "optimizer_config": _optimizer(optimizer, notes),
            "loss": _loss(training.get("loss")),
            "metrics": _metrics(training.get("metrics"), model),
            "weighted_metrics": _metrics(training.get("weighted_metrics"), model),
            "loss_weights": training.get("loss_weights"),
        }
        compile_from_config(model, config)
    # A config that Keras cannot read costs the compilation, not the model.
    except Exception as error:
        said = " ".join(str(error).split())[:300]
        return [f"training config: not compiled, because {said}"]
    return notes


def _optimizer(value: Any, notes: list[str]) -> dict[str, Any]:
    """The optimizer's config with the settings that Keras 3 has, under its names."""
    if isinstance(value, str):
        return {"class_name": value, "config": {}}
    if not isinstance(value, dict):
        raise TypeError(f"the optimizer is {value!r}")
    kind = without_package(value["class_name"])
    config = dict(value.get("config") or {})
    module = str(value.get("module", ""))
    if "module" in value and "legacy" not in module and "is_legacy_optimizer" not in config:
        return value
    classes = {name.lower(): name for name in dir(keras.optimizers)}
    known = set(
        inspect.signature(getattr(keras.optimizers, classes[kind.lower()]).__init__).parameters
    )
    if "lr" in config:
        config.setdefault("learning_rate", config.pop("lr"))
    decay = config.pop("decay", config.pop("schedule_decay", None))
    if decay and kind in _OTHER_DECAY:
        notes.append(f"optimizer: the momentum schedule's decay {decay} of Keras 2 was left out")
    elif decay:
        # lr / (1 + decay * step), which Keras 2 computes itself
        config["learning_rate"] = {
            "module": "keras.optimizers.schedules",
            "class_name": "InverseTimeDecay",
            "config": {
                "initial_learning_rate": config.get("learning_rate", 0.001),
                "decay_steps": 1,
                "decay_rate": decay,
            },
            "registered_name": None,
        }
        notes.append(f"optimizer: decay {decay} of Keras 2 became the schedule InverseTimeDecay")
    if isinstance(config.get("learning_rate"), dict):
        config["learning_rate"] = _schedule(config["learning_rate"])
    if config.get("epsilon", 0) is None:
        del config["epsilon"]
    allowed = known | _OPTIMIZER_SETTINGS
    return {
        "class_name": kind,
        "config": {key: setting for key, setting in config.items() if key in allowed},
    }


def _schedule(config: dict[str, Any]) -> dict[str, Any]:
    """Keras 2 gave a schedule without a name the name None, which Keras 3 does not take."""
    inner = dict(config.get("config") or {})
    if inner.get("name", "") is None:
        del inner["name"]
    return {"module": "keras.optimizers.schedules", "registered_name": None, **config} | {
        "config": inner
    }


def _loss(value: Any) -> Any:
    if isinstance(value, str):
        return KERAS2_NAMES["losses"].get(value, value)
    if isinstance(value, list):
        return [_loss(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "class_name" not in value:
        return {name: _loss(item) for name, item in value.items()}
    config = value.get("config")
    loss = getattr(keras.losses, str(value["class_name"]), None)
    if not isinstance(config, dict) or loss is None:
        return value
    if config.get("fn") is None and config.get("reduction") not in ("auto", "none"):
        return value
    known = set(inspect.signature(loss.__init__).parameters)
    kept = {key: setting for key, setting in config.items() if key in known}
    reduction = kept.get("reduction")
    if reduction is not None:
        kept["reduction"] = _REDUCTIONS.get(str(reduction), reduction)
    return value | {"config": kept}


def _metrics(value: Any, model: keras.Model) -> Any:
    """Metrics with the functions that Keras 2 kept by name; ``acc`` and the like stay."""
    if isinstance(value, str):
        return KERAS2_NAMES["metrics"].get(value, value)
    if isinstance(value, list):
        return [_metrics(item, model) for item in value]
    if not isinstance(value, dict):
        return value
    if "class_name" not in value:
        return {name: _metrics(item, model) for name, item in value.items()}
    config = value.get("config")
    if not isinstance(config, dict):
        return value
    name = config.get("name")
    outputs = getattr(model, "output_names", ())
    for output in outputs if len(outputs) > 1 else ():
        # Keras 2 wrote the output in front of the name; Keras 3 shows it so without that.
        name = name.removeprefix(f"{output}_") if isinstance(name, str) else name
    function = config.get("fn")
    if value["class_name"] == "MeanMetricWrapper" and isinstance(function, str):
        found = keras.metrics.get(KERAS2_NAMES["metrics"].get(function, function))
        return {"class_name": type(found).__name__, "config": {"name": name}}
    return value | {"config": config | ({"name": name} if name else {})}
