"""Tables and curves as files: CSV for a spreadsheet, Parquet for pandas, Polars, DuckDB or R."""

from collections.abc import Sequence
from io import BytesIO

import numpy as np
import pandas as pd
from pandas.api.types import is_datetime64_any_dtype, is_numeric_dtype

from dashboard.shared.param_texts import number_of, unique_names
from experiments.diagnosis.histories import Histories
from experiments.tracking.runs import Run

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def exported_table(runs: Sequence[Run], table: pd.DataFrame) -> pd.DataFrame:
    """The table of a comparison with the runs' ids, names, states and verdicts before it."""
    by_id = {run.id: run for run in runs}
    kept = [by_id[str(run_id)] for run_id in table.index]
    front = pd.DataFrame(
        {
            "run_id": [run.id for run in kept],
            "run": [run.name for run in kept],
            "status": [run.status.value for run in kept],
            "verdict": [run.verdict or "" for run in kept],
        }
    )
    return pd.concat([front, table.reset_index(drop=True)], axis=1)


def long_histories(
    runs: Sequence[Run], histories: Histories, metrics: Sequence[str] | None = None
) -> pd.DataFrame:
    """Every value of the curves as one row: run_id, run, epoch, metric, value, time (UTC).

    Only some ``metrics`` if given. Names are unique; NaN and infinity are as they were logged.
    """
    names = unique_names(runs)
    keys: list[tuple[str, str]] = []
    parts = []
    for run in runs:
        for metric in histories.metrics(run.id):
            if metrics is None or metric in metrics:
                keys.append((run.id, metric))
                parts.append(histories.points(run.id, metric))
    lengths = [len(points.steps) for points in parts]
    run_ids = [run_id for run_id, _ in keys]

    def joined(arrays: list[np.ndarray], dtype: str) -> np.ndarray:
        return np.concatenate(arrays) if arrays else np.empty(0, dtype)

    return pd.DataFrame(
        {
            "run_id": _repeated(run_ids, lengths),
            "run": _repeated([names[run_id] for run_id in run_ids], lengths),
            "epoch": joined([points.steps for points in parts], "int64"),
            "metric": _repeated([metric for _, metric in keys], lengths),
            "value": joined([points.values for points in parts], "float64"),
            "time": pd.to_datetime(
                joined([points.times for points in parts], "int64"), unit="ms", utc=True
            ),
        }
    )


def to_csv(table: pd.DataFrame) -> bytes:
    """A CSV in UTF-8 whose texts no spreadsheet takes for formulas.

    Texts that begin with = + - @ or a control sign get an apostrophe before them (OWASP, CSV
    injection), unless they are numbers. UTF-8 is marked, as Excel needs it.
    """
    safe = table.rename(columns=lambda name: _safe(str(name)))
    for name in safe:
        if not (is_numeric_dtype(safe[name]) or is_datetime64_any_dtype(safe[name])):
            texts = {value: _safe(value) for value in safe[name].unique() if isinstance(value, str)}
            safe[name] = safe[name].astype(object).map(lambda value, to=texts: to.get(value, value))
    return safe.to_csv(index=False).encode("utf-8-sig")


def to_parquet(table: pd.DataFrame) -> bytes:
    """The table as a Parquet file, texts as they are."""
    file = BytesIO()
    table.rename(columns=str).to_parquet(file, index=False, engine="pyarrow")
    return file.getvalue()


def _repeated(texts: Sequence[str], lengths: Sequence[int]) -> pd.Categorical:
    """Each text so many times, stored once."""
    categories = list(dict.fromkeys(texts))
    number = {text: i for i, text in enumerate(categories)}
    codes = np.repeat(np.array([number[text] for text in texts], dtype=np.int32), lengths)
    return pd.Categorical.from_codes(codes, categories=pd.Index(categories, dtype=object))


def _safe(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) and number_of(text) is None else text
