"""Where the nodes of a directed graph stand: ranks from the top down, few crossings, straight
main line. After Sugiyama, Tagawa and Toda (1981), with least-squares columns."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

_ORDERING = 6  # sweeps in which nodes may change places, and those in which they settle
_SETTLING = 16
_STRAIGHT = 8.0  # how much more than others an edge is kept straight that nothing joins or leaves
_BEND_WIDTH = 0.22  # room for an edge that passes a rank, in columns
_BEND_WEIGHT = 0.02  # what passes makes way for what stands


class Layout(NamedTuple):
    """Places (n, 2) in columns and ranks, and for each edge its points (m, 2), ends included."""

    places: np.ndarray
    edges: tuple[np.ndarray, ...]


def place(nodes: int, edges: Sequence[tuple[int, int]]) -> Layout:
    """Place nodes 0 … n-1; each edge (a, b) has a < b."""
    ranks = [0] * nodes
    for a, b in sorted(edges, key=lambda edge: edge[1]):
        ranks[b] = max(ranks[b], ranks[a] + 1)
    chains, steps = [], []  # each edge as node, bend, bend, …, node
    for a, b in edges:
        bends = list(range(len(ranks), len(ranks) + ranks[b] - ranks[a] - 1))
        ranks += range(ranks[a] + 1, ranks[b])
        chains.append([a, *bends, b])
        steps += list(zip(chains[-1][:-1], chains[-1][1:], strict=True))
    by_rank: list[list[int]] = [[] for _ in range(max(ranks, default=-1) + 1)]
    for node, rank in enumerate(ranks):
        by_rank[rank].append(node)
    x = _columns(by_rank, steps, nodes)
    points = np.array([x, ranks], dtype=float).T.reshape(-1, 2)
    return Layout(points[:nodes], tuple(points[chain] for chain in chains))


def _columns(by_rank: list[list[int]], steps: Sequence[tuple[int, int]], nodes: int) -> np.ndarray:
    total = sum(map(len, by_rank))
    near: list[dict[int, float]] = [{} for _ in range(total)]  # neighbor -> pull
    leaving, arriving = np.zeros(total, int), np.zeros(total, int)
    for a, b in steps:
        leaving[a] += 1
        arriving[b] += 1
    for a, b in steps:
        near[a][b] = near[b][a] = _STRAIGHT if leaving[a] == arriving[b] == 1 else 1.0
    width = np.where(np.arange(total) < nodes, 1.0, _BEND_WIDTH)
    weight = np.where(np.arange(total) < nodes, 1.0, _BEND_WEIGHT)
    rank = np.zeros(total, int)
    for number, row in enumerate(by_rank):
        rank[row] = number
    x = np.zeros(total)
    for row in by_rank:
        x[row] = _apart(np.zeros(len(row)), width[row], weight[row])
    for sweep in range(_ORDERING + _SETTLING):
        down = sweep % 2 == 0
        for row in by_rank if down else reversed(by_rank):
            if len(row) == 1:
                x[row] = 0.0  # all that the network knows passes here: its middle
                continue
            ordering = sweep < _ORDERING
            sides = [
                [n for n in near[i] if not ordering or (rank[n] < rank[i]) == down] for i in row
            ]
            wanted = np.array(
                [
                    np.average(x[side], weights=[weight[n] * near[i][n] for n in side])
                    if side
                    else x[i]
                    for i, side in zip(row, sides, strict=True)
                ]
            )
            if ordering:
                order = np.argsort(wanted, kind="stable")
                row[:], wanted = [row[i] for i in order], wanted[order]
            x[row] = _apart(wanted, width[row], weight[row])
    for line in _lines(steps, near, total):
        x[line] = np.average(x[line], weights=weight[line])
    for row in by_rank:
        x[row] = _apart(x[row], width[row], weight[row])
    return x


def _lines(
    steps: Sequence[tuple[int, int]], near: list[dict[int, float]], total: int
) -> list[list[int]]:
    """Nodes in a row that nothing joins or leaves, from the top down: they stand in one column."""
    line_of = {node: [node] for node in range(total)}
    for a, b in steps:
        if near[a][b] == _STRAIGHT:
            line_of[a].append(b)
            line_of[b] = line_of[a]
    return [line for node, line in line_of.items() if line[0] == node and len(line) > 1]


def _apart(wanted: np.ndarray, width: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The places nearest to those wanted, in this order, at which no two overlap.

    Least squares with ``weight``, by pooling neighbors that are too near.
    """
    offset = (
        np.concatenate([[0.0], np.cumsum((width[1:] + width[:-1]) / 2)]) if len(width) else width
    )
    pools: list[tuple[float, float, int]] = []  # mean, weight, members
    for value, heaviness in zip(wanted - offset, weight, strict=True):
        mean, mass, members = float(value), float(heaviness), 1
        while pools and pools[-1][0] > mean:
            before, more, others = pools.pop()
            mean = (mean * mass + before * more) / (mass + more)
            mass, members = mass + more, members + others
        pools.append((mean, mass, members))
    return np.repeat([pool[0] for pool in pools], [pool[2] for pool in pools]) + offset
