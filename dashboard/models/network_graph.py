"""A network as a graph: layers in data, boxes with their places in data, then a plotly figure.

No streamlit here. One unit of a place is one pixel; ranks go down from the inputs.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go

from dashboard.chart.run_curves import QUIET_COLOR, dress
from dashboard.models.graph_layout import place
from dashboard.shared.formats import count

BOX_WIDTH, BOX_HEIGHT = 208, 42
ROW = 70  # pixels from one rank to the next
#: Text in a theme; plotly's own follows Streamlit's axis labels, which are gray.
INK = {"light": "#1c2024", "dark": "#e7e9ec"}
_MANY_LAYERS = 60  # more are folded
_MANY_BOXES = 100  # more are folded further where the network is a chain
_CORNER = 7
_EDGE = 8  # pixels around it all
_APART = 24  # pixels between boxes side by side
_WIDEST = 1150  # a wider graph gets narrower boxes, down to the narrowest
_NARROWEST = 96

#: What a type's name holds -> the color of its box; the first that fits counts.
_COLORS = {
    "Input": "#65a30d",
    "Functional": "#6366f1",
    "Sequential": "#6366f1",
    "Attention": "#ec4899",
    "Conv": "#3b82f6",
    "Dense": "#8b5cf6",
    "Embedding": "#8b5cf6",
    "LSTM": "#10b981",
    "GRU": "#10b981",
    "RNN": "#10b981",
    "Pooling": "#ca8a04",
    "Add": "#f97316",
    "Concatenate": "#f97316",
    "Multiply": "#f97316",
    "Average": "#f97316",
    "Normalization": "#06b6d4",
    "Rescaling": "#06b6d4",
}


class Box(NamedTuple):
    """One layer, or several in a row that are drawn as one; ``rows`` are those of the outline."""

    name: str
    rows: tuple[dict[str, Any], ...]
    inbound: tuple[str, ...]


class Graph(NamedTuple):
    """Boxes with their centers (n, 2), each edge as points (m, 2) from box to box; in pixels."""

    boxes: tuple[Box, ...]
    centers: np.ndarray
    edges: tuple[np.ndarray, ...]
    box_width: int
    width: int
    height: int


def lay_out(layers: Sequence[dict[str, Any]], *, folded: bool = True) -> Graph:
    """The graph of a model's outline; of more than 60 layers those that belong together are one."""
    boxes = fold(layers) if folded else [_box([row]) for row in layers]
    known = {box.name: i for i, box in enumerate(boxes)}
    pairs = [
        (known[source], target)
        for target, box in enumerate(boxes)
        for source in box.inbound
        if known.get(source, target) < target  # a shared layer may come back to itself
    ]
    layout = place(len(boxes), pairs)
    x = np.concatenate([layout.places[:, 0] - 0.5, *(edge[:, 0] for edge in layout.edges)])
    left = x.min(initial=0)
    columns = max(layout.places[:, 0].max(initial=0) + 0.5, x.max(initial=0)) - left
    pitch = min(max(_WIDEST / max(columns, 1), _NARROWEST + _APART), BOX_WIDTH + _APART)
    step, start = np.array([pitch, ROW]), np.array([_EDGE, BOX_HEIGHT / 2 + _EDGE])
    centers = (layout.places - [left, 0]) * step + start
    edges = tuple((edge - [left, 0]) * step + start for edge in layout.edges)
    height = centers[:, 1].max(initial=0) + start[1]
    return Graph(
        tuple(boxes), centers, edges, round(pitch - _APART),
        round(columns * pitch) + 2 * _EDGE, round(height),
    )  # fmt: skip


def fold(layers: Sequence[dict[str, Any]]) -> list[Box]:
    """The boxes of a network: one a layer up to 60 layers, else a layer with weights and what
    follows it (normalization, activation, pooling …), and of a very long chain several of those."""
    if len(layers) <= _MANY_LAYERS:
        return [_box([row]) for row in layers]
    heads, boxes = 1, _fold(layers, 1)
    while len(boxes) > _MANY_BOXES and heads < len(layers):
        heads *= 2
        boxes = _fold(layers, heads)
    return boxes


def _fold(layers: Sequence[dict[str, Any]], heads: int) -> list[Box]:
    consumers: dict[str, int] = {}
    for row in layers:
        for source in row["inbound"]:
            consumers[source] = consumers.get(source, 0) + 1
    groups: list[list[dict[str, Any]]] = []
    group_of: dict[str, list[dict[str, Any]]] = {}
    for row in layers:
        before = group_of.get(row["inbound"][0]) if len(row["inbound"]) == 1 else None
        alone = before is not None and consumers[row["inbound"][0]] == 1
        if before is not None and alone and _may_follow(row, before, heads):
            before.append(row)
        else:
            before = [row]
            groups.append(before)
        group_of[row["name"]] = before
    names = {row["name"]: group[-1]["name"] for group in groups for row in group}
    return [_box(group, names) for group in groups]


def _may_follow(row: dict[str, Any], group: list[dict[str, Any]], heads: int) -> bool:
    if "inside" in row or group[0]["type"] == "InputLayer":
        return False
    return not _is_head(row) or sum(map(_is_head, group)) < heads


def _is_head(row: dict[str, Any]) -> bool:
    return row["parameters"] > 0 and "Normalization" not in row["type"]


def _box(rows: list[dict[str, Any]], names: dict[str, str] | None = None) -> Box:
    inbound = [(names or {}).get(name, name) for name in rows[0]["inbound"]]
    return Box(rows[-1]["name"], tuple(rows), tuple(inbound))


