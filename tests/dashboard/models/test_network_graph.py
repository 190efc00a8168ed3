"""The graph of a network: which layers are one box, and that no two boxes overlap."""

from itertools import combinations, pairwise

import numpy as np
import pytest

from dashboard.models.graph_layout import place
from dashboard.models.network_graph import (
    BOX_HEIGHT,
    Graph,
    color,
    fold,
    graph_figure,
    lay_out,
    title,
)


def layer(name, kind, *inbound, parameters=0, **more):
    return {
        "name": name, "type": kind, "output_shape": "(None, 8, 8, 16)", "parameters": parameters,
        "trainable": True, "inbound": list(inbound), **more,
    }  # fmt: skip


def chain(length):
    names = [f"layer_{i}" for i in range(length)]
    first = layer(names[0], "InputLayer")
    pairs = pairwise(names)
    return [first, *(layer(b, "Dense", a, parameters=9) for a, b in pairs)]


def residual(blocks):
    rows, last = [layer("input", "InputLayer")], "input"
    for i in range(blocks):
        rows += [
            layer(f"conv_{i}", "Conv2D", last, parameters=9),
            layer(f"norm_{i}", "BatchNormalization", f"conv_{i}", parameters=4),
            layer(f"relu_{i}", "ReLU", f"norm_{i}"),
            layer(f"second_{i}", "Conv2D", f"relu_{i}", parameters=9),
            layer(f"add_{i}", "Add", f"second_{i}", last),
        ]
        last = f"add_{i}"
    return rows


def overlapping(graph: Graph):
    near = graph.box_width, BOX_HEIGHT
    return [
        (graph.boxes[i].name, graph.boxes[j].name)
        for i, j in combinations(range(len(graph.boxes)), 2)
        if (np.abs(graph.centers[i] - graph.centers[j]) < near).all()
    ]


def test_a_chain_is_one_straight_line_from_the_top_down():
    graph = lay_out(chain(10))
    assert len(set(graph.centers[:, 0])) == 1
    assert (np.diff(graph.centers[:, 1]) > BOX_HEIGHT).all()
    assert len(graph.edges) == 9


def test_a_shortcut_passes_beside_the_boxes_that_it_skips():
    graph = lay_out(residual(3))
    assert not overlapping(graph)
    shortcuts = [edge for edge in graph.edges if len(edge) > 2]
    assert len(shortcuts) == 3
    for edge in shortcuts:
        for x, y in edge[1:-1]:
            beside = [c for c in graph.centers if abs(c[1] - y) < 1]
            assert all(abs(c[0] - x) > graph.box_width / 2 for c in beside)


def test_branches_of_one_layer_stand_side_by_side():
    rows = [layer("input", "InputLayer")]
    rows += [layer(f"branch_{i}", "Conv2D", "input") for i in range(4)]
    rows += [layer("all", "Concatenate", *(f"branch_{i}" for i in range(4)))]
    graph = lay_out(rows)
    assert len(set(graph.centers[1:5, 1])) == 1
    assert not overlapping(graph)
    assert graph.centers[0, 0] == pytest.approx(graph.centers[5, 0])


def test_a_wide_graph_gets_narrower_boxes():
    rows = [layer("input", "InputLayer")]
    rows += [layer(f"branch_{i}", "Conv2D", "input") for i in range(8)]
    graph = lay_out(rows)
    assert graph.width <= 1200
    assert not overlapping(graph)


def test_up_to_sixty_layers_each_has_a_box():
    assert len(fold(chain(60))) == 60


def test_in_a_long_network_a_layer_with_weights_takes_in_what_follows_it():
    boxes = fold(residual(13))
    assert [row["name"] for row in boxes[1].rows] == ["conv_0", "norm_0", "relu_0"]
    assert boxes[3].inbound == ("second_0", "input")
    assert len(boxes) == 1 + 3 * 13


def test_a_layer_that_two_others_take_ends_its_box():
    rows = [*chain(70), layer("a", "ReLU", "layer_69"), layer("b", "ReLU", "layer_69")]
    assert [box.rows[0]["name"] for box in fold(rows)][-2:] == ["a", "b"]


def test_a_chain_of_a_thousand_layers_is_folded_until_it_can_be_read():
    boxes = fold(chain(1000))
    assert 30 <= len(boxes) <= 100
    assert sum(len(box.rows) for box in boxes) == 1000


def test_every_layer_can_be_asked_for():
    assert len(lay_out(residual(13), folded=False).boxes) == 66


def test_a_shared_layer_that_comes_back_to_itself_is_drawn():
    rows = [layer("input", "InputLayer"), layer("shared", "Dense", "input", "shared")]
    assert len(lay_out(rows).edges) == 1


def test_a_model_without_layers_is_an_empty_graph():
    assert graph_figure(lay_out([])).layout.height > 0


def test_a_title_fits_its_box():
    (box,) = [box for box in fold(residual(13)) if box.name == "relu_0"]
    assert title(box) == "Conv2D · BatchNorm · ReLU"
    assert title(box, 12) == "Conv2D +2"


def test_a_box_has_the_color_of_its_layer_with_weights():
    conv = fold([*chain(1), layer("c", "Conv2D", "layer_0", parameters=2)])[1]
    (folded,) = [box for box in fold(residual(13)) if box.name == "relu_0"]
    assert color(conv) == color(folded)


def test_a_pooling_layer_that_averages_is_no_merge():
    pool, average, other = (
        color(fold([layer("a", kind)])[0])
        for kind in ("GlobalAveragePooling2D", "Average", "MaxPooling2D")
    )
    assert pool == other != average


def test_places_do_not_depend_on_how_many_edges_there_are_twice():
    once, twice = place(2, [(0, 1)]), place(2, [(0, 1), (0, 1)])
    assert np.array_equal(once.places, twice.places)


def test_the_figure_has_a_box_and_a_label_for_each_layer():
    graph = lay_out(residual(2))
    figure = graph_figure(graph)
    assert len(figure.layout.shapes) == len(graph.boxes)
    assert len(figure.data[2].text) == len(graph.boxes)
