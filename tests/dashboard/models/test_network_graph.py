"""The graph of a network: which layers are one box, and what Graphviz is told of them."""

import re
from itertools import pairwise

from dashboard.models.network_graph import color, dot_source, fold, title, widest


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


def edges(rows):
    return re.findall(r"^(\d+) -> (\d+)$", dot_source(fold(rows)), re.MULTILINE)


def test_each_layer_is_a_box_and_each_connection_an_edge():
    source = dot_source(fold(residual(2)))
    assert len(re.findall(r"^\d+ \[", source, re.MULTILINE)) == 11
    assert edges(residual(1)) == [("0", "1"), ("1", "2"), ("2", "3"), ("3", "4"), ("4", "5"),
                                  ("0", "5")]  # fmt: skip


def test_boxes_side_by_side_are_counted():
    rows = [layer("input", "InputLayer")]
    rows += [layer(f"branch_{i}", "Conv2D", "input") for i in range(4)]
    rows += [layer("all", "Concatenate", *(f"branch_{i}" for i in range(4)))]
    assert [widest(fold(layers)) for layers in (rows, chain(10), residual(3), [])] == [4, 1, 1, 0]


def test_a_name_from_a_strangers_file_stays_in_its_quotes():
    name = 'a"]; b [URL="javascript:x" label=<<i>&amp;</i>>]\n\0\\'
    source = dot_source(fold([layer(name, 'D" x="', parameters=9)]))
    (box,) = re.findall(r"^0 \[.*\]$", source, re.MULTILINE)
    strings = re.findall(r'"(?:[^"\\]|\\.)*"', box)
    outside = re.sub(r'"(?:[^"\\]|\\.)*"', "", box)
    assert len(strings) == 4
    assert outside == "0 [label= tooltip= color= fillcolor=]"
    assert source.isascii() or source.replace("\n", "").isprintable()


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
    assert len(fold(residual(13), every_layer=True)) == 66


def test_a_shared_layer_that_comes_back_to_itself_is_drawn():
    rows = [layer("input", "InputLayer"), layer("shared", "Dense", "input", "shared")]
    assert edges(rows) == [("0", "1")]


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


def test_a_layer_that_is_taken_twice_has_one_edge():
    assert edges([layer("a", "InputLayer"), layer("b", "Add", "a", "a")]) == [("0", "1")]
