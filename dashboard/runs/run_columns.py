"""The columns of the table of runs: what is in them, and how they look."""

import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import quote

import numpy as np
import pandas as pd
import streamlit as st

from dashboard.shared.components import STATUS, VERDICT
from dashboard.shared.formats import duration, exact, number, words
from dashboard.shared.run_summary import BestValue, progress_of
from experiments.spec.metrics import METRICS
from experiments.tracking.runs import Run, RunStatus

_SPARK = (112, 26)  # pixels, wide and high


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
    return METRICS[metric].label if metric in METRICS else words(metric)


def color_dot(color: str) -> str:
    """A filled circle as an SVG address."""
    return _svg(20, 20, f'<circle cx="10" cy="10" r="4.5" fill="{color}"/>')


def _svg(width: int, height: int, inside: str) -> str:
    text = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}">{inside}</svg>'
    )
    return f"data:image/svg+xml;utf8,{quote(text)}"


class TableRow(NamedTuple):
    """What a row is made of."""

    run: Run
    history: pd.DataFrame | None
    verdict: str | None
    best: BestValue

    @property
    def moment(self) -> datetime:
        """When it started, or was made where it has not."""
        return self.run.started or self.run.created


class TableColumn(NamedTuple):
    """``value`` is what a row has in it, ``format`` how that is read, ``config`` its look."""

    name: str
    value: Callable[[TableRow], Any]
    config: Any
    format: Callable[[float], str] | None = None


def _losses(row: TableRow) -> str:
    if row.history is None or "val_loss" not in row.history:
        return ""
    return sparkline(row.history["val_loss"], row.run.color)


def _metric(row: TableRow) -> str:
    best = row.best
    return "" if math.isnan(best.value) else short_name(best.metric.removeprefix("val_"))


def _status_label(status: RunStatus) -> str:
    return f"{STATUS[status].letter} {status}"


def _verdict_label(label: str | None) -> str:
    return f"{VERDICT[label].letter} {words(label)}" if label else ""


def _whole(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.0f}"


COLUMNS = (
    TableColumn(
        "",
        lambda row: color_dot(row.run.color),
        st.column_config.ImageColumn("", width=32, pinned=True),
    ),
    TableColumn(
        "Name",
        lambda row: row.run.name,
        st.column_config.ButtonColumn(
            "Name", type="tertiary", key="runs open", pinned=True, alignment="left", width=160
        ),
    ),
    TableColumn(
        "Status",
        lambda row: [_status_label(row.run.status)],
        st.column_config.MultiselectColumn(
            "Status",
            options=[_status_label(status) for status in RunStatus],
            color=[STATUS[status].color for status in RunStatus],
            width=112,
        ),
    ),
    TableColumn(
        "Progress",
        lambda row: 100 * progress_of(row.run),
        st.column_config.ProgressColumn(
            "Progress", format="%d%%", min_value=0, max_value=100, width=96
        ),
    ),
    TableColumn(
        "Best",
        lambda row: row.best.value,
        st.column_config.Column(
            "Best",
            width=62,
            help="The value on validation samples at the best epoch, whose weights are kept: not "
            "the last one, nor the highest of any epoch.",
            alignment="right",
        ),
        number,
    ),
    TableColumn("Metric", _metric, st.column_config.TextColumn("of", width=104)),
    TableColumn(
        "At epoch",
        lambda row: math.nan if row.best.epoch is None else float(row.best.epoch),
        st.column_config.Column(
            "Epoch",
            width=58,
            help="The best epoch: the one with the lowest validation loss, counted from 0.",
            alignment="right",
        ),
        _whole,
    ),
    TableColumn(
        "Verdict",
        lambda row: [_verdict_label(row.verdict)] if row.verdict in VERDICT else [],
        st.column_config.MultiselectColumn(
            "Verdict",
            options=[_verdict_label(label) for label in VERDICT],
            color=[sign.color for sign in VERDICT.values()],
            width=128,
        ),
    ),
    TableColumn(
        "val_loss",
        _losses,
        st.column_config.ImageColumn(
            "val_loss", width=126, help="Validation loss by epoch; the dot is the best epoch."
        ),
    ),
    TableColumn(
        "Duration",
        lambda row: math.nan if (seconds := row.run.seconds) is None else seconds,
        st.column_config.Column("Duration", width=98, alignment="right"),
        duration,
    ),
    TableColumn(
        "Started",
        # pyarrow warns of zones; the browser takes UTC
        lambda row: row.moment.astimezone(UTC).replace(tzinfo=None),
        st.column_config.DatetimeColumn(
            "Started", format="distance", width=112, help="The last column has exact times."
        ),
    ),
    TableColumn(
        "Dataset",
        lambda row: row.run.params.get("dataset.name", "").partition("@")[0],
        st.column_config.TextColumn("Dataset", width=104),
    ),
    TableColumn(
        "Model",
        lambda row: row.run.params.get("model.name", ""),
        st.column_config.TextColumn("Model", width=64),
    ),
    TableColumn(
        "Exact time",
        lambda row: exact(row.moment),
        st.column_config.TextColumn("Exact time", width=150),
    ),
)