def title(box: Box, letters: int = 40) -> str:
    """The types in a box in so many letters: Conv2D, Conv2D · BatchNorm, Conv2D and 5 more."""
    types = [row["type"].replace("Normalization", "Norm") for row in box.rows]
    said = " · ".join(dict.fromkeys(types))
    if len(said) <= letters or len(types) == 1:
        return said
    heads = [kind for kind, row in zip(types, box.rows, strict=True) if _is_head(row)]
    return f"{(heads or types)[0]} +{len(types) - 1}"


def color(box: Box) -> str:
    """The color of the first layer of a box that has one."""
    kinds = [row["type"] for row in sorted(box.rows, key=lambda row: not _is_head(row))]
    found = [_COLORS[part] for kind in kinds for part in _COLORS if part in kind]
    return found[0] if found else QUIET_COLOR


def graph_figure(graph: Graph, ink: str = INK["light"]) -> go.Figure:
    """The graph from the top down, at its own size, with text in the color ``ink``; layers'
    details show where one points."""
    figure = go.Figure()
    dress(figure)
    lines = [_curve(edge) for edge in graph.edges]
    figure.add_scatter(
        x=_joined([line[:, 0] for line in lines]), y=_joined([line[:, 1] for line in lines]),
        mode="lines", hoverinfo="skip", line={"color": QUIET_COLOR, "width": 1.4}, opacity=0.75,
    )  # fmt: skip
    ends = np.array([line[-1] for line in lines]).reshape(-1, 2)
    figure.add_scatter(
        x=ends[:, 0], y=ends[:, 1] - 4, mode="markers", hoverinfo="skip",
        marker={"symbol": "triangle-down", "size": 8, "color": QUIET_COLOR},
    )  # fmt: skip
    places = zip(graph.boxes, graph.centers, strict=True)
    figure.update_layout(
        shapes=[_outline(x, y, graph.box_width) | _paint(color(box)) for box, (x, y) in places]
    )
    figure.add_scatter(
        x=graph.centers[:, 0], y=graph.centers[:, 1], mode="text",
        text=[_label(box, graph.box_width) for box in graph.boxes],
        textfont={"size": 12 if graph.box_width > 150 else 10, "color": ink},
        hovertext=[_details(box) for box in graph.boxes],
        hovertemplate="%{hovertext}<extra></extra>",
    )  # fmt: skip
    figure.update_xaxes(visible=False, range=[0, graph.width], fixedrange=True)
    figure.update_yaxes(visible=False, range=[graph.height, 0], fixedrange=True)
    figure.update_layout(
        width=graph.width, height=graph.height, showlegend=False, hovermode="closest",
        margin={"l": 0, "r": 0, "t": 0, "b": 0, "pad": 0}, dragmode=False,
    )  # fmt: skip
    return figure


def _label(box: Box, width: int) -> str:
    """Two lines that fit: the types, then the name and the output shape."""
    last = box.rows[-1]
    shape = _size(last["output_shape"])
    letters = width // 6
    name = f"{box.name}, {len(last['inside'])} layers" if "inside" in last else box.name
    room = letters - len(shape)
    said = f"{_end(name, room)}  {shape}" if room > 6 else shape
    return f"<b>{title(box, letters)}</b><br><span style='font-size:0.87em'>{said}</span>"


def _end(text: str, most: int) -> str:
    return text if len(text) <= most else f"…{text[1 - most :]}"


def _details(box: Box) -> str:
    return "<br>".join(
        f"<b>{row['name']}</b> {row['type']}, {_size(row['output_shape'])}, "
        f"{count(row['parameters'])} parameters"
        for row in box.rows[:12]
    )


def _size(shape: str) -> str:
    sizes = shape.strip("()").rstrip(",").split(", ")
    if shape.count("(") != 1 or len(sizes) < 2:
        return ""
    return " × ".join("any" if size == "None" else size for size in sizes[1:])


def _outline(x: float, y: float, width: int) -> dict[str, Any]:
    left, right = x - width / 2, x + width / 2
    top, bottom, r = y - BOX_HEIGHT / 2, y + BOX_HEIGHT / 2, _CORNER
    path = (
        f"M {left + r},{top} L {right - r},{top} Q {right},{top} {right},{top + r} "
        f"L {right},{bottom - r} Q {right},{bottom} {right - r},{bottom} "
        f"L {left + r},{bottom} Q {left},{bottom} {left},{bottom - r} "
        f"L {left},{top + r} Q {left},{top} {left + r},{top} Z"
    )
    return {"type": "path", "path": path}


def _paint(color: str) -> dict[str, Any]:
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return {
        "fillcolor": f"rgba({red},{green},{blue},0.13)",
        "line": {"color": f"rgba({red},{green},{blue},0.75)", "width": 1.2},
    }


def _curve(points: np.ndarray) -> np.ndarray:
    """Points (m, 2) from box to box as a line that leaves and arrives vertically."""
    half = np.array([0, BOX_HEIGHT / 2])
    passing = [place for bend in points[1:-1] for place in (bend - half, bend + half)]
    corners = np.array([points[0] + half, *passing, points[-1] - half])
    t = np.linspace(0, 1, 9)[:, None]
    pieces = []
    for (x0, y0), (x1, y1) in pairwise(corners):
        if x0 == x1:
            pieces.append(np.array([[x0, y0], [x1, y1]]))
            continue
        middle = (y0 + y1) / 2
        a, b, c, d = (np.array(p) for p in ((x0, y0), (x0, middle), (x1, middle), (x1, y1)))
        pieces.append(
            (1 - t) ** 3 * a + 3 * (1 - t) ** 2 * t * b + 3 * (1 - t) * t**2 * c + t**3 * d
        )
    return np.concatenate(pieces)


def _joined(values: Sequence[np.ndarray]) -> np.ndarray:
    """Lines in one trace, a gap after each."""
    return np.concatenate([np.append(line, np.nan) for line in values]) if values else np.empty(0)
