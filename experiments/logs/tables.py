"""CSV logs: CSVLogger, Lightning, YOLO, Weights & Biases and other tables with a header."""

import io
import re
from collections import defaultdict

import pandas as pd

from experiments.core.errors import HistoryError
from experiments.logs.log import ALLOWED, Log, tidy

_WANDB = re.compile(r"^(?P<run>.+) - (?P<metric>[^-]+?)(?P<bound>__(?:MIN|MAX|STD))?$")


def read_table(text: str, name: str) -> list[Log]:
    """The logs of a table with a header; of Weights & Biases' export one a run."""
    header = text.split("\n", 1)[0]
    separator = max(",;\t|", key=header.count)
    try:
        table = pd.read_csv(
            io.StringIO(text), sep=separator, skipinitialspace=True, on_bad_lines="skip",
            index_col=False,
        )  # fmt: skip
    except (ValueError, pd.errors.ParserError) as error:
        raise HistoryError(f"{name} cannot be read as a table: {error}. {ALLOWED}") from None
    columns = [str(column).strip().strip('"') for column in table.columns]
    if any(column.endswith(("__MIN", "__MAX")) for column in columns):
        return _of_wandb(table.set_axis(columns, axis=1), name)
    return [tidy(table, name, _kind(columns))]


def _kind(columns: list[str]) -> str:
    if any(
        column.startswith(("train/box", "metrics/mAP", "metrics/precision")) for column in columns
    ):
        return "YOLO results.csv"
    if "step" in columns and "epoch" in columns:
        return "Lightning metrics.csv"
    return "Keras CSVLogger" if columns[0] == "epoch" else "table"


def _of_wandb(table: pd.DataFrame, name: str) -> list[Log]:
    """Columns are ``run - metric``, with lowest and highest of each beside it."""
    runs: dict[str, dict[str, pd.Series]] = defaultdict(dict)
    axis = {}
    for column in map(str, table.columns):
        found = _WANDB.match(column)
        if found is None:
            axis[column] = table[column]
        elif not found["bound"]:
            runs[found["run"]][found["metric"]] = table[column]
    kind = "Weights & Biases export"
    logs = []
    for run, columns in runs.items():
        own = pd.DataFrame({**axis, **columns}).dropna(how="all", subset=list(columns))
        if not own.empty:
            logs.append(tidy(own, run, kind))
    if not logs:
        raise HistoryError(f"No run of {name} has a number. {ALLOWED}")
    return logs
