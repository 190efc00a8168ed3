"""TensorBoard's event files, with TensorBoard's own reader of records and messages."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from experiments.core.errors import HistoryError
from experiments.logs.log import ALLOWED, Log, tidy

_MARK = "tfevents"
_ROLES = {"train": "", "training": "", "validation": "val_", "val": "val_", "valid": "val_",
          "eval": "val_", "test": "val_"}  # fmt: skip


#: TensorFlow's numbers of the types that scalars have.
_FLOATS = {1: np.float32, 2: np.float64}


class _Scalars(NamedTuple):
    """Values by tag and step, and the times in ms of the first and the last of them."""

    values: dict[str, dict[int, float]]
    first: int
    last: int


def is_event_file(path: Path) -> bool:
    """Whether a file's name says that TensorBoard's writer made it."""
    return _MARK in path.name


def read_events(paths: Iterable[Path], top: Path) -> list[Log]:
    """The logs of event files below a folder, one a run.

    Keras writes a run's training and validation curves into folders ``train`` and ``validation``
    of its own folder: they are one run.
    """
    runs: dict[Path, dict[str, dict[int, float]]] = defaultdict(dict)
    times: dict[Path, list[int]] = defaultdict(list)
    for path in sorted(paths):
        folder, prefix = path.parent, ""
        if folder.name in _ROLES:
            folder, prefix = folder.parent, _ROLES[folder.name]
        scalars = _read(path)
        for tag, values in scalars.values.items():
            runs[folder].setdefault(_named(tag, prefix), {}).update(values)
        if scalars.last:
            times[folder] += [scalars.first, scalars.last]
    logs = [
        _log(folder, columns, min(times[folder]), max(times[folder]), top)
        for folder, columns in runs.items()
        if columns
    ]
    if not logs:
        raise HistoryError(f"No event file of {top.name} has a scalar. {ALLOWED}")
    return logs


def _log(
    folder: Path, columns: dict[str, dict[int, float]], first: int, last: int, top: Path
) -> Log:
    inside = folder.relative_to(top).as_posix() if folder.is_relative_to(top) else "."
    name = folder.name if inside == "." else inside
    of_epochs = {column for column in columns if column.startswith(("epoch_", "val_epoch_"))}
    kept = of_epochs or set(columns)
    left_out = sorted(set(columns) - kept)
    table = pd.DataFrame(
        {column: pd.Series(columns[column]) for column in columns if column in kept}
    )
    table = table.sort_index()
    table.insert(0, "epoch" if of_epochs else "step", table.index)
    table.columns = [column.replace("epoch_", "", 1) for column in table.columns]
    notes = [f"Left out, since they count batches: {', '.join(left_out[:6])}."] if left_out else []
    log = tidy(table, name, "TensorBoard", notes)
    return log._replace(started=first, ended=last)


def _named(tag: str, prefix: str) -> str:
    return f"{prefix}{tag}" if prefix else tag


def _read(path: Path) -> _Scalars:
    values: dict[str, dict[int, float]] = defaultdict(dict)
    times = []
    for event in _events(path):
        for value in event.summary.value:
            number = _scalar(value)
            if number is not None:
                values[value.tag][int(event.step)] = number
                times.append(int(1000 * event.wall_time))
    return _Scalars(dict(values), min(times, default=0), max(times, default=0))


def _events(path: Path) -> Iterator[Any]:
    """The events of a file until its end, or until where writing was cut off.

    TensorBoard's EventFileLoader would import TensorFlow where it is installed: 6 seconds.
    """
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.tensorflow_stub import errors
    from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import PyRecordReader_New

    begun = False
    try:
        reader = PyRecordReader_New(str(path))
        while True:
            reader.GetNext()
            yield Event.FromString(reader.record())
            begun = True
    except errors.OutOfRangeError:
        return
    except (errors.OpError, OSError, ValueError) as error:
        if not begun:
            raise HistoryError(f"{path.name} is no event file that can be read: {error}.") from None


def _scalar(value: Any) -> float | None:
    """A number, written as such or as a tensor of one float32 or float64."""
    kind = value.WhichOneof("value")
    if kind == "simple_value":
        return float(value.simple_value)
    if kind != "tensor" or value.tensor.dtype not in _FLOATS:
        return None
    tensor = value.tensor
    held = [*tensor.float_val, *tensor.double_val]
    if tensor.tensor_content:
        held = np.frombuffer(tensor.tensor_content, _FLOATS[tensor.dtype]).tolist()
    return float(held[0]) if len(held) == 1 else None
