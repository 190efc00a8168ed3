"""What the source of every module shows: tags have one place, many fields are named."""

import ast

from experiments.tracking.run import Tag
from tests.test_layers import MODULES


def test_tags_have_one_place():
    names = {str(tag) for tag in Tag}
    for path in MODULES.values():
        if path.name != "run.py" or "tracking" not in path.parts:
            strings = {node.value for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
                       if isinstance(node, ast.Constant)}  # fmt: skip
            assert names.isdisjoint(strings), f"{path} spells a tag; take it from tracking.run.Tag"
