"""A network as a graph: layers in data, boxes, then their source for Graphviz.

No streamlit here.
"""

from collections import Counter
from collections.abc import Sequence
from html import escape
from typing import Any, NamedTuple

from dashboard.chart.run_curves import QUIET_COLOR
from dashboard.shared.formats import count

_MANY_LAYERS = 60  # more are folded
_MANY_BOXES = 100  # more are folded further where the network is a chain
_LETTERS = 28  # of a layer's name
_HEAD = f"""digraph {{
bgcolor=transparent nodesep=0.2 ranksep=0.28
node [shape=box style="rounded,filled" fontname=Helvetica fontsize=10 margin="0.12,0.05"]
edge [color="{QUIET_COLOR}" arrowsize=0.6]"""

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


def fold(layers: Sequence[dict[str, Any]], *, every_layer: bool = False) -> list[Box]:
    """The boxes of a network: one a layer up to 60 layers, else a layer with weights and what
    follows it (normalization, activation, pooling …), and of a very long chain several of those."""
    if every_layer or len(layers) <= _MANY_LAYERS:
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


def dot_source(boxes: Sequence[Box]) -> str:
    """The graph in Graphviz's language, from the top down; a box tells of its layers where one
    points. Names come from files of strangers: they are text here, whatever they hold."""
    number = {box.name: i for i, box in enumerate(boxes)}
    lines = [_HEAD]
    for i, box in enumerate(boxes):
        tint, said = color(box), "\\n".join(map(_told, box.rows[:12]))
        lines.append(
            f'{i} [label="{_text(title(box))}\\n{_text(_subtitle(box))}" tooltip="{said}" '
            f'color="{tint}bf" fillcolor="{tint}21"]'
        )
        # a shared layer may come back to itself
        sources = [number[name] for name in box.inbound if number.get(name, i) < i]
        lines += [f"{source} -> {i}" for source in dict.fromkeys(sources)]
    return "\n".join([*lines, "}"])


def widest(boxes: Sequence[Box]) -> int:
    """How many boxes stand side by side at most."""
    rank: dict[str, int] = {}
    for box in boxes:
        rank[box.name] = 1 + max((rank.get(name, 0) for name in box.inbound), default=0)
    return max(Counter(rank.values()).values(), default=0)


def _subtitle(box: Box) -> str:
    """The name, shortened, and the output shape."""
    last = box.rows[-1]
    name = f"{box.name}, {len(last['inside'])} layers" if "inside" in last else box.name
    short = name if len(name) <= _LETTERS else f"…{name[1 - _LETTERS :]}"
    return f"{short}  {_size(last['output_shape'])}"


def _told(row: dict[str, Any]) -> str:
    size, parameters = _size(row["output_shape"]), count(row["parameters"])
    return _text(f"{row['name']}: {row['type']}, {size}, {parameters} parameters")


def _text(text: str) -> str:
    """As it stands between quotes. One unprintable letter would keep all from being drawn, and a
    backslash, doubled or not, begins an escape in a tooltip (Streamlit 1.67's Graphviz)."""
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    return escape(printable).replace("\\", "∖")


def _size(shape: str) -> str:
    sizes = shape.strip("()").rstrip(",").split(", ")
    if shape.count("(") != 1 or len(sizes) < 2:
        return ""
    return " × ".join("any" if size == "None" else size for size in sizes[1:])
