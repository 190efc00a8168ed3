"""What a log becomes: a history with Keras' names, and what was left out of it."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pandas as pd

from experiments.core.errors import HistoryError
from experiments.core.words import listed
from experiments.diagnosis.naming import find_pairs, keras_names

ALLOWED = (
    "Allowed: Keras' history as JSON, CSVLogger's and other tables with one row an epoch or step, "
    "Lightning's metrics.csv, YOLO's results.csv, trainer_state.json, JSON lines, TensorBoard's "
    "event files, Weights & Biases' CSV export, or Keras' printed progress."
)
#: Columns that number the rows, likeliest first; the words of a name, without what divides them.
_EPOCHS = ("epoch", "epochs")
_STEPS = ("step", "globalstep", "steps", "iteration", "iter", "trainerglobalstep")


class Log(NamedTuple):
    """One training run in a log.

    ``history`` is indexed by ``epoch`` or, where the log counts batches, ``step``: whole numbers,
    increasing; float64 columns under Keras' names, NaN where nothing was measured. ``notes`` are
    sentences on what was left out or understood. ``params`` are settings found in the log, and
    ``started`` and ``ended`` its own times in ms since 1970, None where it has none.
    """

    name: str
    kind: str
    history: pd.DataFrame
    notes: tuple[str, ...] = ()
    params: Mapping[str, str] = MappingProxyType({})
    started: int | None = None
    ended: int | None = None

    @property
    def axis(self) -> str:
        """What the history is indexed by: epoch or step."""
        return str(self.history.index.name)


def tidy(table: pd.DataFrame, name: str, kind: str, notes: Sequence[str] = ()) -> Log:
    """A table with one row an epoch, a step or an evaluation as a log.

    Columns that are no numbers are left out and told. Raises HistoryError where no number is left.
    """
    told = list(notes)
    table = table.set_axis([str(column).strip() for column in table.columns], axis=1)
    table = table.loc[:, ~table.columns.duplicated()]
    numbers = _numbers(table, told)
    labels, axis = _labels(numbers, told)
    numbers = numbers.drop(columns=[c for c in numbers if _plain(c) in (*_EPOCHS, *_STEPS)])
    numbers = numbers.set_axis(labels, axis=0).dropna(how="all")
    # Several rows of one epoch: Lightning writes training and validation on rows of their own.
    history = numbers.groupby(level=0).last()
    if history.empty or not len(history.columns):
        raise HistoryError(f"There is no column of numbers in {name}. {ALLOWED}")
    history = _with_sums(_renamed(history), told)
    history.index = pd.Index(history.index.astype(np.int64), name=axis)
    return Log(name=name, kind=kind, history=history.astype(np.float64), notes=tuple(told))


def _plain(column: object) -> str:
    return "".join(letter for letter in str(column).lower() if letter.isalnum())


def _is_row_number(column: str, values: pd.Series) -> bool:
    """pandas' index, written as a column: under no name, or as ``index``."""
    unnamed = column.startswith("Unnamed:") or column == "index"
    return unnamed and np.array_equal(values, np.arange(len(values)))


def _numbers(table: pd.DataFrame, told: list[str]) -> pd.DataFrame:
    kept, left_out = {}, []
    for column in table:
        values = table[column]
        if values.dtype != np.float64:
            values = pd.to_numeric(values.map(_as_number), errors="coerce").astype(np.float64)
        if _is_row_number(str(column), values):
            continue
        if values.notna().any():
            kept[column] = values
        elif table[column].notna().any():
            left_out.append(str(column))
    if left_out:
        told.append(f"Left out, since they hold no numbers: {listed(left_out[:8])}.")
    return pd.DataFrame(kept, index=table.index)


def _as_number(value: object) -> object:
    """Numbers, and texts of them; True, lists and dicts are none."""
    return None if isinstance(value, bool | list | dict | tuple) else value


def _labels(table: pd.DataFrame, told: list[str]) -> tuple[pd.Series, str]:
    """The number of each row, and whether these are epochs or steps."""
    columns = {
        _plain(column): table[column].ffill().fillna(0) for column in reversed(table.columns)
    }
    epochs = next((columns[name] for name in _EPOCHS if name in columns), None)
    steps = next((columns[name] for name in _STEPS if name in columns), None)
    if epochs is not None and (epochs == epochs.round()).all():
        return _going_on(epochs, told), "epoch"
    if steps is not None:
        return _going_on(steps, told), "step"
    if epochs is not None:
        told.append("Its epochs are no whole numbers: each evaluation counts as a step.")
        return pd.Series(np.arange(len(table)), table.index), "step"
    return pd.Series(np.arange(len(table)), table.index), "epoch"


def _going_on(labels: pd.Series, told: list[str]) -> pd.Series:
    """Labels that never go back: a log that was appended to begins at 0 again."""
    values = labels.to_numpy(dtype=np.float64, copy=True)
    back = np.flatnonzero(np.diff(values) < 0) + 1
    if len(back) == 0:
        return labels
    if len(back) > 1 + len(values) // 4:  # in no order at all
        return pd.Series(np.arange(len(values)), labels.index)
    told.append(f"It begins anew {len(back)} times and is read as one run that went on.")
    for row in back:
        values[row:] += values[row - 1] + 1 - values[row]
    return pd.Series(values, labels.index)


def _renamed(history: pd.DataFrame) -> pd.DataFrame:
    """Under Keras' names. Of what was logged a step and an epoch, the epoch's is kept."""
    history = history.rename(columns=keras_names(map(str, history.columns)))
    names = [str(column) for column in history.columns]
    over = {*names, *(name.removesuffix("_epoch") for name in names if name.endswith("_epoch"))}
    drop = [name for name in names if name.endswith("_step") and (
        name.removesuffix("_step") in over or keras_names([name]).get(name) in over
    )]  # fmt: skip
    return history.drop(columns=drop)


def _with_sums(history: pd.DataFrame, told: list[str]) -> pd.DataFrame:
    """With ``loss`` and ``val_loss`` as the sum of their parts, where only parts were logged."""
    names = [str(column) for column in history.columns]
    if "val_loss" in names or any(pair.metric == "loss" for pair in find_pairs(names)):
        return history
    parts = [name for name in names if name.endswith("_loss") and not name.startswith("val_")]
    both = [name for name in parts if f"val_{name}" in names]
    if not both:
        return history
    told.append(f"The loss is the sum of {listed(both)}.")
    sums = {
        "loss": history[both].sum(axis=1, skipna=False),
        "val_loss": history[[f"val_{name}" for name in both]].sum(axis=1, skipna=False),
    }
    return history.assign(**sums)
