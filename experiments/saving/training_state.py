"""What goes on from one epoch to the next beside weights and optimizer, kept with them in HDF5.

Keras 3 (3.10 to 3.15) saves none of it: the streams of Dropout and augmentation begin anew, and
EarlyStopping and ReduceLROnPlateau forget their counters at each ``fit``.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import h5py
import keras
import numpy as np

from experiments.core.errors import ArtifactError
from experiments.core.format_versions import check_format

GROUP = "training_state"
_VERSION = 1

#: What each callback changes while it watches. The best weights of EarlyStopping are kept apart.
_COUNTERS: dict[type[keras.callbacks.Callback], tuple[str, ...]] = {
    keras.callbacks.EarlyStopping: ("wait", "best", "best_epoch", "stopped_epoch"),
    keras.callbacks.ReduceLROnPlateau: ("wait", "best", "cooldown_counter"),
}
#: What must be the same for counters to mean the same.
_SETTINGS = ("monitor", "mode")


@dataclass(frozen=True)
class TrainingState:
    """Where training stands.

    ``epoch`` whole epochs are behind it, and ``batch`` batches of the next one. ``history`` are
    the journal's lines of those epochs, as JSON. ``resume_points`` are the epochs, counted from 0,
    before which the run was resumed or branched off. ``spec`` is the run's, where one trained it.
    """

    epoch: int
    batch: int = 0
    callbacks: dict[str, dict[str, Any]] = field(default_factory=dict)
    history: Sequence[str] = field(default=(), repr=False)
    resume_points: Sequence[int] = ()
    spec: dict[str, Any] | None = None
    seed_generators: tuple[np.ndarray, ...] = field(default=(), repr=False)
    metrics: tuple[np.ndarray, ...] = field(default=(), repr=False)
    best_weights: tuple[np.ndarray, ...] = field(default=(), repr=False)


_ARRAYS = ("seed_generators", "metrics", "best_weights")
#: Fields that are called otherwise in files; version 1 has had this name since before 0.2.
_STORED_NAMES = {"resume_points": "seams"}


def capture(
    model: keras.Model,
    callbacks: Iterable[keras.callbacks.Callback] = (),
    *,
    epoch: int,
    batch: int = 0,
    measured: keras.Model | None = None,
    **facts: Any,
) -> TrainingState:
    """The state of a model in training, as numbers of its own: later training changes nothing.

    ``measured`` is the one whose metrics run, where it is another one. ``facts`` are the fields of
    TrainingState that the model does not know.
    """
    watching = [callback for callback in callbacks if type_of(callback)]
    return TrainingState(
        epoch=epoch,
        batch=batch,
        callbacks={name_of(callback): _counters(callback) for callback in watching},
        seed_generators=_values(seed_variables(model)),
        metrics=_values((measured or model).metrics_variables) if batch else (),
        best_weights=() if _is_best(watching, epoch, batch) else _best_weights(watching),
        **facts,
    )


def seed_variables(model: keras.Model) -> list[keras.Variable]:
    """The states of all seed generators of a model, in the order of its layers."""
    weights = {id(variable) for variable in model.weights}
    return [variable for variable in model.variables if id(variable) not in weights]


def restore_seeds(model: keras.Model, state: TrainingState) -> list[str]:
    """Put the seed generators back; returns what could not be."""
    variables = seed_variables(model)
    if len(variables) != len(state.seed_generators):
        return [
            f"seed generators: 0 of {len(variables)} restored, because the file has "
            f"{len(state.seed_generators)}"
        ]
    for variable, value in zip(variables, state.seed_generators, strict=True):
        variable.assign(value)
    return []


def build_variables(model: keras.Model, x: Any, y: Any) -> None:
    """Have Keras make the variables of optimizer, loss and metrics, for samples as ``x`` and ``y``.

    It does at the first batch, while TensorFlow traces the step; that has it traced once more.
    """
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    x, y = keras.tree.map_structure(lambda array: keras.ops.convert_to_tensor(array[:1]), (x, y))
    zeros = [keras.ops.zeros((1, *output.shape[1:]), output.dtype) for output in model.outputs]
    predicted = zeros if len(zeros) > 1 else zeros[0]
    model.compute_loss(x, y, predicted)
    model.compute_metrics(x, y, predicted)
    model.reset_metrics()


def restore_metrics(model: keras.Model, state: TrainingState) -> None:
    """Put the sums behind the running loss and metrics back, in the middle of an epoch.

    The metrics must have been built.
    """
    for variable, value in zip(model.metrics_variables, state.metrics, strict=True):
        variable.assign(value)


def restore_callbacks(
    callbacks: Iterable[keras.callbacks.Callback], state: TrainingState
) -> list[str]:
    """Put the counters back, after Keras has reset them at the beginning of ``fit``.

    Returns what could not be restored. A stop that is behind the state is not repeated: training
    that goes on after it waits anew.
    """
    notes = []
    for callback in callbacks:
        kind = type_of(callback)
        if kind is None:
            continue
        name = name_of(callback)
        saved = state.callbacks.get(name)
        if saved is None:
            notes.append(f"{name}: starts over, because the file has none")
            continue
        if any(saved[setting] != getattr(callback, setting) for setting in _SETTINGS):
            notes.append(f"{name}: starts over, because it watched {saved['monitor']}")
            continue
        for counter in _COUNTERS[kind]:
            setattr(callback, counter, saved[counter])
        if isinstance(callback, keras.callbacks.EarlyStopping):
            if callback.stopped_epoch:
                callback.wait = callback.stopped_epoch = 0
            if callback.restore_best_weights:
                own = not state.batch and callback.best_epoch == state.epoch - 1
                callback.best_weights = (
                    callback.model.get_weights() if own else list(state.best_weights) or None
                )
    return notes


def type_of(callback: keras.callbacks.Callback) -> type[keras.callbacks.Callback] | None:
    """Keras' own class of a callback whose counters are kept, or None."""
    return next((kind for kind in _COUNTERS if isinstance(callback, kind)), None)


