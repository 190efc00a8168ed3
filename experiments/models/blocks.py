"""The blocks of a network, as their authors named them: what one unfreezes together.

Nothing here needs Keras: a block is made of the names, types and sizes of layers.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

#: How the networks of keras.applications, and our own, name the layers of one block.
_NAMED = re.compile(
    r"^(.*?stage_\d+_block_\d+|conv\d+_block\d+|block\d+_\d+(?=_|$)|block\d+[a-z]?(?=_|$)"
    r"|block_\d+(?=_)|expanded_conv(?:_\d+)?(?=_)|conv_(?:dw|pw|pad)_\d+|conv_\d+(?=_|$))"
)
_SAME_BLOCK = re.compile(r"^conv_(?:dw|pw|pad)_")  # MobileNet: depthwise and pointwise
_JOINS = ("Add", "Concatenate")  # where branches come together a block ends
STEM, TOP = "stem", "top"


class NetworkBlock(NamedTuple):
    """Consecutive layers, the first one's number, and how many parameters they have together."""

    name: str
    layers: tuple[str, ...]
    first: int
    parameters: int


def blocks_of(rows: Sequence[Mapping[str, Any]]) -> list[NetworkBlock]:
    """The blocks of a network in their order; each has parameters.

    ``rows`` are the layers as models.model_outline gives them: name, type and parameters. Where
    the names say nothing of blocks, one ends where branches come together; in a plain chain each
    layer with parameters begins one.
    """
    keys = [_key(str(row["name"])) for row in rows]
    if sum(key is not None for key in keys) < len(keys) / 2:
        keys = _by_joins(rows)
    begins: dict[int, str] = {}
    seen: set[str] = set()
    last = -1  # the layer before those that no block has yet
    for number, key in enumerate(keys):
        if key is None:
            continue
        if key not in seen:
            start = last + 1
            while seen and start < number and not rows[start]["parameters"]:
                start += 1  # pooling belongs to what it pools
            if not seen and _weigh(rows[:number]):
                begins[0], start = STEM, number
            begins[start] = key
            seen.add(key)
        last = number
    if not begins:
        begins[0] = STEM
    elif _weigh(rows[last + 1 :]):
        begins[last + 1] = TOP
    return _merged(rows, begins)


def find_layer(rows: Sequence[Mapping[str, Any]], name: str) -> int | None:
    """The number of the layer with which the block called so begins, or that is called so."""
    firsts = {str(row["name"]): number for number, row in reversed(list(enumerate(rows)))}
    firsts |= {block.name: block.first for block in blocks_of(rows)}
    return firsts.get(name)


def _key(name: str) -> str | None:
    found = _NAMED.match(name)
    return _SAME_BLOCK.sub("conv_", found[1]) if found else None


def _by_joins(rows: Sequence[Mapping[str, Any]]) -> list[str | None]:
    """A key for each layer: the name of the join that ends its block, or its own."""
    if not any(row["type"] in _JOINS for row in rows):
        return [str(row["name"]) if row["parameters"] else None for row in rows]
    return [str(row["name"]) if row["type"] in _JOINS else None for row in rows]


def _merged(rows: Sequence[Mapping[str, Any]], begins: Mapping[int, str]) -> list[NetworkBlock]:
    """The blocks that begin at these layers; one without parameters belongs to the one before."""
    blocks: list[NetworkBlock] = []
    starts = sorted(begins)
    for start, end in zip(starts, [*starts[1:], len(rows)], strict=True):
        part = rows[start:end]
        names = tuple(str(row["name"]) for row in part)
        if blocks and not _weigh(part):
            before = blocks.pop()
            blocks.append(before._replace(layers=before.layers + names))
        else:
            blocks.append(NetworkBlock(begins[start], names, start, _weigh(part)))
    return blocks


def _weigh(rows: Sequence[Mapping[str, Any]]) -> int:
    return sum(int(row["parameters"]) for row in rows)
