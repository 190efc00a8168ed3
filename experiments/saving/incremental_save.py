"""Saving a model after each epoch while most of its weights stay as they are.

A frozen base may have a hundred times the bytes of the head that trains. So a file that nobody
names any more is taken, and only what has changed since is written into it.
"""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import h5py
import keras
import numpy as np

from experiments.core.atomic_files import unfinished_in
from experiments.core.checkpoint_files import link
from experiments.saving.legacy_h5 import (
    OPTIMIZER,
    WEIGHTS,
    Description,
    named_weights,
    weights_of,
    write_training_config,
    write_whole_model,
)
from experiments.saving.training_state import GROUP, TrainingState, write_state

_LEAST_BYTES = 4_000_000  # of weights that stay: below, writing all takes no longer
_MOST_GROWTH = 1.25  # of a file: HDF5 does not take back all of what is replaced


class Rewriter:
    """The files of one model in one phase of its training, in the folder of its checkpoints.

    A file is changed only while no checkpoint has it: a process that is killed while it writes
    leaves all checkpoints whole.
    """

    def __init__(self, folder: Path, model: keras.Model) -> None:
        self._folder, self._model = folder, model
        staying = {id(weight) for weight in _staying(model)}
        self._changing = [
            (f"{WEIGHTS}/{layer.name}/{name}", weight)
            for layer in model.layers
            for name, weight in named_weights(weights_of(layer))
            if id(weight) not in staying
        ]
        self._files: list[Path] = []
        self._size = 0  # of a file that holds nothing but what it says

    @staticmethod
    def is_worth_it(model: keras.Model) -> bool:
        """Whether enough of a model stays as it is."""
        staying = sum(int(np.prod(weight.shape)) for weight in _staying(model))
        return 4 * staying >= max(_LEAST_BYTES, 2 * model.count_params())

    def save(self, path: Path, state: TrainingState, description: Description) -> None:
        """What saving.save_model does; raises OSError."""
        free = next((file for file in self._files if _is_free(file)), None)
        if not self._files:
            self._folder.mkdir(parents=True, exist_ok=True)
            free = self._new_file()
            self._write(free, state, description)
        else:
            if free is None:
                free = self._new_file()
                shutil.copyfile(self._files[0], free)  # several times faster than writing it
            self._rewrite(free, state, description)
            if free.stat().st_size > _MOST_GROWTH * self._size:
                self._write(free, state, description)
        if free not in self._files:
            self._files.append(free)
        link(free, path)

    def close(self) -> None:
        """Give up the names of the files; checkpoints keep theirs."""
        for file in self._files:
            with suppress(OSError):
                file.unlink()
        self._files.clear()

    def _new_file(self) -> Path:
        return unfinished_in(self._folder)

    def _write(self, path: Path, state: TrainingState, description: Description) -> None:
        with h5py.File(path, "w") as file:
            write_whole_model(file, self._model, description)
            write_state(file, state)
        self._size = path.stat().st_size

    def _rewrite(self, path: Path, state: TrainingState, description: Description) -> None:
        with h5py.File(path, "r+") as file:
            for name, weight in self._changing:
                file[name][...] = np.asarray(weight)
            write_training_config(file, self._model, description)
            for name, variable in named_weights(self._model.optimizer.variables):
                file[f"{OPTIMIZER}/{name}"][...] = np.asarray(variable)
            del file[GROUP]
            write_state(file, state)


def _staying(model: keras.Model) -> Iterator[keras.Variable]:
    """The weights of the layers that do not train."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _staying(layer)
        elif not layer.trainable:
            yield from layer.weights


def _is_free(file: Path) -> bool:
    return file.stat().st_nlink == 1