def name_of(callback: keras.callbacks.Callback) -> str:
    """Under which name its counters are kept."""
    kind = type_of(callback)
    return (kind or type(callback)).__name__


def write_state(file: h5py.File, state: TrainingState) -> None:
    """Add the group ``training_state`` to an open HDF5 file."""
    group = file.create_group(GROUP)
    apart = (*_ARRAYS, "history")
    data = {
        _STORED_NAMES.get(item.name, item.name): getattr(state, item.name)
        for item in fields(state)
        if item.name not in apart
    }
    text = json.dumps({"version": _VERSION} | data)
    # the lines are JSON already: writing them anew in each of thousands of epochs would add up
    group.attrs["state"] = f'{text[:-1]}, "history": [{", ".join(state.history)}]}}'.encode()
    for name in _ARRAYS:
        arrays: Sequence[np.ndarray] = getattr(state, name)
        if arrays:
            part = group.create_group(name)
            for number, array in enumerate(arrays):
                part.create_dataset(str(number), data=array)


def read_state(file: h5py.File) -> TrainingState | None:
    """The state in an open HDF5 file; None for a file that another program wrote.

    Raises ArtifactError for a state of a later version.
    """
    if GROUP not in file:
        return None
    group = file[GROUP]
    stored: dict[str, Any] = json.loads(group.attrs["state"])
    check_format("The checkpoint's training state", stored, _VERSION, ArtifactError, "version")
    names = {item.name: _STORED_NAMES.get(item.name, item.name) for item in fields(TrainingState)}
    # what a later version adds is left alone, what an earlier one had not keeps its default
    data = {name: stored[key] for name, key in names.items() if key in stored}
    data["history"] = tuple(json.dumps(entry) for entry in stored["history"])
    for name in _ARRAYS:
        part = group.get(name, {})
        data[name] = tuple(np.asarray(part[str(number)]) for number in range(len(part)))
    return TrainingState(**data)


def _counters(callback: keras.callbacks.Callback) -> dict[str, Any]:
    kind = type_of(callback)
    assert kind is not None
    names = (*_SETTINGS, *_COUNTERS[kind])
    return {name: _plain(getattr(callback, name, None)) for name in names}


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _is_best(callbacks: Iterable[keras.callbacks.Callback], epoch: int, batch: int) -> bool:
    """Whether the model's own weights are those that EarlyStopping would go back to."""
    return not batch and any(
        isinstance(callback, keras.callbacks.EarlyStopping) and callback.best_epoch == epoch - 1
        for callback in callbacks
    )


def _best_weights(callbacks: Iterable[keras.callbacks.Callback]) -> tuple[np.ndarray, ...]:
    """What EarlyStopping would go back to."""
    for callback in callbacks:
        if isinstance(callback, keras.callbacks.EarlyStopping) and callback.best_weights:
            return tuple(callback.best_weights)
    return ()


def _values(variables: Iterable[keras.Variable]) -> tuple[np.ndarray, ...]:
    return tuple(np.array(variable) for variable in variables)
