"""A chart of up to 10,000 curves, drawn in the browser on a canvas.

It is a component of Streamlit's second kind: no iframe, so there is no second document to load, and
the chart has the page's fonts and colors. Such a component's JavaScript travels with every
message; ours is one line that imports the rest, which the browser then has for as long as the page
is open. Streamlit serves files of a component without a packaged manifest only for its first kind,
so the folder is declared as one of those. It sends them without a date or a lifetime, so a browser
has no ground to keep files of the version before.
"""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import streamlit as st
from streamlit.components import v1, v2

from dashboard.chart.curve_data import (
    MOST_LINES,
    Band,
    ChartCurve,
    ValueRange,
    coarse,
    fitted,
    quantile_bands,
    robust_range,
)
from dashboard.chart.curve_messages import Drawing, Stream, whole
from dashboard.shared.formats import count, number

_FILES = v1.declare_component("curves", path=str(Path(__file__).parent / "curve_component"))
_CHART = v2.component(
    "kerascope_curves",
    js=f"""
export default component =>
  import(new URL("component/{_FILES.name}/main.js", document.baseURI))
    .then(chart => chart.default(component));
""",
)


@dataclass(frozen=True)
class Look:
    """How curves are shown.

    ``x_axis`` is what x counts: numbers, seconds, or seconds since 1970 as dates. ``labels`` are
    names at the ends of the lines, where there are few and the page is wide. Runs that are
    ``highlighted`` stand out and are drawn also where bands take the place of lines. A ``live``
    chart is sent only what is new. ``height`` is in pixels.
    """

    y_title: str
    x_title: str = "epoch"
    x_axis: Literal["number", "seconds", "date"] = "number"
    x_log: bool = False
    y_log: bool = False
    height: int = 400
    labels: bool = True
    highlighted: tuple[str, ...] = ()
    live: bool = False


def draw_curves(
    curves: Sequence[ChartCurve], bands: Sequence[Band], look: Look, *, key: str
) -> str | None:
    """Draw the curves; the id of the run that was just clicked, or None.

    Above MOST_LINES curves their quantiles are drawn in place of the lines, and each of them is
    found under the pointer. Zoom, legend and full range stay in the browser.
    """
    sent = f"{key} sent"

    def start_again() -> None:
        st.session_state.pop(sent, None)

    drawing = compose(curves, bands, look)
    if look.live:
        message = st.session_state.setdefault(sent, Stream()).message(drawing)
    else:
        start_again()
        message = whole(drawing)
    answer = _CHART(
        key=key, data=message, height=look.height,
        on_clicked_change=_nothing, on_everything_change=start_again,
    )  # fmt: skip
    clicked: str | None = answer.clicked
    return clicked


def compose(curves: Sequence[ChartCurve], bands: Sequence[Band], look: Look) -> Drawing:
    """What the browser draws: curves that fit, and the look with its ranges and its summary."""
    dense = len(curves) > MOST_LINES
    edges = [
        ChartCurve("", "", "", "validation", band.x, y)
        for band in bands
        for y in (band.low, band.high)
    ]
    shown = robust_range([*curves, *edges], look.y_log)
    in_words = summary(curves, bands, look, shown)
    title = look.y_title
    if dense:
        title += f" · median, 25–75 % and 5–95 % of {count(len(curves))} curves"
        bands = [*quantile_bands(curves), *bands]
    kept = (
        [c if c.run_id in look.highlighted else coarse(c) for c in curves]
        if dense
        else fitted(curves)
    )
    described: dict[str, Any] = asdict(look) | {
        "y_title": title, "range": [shown.low, shown.high], "cut": shown.cut, "dense": dense,
        "summary": in_words,
        "file": re.sub(r"[^\w.-]+", "_", look.y_title).strip("_") or "curves",
    }  # fmt: skip
    return Drawing(kept, bands, described)


def summary(
    curves: Sequence[ChartCurve], bands: Sequence[Band], look: Look, shown: ValueRange
) -> str:
    """The chart in words, for those who do not see it."""
    runs = len({curve.run_id for curve in curves})
    parts = [f"{look.y_title} over {look.x_title}: {count(runs)} {'run' if runs == 1 else 'runs'}"]
    parts += [f"{band.name}: mean and spread of {count(band.runs)}" for band in bands[:12]]
    last = [(float(c.y[-1]), c.name) for c in curves if len(c.y) and np.isfinite(c.y[-1])]
    if last:
        low, high = min(last), max(last)
        parts.append(f"last values from {number(low[0])} ({low[1]}) to {number(high[0])}")
        if len(last) > 1:
            parts[-1] += f" ({high[1]})"
    if shown.cut:
        parts.append(f"some lie beyond {number(shown.low)} to {number(shown.high)}")
    return "; ".join(parts) + "."


def _nothing() -> None:
    """Streamlit hands over a trigger's value only where it has something to call."""
