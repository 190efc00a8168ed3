"""The optimizer's variables from a file into the optimizer of a compiled model."""

import re
from collections.abc import Iterable

import h5py
import keras
import numpy as np

from experiments.core.keras_compat import momentum_product
from experiments.inspection.stored_optimizer import optimizer_datasets

#: What Keras 2 called each slot, by the end of the name in Keras 3; the first are those of 2.11
#: and later (``Adam/m/dense/kernel:0``), the others of before (``Adam/dense/kernel/m:0``).
_SLOTS = {
    "m": "momentum",
    "v": "velocity",
    "vhat": "velocity_hat",
    "u": "norm",
    "velocity": "velocity",
    "rms": "velocity",
    "momentum": "momentum",
    "average_gradient": "average_gradient",
    "mg": "average_gradient",
    "accumulator": "accumulator",
    "linear": "linear",
    "accumulated_grad": "accumulated_grad",
    "accum_grad": "accumulated_grad",
    "accumulated_delta_var": "accumulated_delta_var",
    "accum_var": "accumulated_delta_var",
}
_NEW_STYLE = re.compile(r"^\w+/(\w+)/.+:0$")
_OLD_STYLE = re.compile(r"^.+/(\w+):0$")
_STEP = re.compile(r"(^|/)(iterations?|iter)(:0)?$")


def restore_optimizer(model: keras.Model, file: h5py.File, name: str) -> list[str]:
    """Put the stored state into ``model.optimizer``; all of it or none.

    Keras 3 stores the variables in their order; those of Keras 2 are matched slot by slot, each in
    the order of the trainable variables. The returned note says how much could not be restored.
    """
    optimizer = model.optimizer
    optimizer.build(model.trainable_variables)
    stored = optimizer_datasets(file, name)
    variables = optimizer.variables
    if not stored:
        return [_note(0, len(variables), "the file has none")]
    if _took_no_step(stored):
        return []
    of_keras2 = any(key.endswith(":0") for key, _ in stored)
    pairs = _by_slot(variables, stored, optimizer) if of_keras2 else _in_order(variables, stored)
    if isinstance(pairs, str):
        return [_note(0, len(variables), pairs)]
    for variable, dataset in pairs:
        if tuple(variable.shape) != dataset.shape:
            reason = f"{variable.path} has shape {dataset.shape} in the file"
            return [_note(0, len(variables), reason)]
    for variable, dataset in pairs:
        values = dataset[()]
        if values.dtype.kind == "V":
            values = np.asarray(values).view(keras.ops.convert_to_numpy(variable).dtype)
        variable.assign(values)
    left = [variable.path for variable in variables if not any(variable is v for v, _ in pairs)]
    # Keras 2 keeps the learning rate in the config, from which the optimizer was made.
    left = [path for path in left if not path.endswith("/learning_rate")]
    if left:
        return [
            _note(len(variables) - len(left), len(variables), f"the file has no {', '.join(left)}")
        ]
    return []


_Pairs = list[tuple[keras.Variable, h5py.Dataset]]


def _took_no_step(stored: list[tuple[str, h5py.Dataset]]) -> bool:
    """Whether an optimizer was stored that was not built yet: its step, which is 0, and from Keras
    3 the learning rate, which stands in the config too."""
    return (
        len(stored) in (1, 2)
        and all(data.shape == () for _, data in stored)
        and not stored[0][1][()]
    )


def _in_order(
    variables: list[keras.Variable], stored: list[tuple[str, h5py.Dataset]]
) -> _Pairs | str:
    if len(variables) == len(stored) + 1 and stored[0][0] == "0":
        # .keras of Keras 2 numbers its variables too, but has the learning rate in the config.
        variables = [v for v in variables if not v.path.endswith("/learning_rate")]
    if len(variables) != len(stored):
        return f"the file has {len(stored)}"
    return [(variable, dataset) for variable, (_, dataset) in zip(variables, stored, strict=True)]


def _by_slot(
    variables: list[keras.Variable],
    stored: list[tuple[str, h5py.Dataset]],
    optimizer: keras.optimizers.Optimizer,
) -> _Pairs | str:
    pairs: _Pairs = []
    slots: dict[str, list[h5py.Dataset]] = {}
    for key, dataset in stored:
        if _STEP.search(key):
            pairs.append((optimizer.iterations, dataset))
        elif key.endswith("momentum_cache:0"):
            pairs += [(v, dataset) for v in variables if v is momentum_product(optimizer)]
        elif slot := _slot(key):
            slots.setdefault(slot, []).append(dataset)
    # Adamax of before 2.11 calls its norm v.
    if isinstance(optimizer, keras.optimizers.Adamax) and "velocity" in slots:
        slots["norm"] = slots.pop("velocity")
    for slot, datasets in slots.items():
        own = _ending(variables, slot)
        if not own:
            # SGD of 2.11 and later stores a momentum also where it is 0 and unused.
            continue
        if len(own) != len(datasets):
            return f"the file has {len(datasets)} of {len(own)} for the slot {slot}"
        pairs += zip(own, datasets, strict=True)
    if not slots and len(variables) > 2:
        return "their names in the file are those of no Keras optimizer"
    return pairs


def _slot(key: str) -> str | None:
    for pattern in (_NEW_STYLE, _OLD_STYLE):
        found = pattern.match(key)
        if found and found[1] in _SLOTS:
            return _SLOTS[found[1]]
    return None


def _ending(variables: Iterable[keras.Variable], slot: str) -> list[keras.Variable]:
    return [variable for variable in variables if variable.path.endswith(f"_{slot}")]


def _note(restored: int, total: int, reason: str) -> str:
    return f"optimizer state: {restored} of {total} variables restored, because {reason}"
