"""The table of runs: its rows as data, and how columns look."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any
from urllib.parse import quote

import numpy as np
import pandas as pd
import streamlit as st
from pandas.io.formats.style import Styler

from dashboard.shared.components import STATUS, VERDICT
from dashboard.shared.formats import duration, exact, number, words
from dashboard.shared.run_summary import Best, best_of, progress_of, seconds_of
from experiments.tracking.runs import Run, RunStatus

_SPARK = (112, 26)  # pixels, wide and high
_SHORT = {
    "mean_absolute_error": "MAE",
    "root_mean_squared_error": "RMSE",
    "r2_score": "R²",
    "top_5_accuracy": "top-5 accuracy",
}


def run_rows(
    runs: Sequence[Run],
    histories: Mapping[str, pd.DataFrame],
    verdicts: Mapping[str, str | None] | None = None,
    best: pd.Series | None = None,
) -> pd.DataFrame:
    """One row a run, indexed by its id.

    ``verdicts`` are those of runs that carry none themselves. ``best`` are the best values of the
    metric that gives it its name, by run id; by default each run has that of its main metric.
    """
    rows = []
    for run in runs:
        history = histories.get(run.id)
        verdict = run.verdict or (verdicts or {}).get(run.id)
        found = best_of(run, history)
        if best is not None:
            found = found._replace(metric=str(best.name), value=float(best.get(run.id, math.nan)))
        rows.append(_row(run, history, verdict, found))
    return pd.DataFrame(rows, columns=list(_COLUMNS), index=[run.id for run in runs])


def shown(rows: pd.DataFrame) -> Styler:
    """The rows with numbers and durations as people read them, still sorted as numbers."""
    formats: dict[Any, Any] = {"Best": number, "Duration": duration, "At epoch": _whole}
    return rows.style.format(formats)


def column_config() -> dict[str, Any]:
    """How each column looks; ``open`` is the key under which a click on a name arrives."""
    column = st.column_config
    return {
        "": column.ImageColumn("", width=32, pinned=True),
        "Name": column.ButtonColumn(
            "Name", type="tertiary", key="runs open", pinned=True, alignment="left", width=160
        ),
        "Status": column.MultiselectColumn(
            "Status",
            options=[_status_label(status) for status in RunStatus],
            color=[STATUS[status].color for status in RunStatus],
            width=112,
        ),
        "Progress": column.ProgressColumn(
            "Progress", format="%d%%", min_value=0, max_value=100, width=96
        ),
        "Best": column.Column(
            "Best",
            width=62,
            help="The best value on validation samples, not the last one.",
            alignment="right",
        ),
        "Metric": column.TextColumn("of", width=104),
        "At epoch": column.Column(
            "Epoch",
            width=58,
            help="The best epoch: the one with the lowest validation loss, counted from 0.",
            alignment="right",
        ),
        "Verdict": column.MultiselectColumn(
            "Verdict",
            options=[_verdict_label(label) for label in VERDICT],
            color=[sign.color for sign in VERDICT.values()],
            width=128,
        ),
        "val_loss": column.ImageColumn(
            "val_loss", width=126, help="Validation loss by epoch; the dot is the best epoch."
        ),
        "Duration": column.Column("Duration", width=98, alignment="right"),
        "Started": column.DatetimeColumn(
            "Started", format="distance", width=112, help="The last column has exact times."
        ),
        "Dataset": column.TextColumn("Dataset", width=104),
        "Model": column.TextColumn("Model", width=64),
        "Exact time": column.TextColumn("Exact time", width=150),
    }


def sparkline(values: pd.Series, color: str) -> str:
    """A line of at most 60 points as an SVG address, with a dot at the lowest value."""
    y = values.to_numpy(dtype=float)
    y = y[np.isfinite(y)]
    if len(y) < 2:
        return ""
    width, height = _SPARK
    lowest = int(y.argmin())
    ordered = np.sort(y)
    low, high = ordered[0], ordered[int(0.98 * (len(y) - 1))]  # one bad epoch does not flatten it
    kept = {lowest, *(round(i * (len(y) - 1) / 59) for i in range(60))}
    x = np.linspace(4, width - 4, len(y))
    scale = (height - 8) / (high - low) if high > low else 0.0
    y = (height - 4) - (y.clip(low, high) - low) * scale
    points = " ".join(f"{x[i]:.1f},{y[i]:.1f}" for i in sorted(kept))
    return _svg(
        width,
        height,
        f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="1.6" '
        'stroke-linejoin="round"/>'
        f'<circle cx="{x[lowest]:.1f}" cy="{y[lowest]:.1f}" r="2.6" fill="{color}"/>',
    )


def short_name(metric: str) -> str:
    """A metric's name where there is little room: mean_absolute_error → MAE."""
    return _SHORT.get(metric, words(metric))


def color_dot(color: str) -> str:
    """A filled circle as an SVG address."""
    return _svg(20, 20, f'<circle cx="10" cy="10" r="4.5" fill="{color}"/>')


def _svg(width: int, height: int, inside: str) -> str:
    text = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}">{inside}</svg>'
    )
    return f"data:image/svg+xml;utf8,{quote(text)}"


_COLUMNS = (
    "",
    "Name",
    "Status",
    "Progress",
    "Best",
    "Metric",
    "At epoch",
    "Verdict",
    "val_loss",
    "Duration",
    "Started",
    "Dataset",
    "Model",
    "Exact time",
)


def _row(
    run: Run, history: pd.DataFrame | None, verdict: str | None, best: Best
) -> tuple[Any, ...]:
    seconds = seconds_of(run)
    losses = history["val_loss"] if history is not None and "val_loss" in history else None
    moment = run.started or run.created
    return (
        color_dot(run.color),
        run.name,
        [_status_label(run.status)],
        100 * progress_of(run),
        best.value,
        "" if math.isnan(best.value) else short_name(best.metric.removeprefix("val_")),
        math.nan if best.epoch is None else float(best.epoch),
        [_verdict_label(verdict)] if verdict in VERDICT else [],
        "" if losses is None else sparkline(losses, run.color),
        math.nan if seconds is None else seconds,
        moment.astimezone(UTC).replace(
            tzinfo=None
        ),  # pyarrow warns of zones; the browser takes UTC
        run.params.get("dataset.name", "").partition("@")[0],
        run.params.get("model.name", ""),
        exact(moment),
    )


def _status_label(status: RunStatus) -> str:
    return f"{STATUS[status].letter} {status}"


def _verdict_label(label: str | None) -> str:
    return f"{VERDICT[label].letter} {words(label)}" if label else ""


def _whole(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.0f}"
