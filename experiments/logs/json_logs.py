"""JSON logs: Keras' history, what pandas writes, records, JSON lines and trainer_state.json."""

import ast
import json
from collections.abc import Mapping
from typing import Any

import pandas as pd

from experiments.core.errors import HistoryError
from experiments.core.words import listed
from experiments.diagnosis import history_from_keras
from experiments.logs.log import ALLOWED, Log, tidy

_LARGEST_REPR = 2_000_000  # characters of a Python dict, which is parsed by Python


def read_json(text: str, name: str) -> list[Log]:
    """The logs of a JSON text, of JSON lines, or of a dict as Python prints it."""
    found = _parsed(text)
    if isinstance(found, list):
        return [_of_records(found, name)]
    if not isinstance(found, Mapping):
        raise HistoryError(f"{name} holds {type(found).__name__}, and no history. {ALLOWED}")
    return [_of_mapping(found, name)]


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        problem = str(error)
    try:
        lines = [json.loads(line) for line in text.splitlines() if line.strip()]
        if len(lines) > 1 and all(isinstance(line, dict) for line in lines):
            return lines
    except (ValueError, RecursionError):
        pass
    if text.lstrip().startswith("{") and len(text) < _LARGEST_REPR:
        try:
            plain = text.replace("nan", "None").replace("-inf", "-1e999").replace("inf", "1e999")
            return ast.literal_eval(plain)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            pass
    raise HistoryError(f"This is not a JSON file that can be read: {problem}. {ALLOWED}")


def _of_mapping(found: Mapping[str, Any], name: str) -> Log:
    if isinstance(found.get("log_history"), list):
        return _of_trainer_state(found, name)
    if isinstance(found.get("history"), Mapping):
        params = {str(k): str(v) for k, v in (_mapping(found.get("params"))).items()}
        epochs = found.get("epoch")
        inner = dict(found["history"])
        longest = max((len(v) for v in inner.values() if isinstance(v, list)), default=0)
        if isinstance(epochs, list) and "epoch" not in inner and len(epochs) == longest:
            inner["epoch"] = epochs
        return _of_mapping(inner, name)._replace(params=params)
    if {"columns", "data"} <= set(found) and isinstance(found["data"], list):
        return tidy(pd.DataFrame(found["data"], columns=found["columns"]), name, "pandas JSON")
    if "schema" in found and isinstance(found.get("data"), list):
        return _of_records(found["data"], name, "pandas JSON")
    if found and all(isinstance(value, Mapping) for value in found.values()):
        return _of_pandas(found, name)
    return _of_lists(found, name)


def _mapping(found: object) -> Mapping[str, Any]:
    return found if isinstance(found, Mapping) else {}


def _of_pandas(found: Mapping[str, Mapping[str, Any]], name: str) -> Log:
    """A dict of dicts: of columns, or of rows where the outer keys are numbers."""
    by_row = all(str(key).lstrip("-").isdigit() for key in found)
    table = pd.DataFrame.from_dict(dict(found), orient="index" if by_row else "columns")
    table.index = pd.Index([_row_number(key) for key in table.index])
    return tidy(table.sort_index(), name, "pandas JSON")


def _row_number(key: object) -> int:
    text = str(key)
    return int(text) if text.lstrip("-").isdigit() else 0


def _of_records(found: list[Any], name: str, kind: str = "records") -> Log:
    if not found or not all(isinstance(one, dict) for one in found):
        held = "an empty list" if not found else "a list of lists or numbers, without names"
        raise HistoryError(f"{name} holds {held}. {ALLOWED}")
    return tidy(pd.DataFrame(found), name, kind)


def _of_lists(found: Mapping[str, Any], name: str) -> Log:
    """Keras' history: a list a metric. What is none is left out and told."""
    lists = {str(key): _listed(value) for key, value in found.items()}
    kept = {key: value for key, value in lists.items() if value is not None}
    most = max((len(value) for value in kept.values()), default=0)
    other = [key for key, value in kept.items() if not _fits(len(value), most)]
    left_out = [key for key, value in lists.items() if value is None] + other
    if not kept:
        history_from_keras(found)  # says what it received and what is allowed
    history = history_from_keras({k: v for k, v in kept.items() if k not in other})
    notes = [f"Left out, since they are no lists of a number an epoch: {listed(left_out[:8])}."]
    return Log(
        name=name, kind="Keras history", history=history, notes=tuple(notes if left_out else ())
    )


def _listed(value: object) -> list[Any] | None:
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = json.loads(value)
        except ValueError:
            return None
    if not isinstance(value, list) or not value:
        return None
    texts = [isinstance(one, str) and one.lower() not in _BROKEN for one in value]
    if any(isinstance(one, bool | list | dict) for one in value) or any(texts):
        return None
    return value


_BROKEN = ("nan", "inf", "-inf", "infinity", "-infinity")


def _fits(length: int, most: int) -> bool:
    """Whether a list may be of the epochs, or of every n-th of them."""
    every = most // length
    return (
        length in (most, most - 1) or most // every == length or -(-most // (every + 1)) == length
    )


def _of_trainer_state(found: Mapping[str, Any], name: str) -> Log:
    """Hugging Face: losses at some steps, evaluations at others, and a summary at the end."""
    rows = [row for row in found["log_history"] if isinstance(row, dict)]
    rows = [row for row in rows if "train_runtime" not in row]
    table = pd.DataFrame(rows).drop(columns=["epoch"], errors="ignore")
    log = tidy(table, name, "Hugging Face trainer_state.json")
    history, notes = log.history, list(log.notes)
    if {"loss", "val_loss"} <= set(history):
        validated = history["val_loss"].notna() & history["loss"].isna()
        if validated.any():
            history = history.assign(loss=history["loss"].mask(validated, history["loss"].ffill()))
            notes.append("The training loss at an evaluation is the one logged before it.")
    known = ("max_steps", "num_train_epochs", "train_batch_size", "eval_steps", "logging_steps")
    params = {key: str(found[key]) for key in known if key in found}
    return log._replace(history=history, notes=tuple(notes), params=params)
