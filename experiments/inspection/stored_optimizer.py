"""The state of the optimizer in a model file, in both layouts of Keras."""

import re

import h5py
import numpy as np

from experiments.inspection.checked_hdf5 import find_dataset, read_names
from experiments.inspection.contents import OptimizerContents, StoredArray
from experiments.inspection.weights import dtype_name

_ITERATIONS = re.compile(r"(^|/)(iterations?|iter)(:0)?$")


def optimizer_datasets(file: h5py.File, name: str) -> list[tuple[str, h5py.Dataset]]:
    """Name and dataset of each variable, in Keras' order; empty where there are none.

    Legacy HDF5 lists names; ``.weights.h5`` numbers them, and the first is the iteration.
    """
    legacy = file.get("optimizer_weights")
    if isinstance(legacy, h5py.Group):
        where = f"{name}: /optimizer_weights"
        names = read_names(legacy, "weight_names", where)
        return [(key, find_dataset(legacy, key, where)) for key in names]
    group = file.get("optimizer")
    if not isinstance(group, h5py.Group):
        return []
    found: list[tuple[str, h5py.Dataset]] = []

    def visit(path: str, member: object) -> None:
        if isinstance(member, h5py.Dataset):
            found.append((path.removeprefix("vars/"), member))

    group.visititems(visit)
    return sorted(found, key=lambda entry: (entry[0].count("/"), len(entry[0]), entry[0]))


def read_optimizer(file: h5py.File, name: str) -> OptimizerContents | None:
    """What is stored of the optimizer, or None; only the step is read."""
    datasets = optimizer_datasets(file, name)
    if not datasets:
        return None
    iterations = next(
        (
            int(dataset[()])
            for key, dataset in datasets
            if dataset.shape == ()
            and np.issubdtype(dataset.dtype, np.integer)
            and (_ITERATIONS.search(key) or key == "0")
        ),
        None,
    )
    return OptimizerContents(
        variables=len(datasets),
        iterations=iterations,
        slots=tuple(
            StoredArray(key, dataset.shape, dtype_name(dataset)) for key, dataset in datasets
        ),
    )
