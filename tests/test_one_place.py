"""What the source of every module shows: tags have one place, many fields are named."""

import ast
from pathlib import Path

from experiments.tracking.run import Tag
from tests.test_layers import MODULES


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def classes_of_many_fields() -> set[str]:
    """The dataclasses and NamedTuples with more than six fields, by module and name."""
    found = set()
    for name, path in MODULES.items():
        for node in parsed(path).body:
            if isinstance(node, ast.ClassDef):
                said = " ".join(map(ast.unparse, [*node.decorator_list, *node.bases]))
                fields = [one for one in node.body if isinstance(one, ast.AnnAssign)]
                if ("dataclass" in said or "NamedTuple" in said) and len(fields) > 6:
                    found.add(f"{name}.{node.name}")
    return found


def test_what_has_more_than_six_fields_is_built_by_keyword():
    many = classes_of_many_fields()
    assert "experiments.data.split.audit.Audit" in many
    for name, path in MODULES.items():
        tree = parsed(path)
        known = {node.name: f"{name}.{node.name}" for node in tree.body
                 if isinstance(node, ast.ClassDef)}  # fmt: skip
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                known |= {one.asname or one.name: f"{node.module}.{one.name}" for one in node.names}
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
                built = known.get(node.func.id)
                assert built not in many, f"{path}:{node.lineno}: {built} by position"


def test_tags_have_one_place():
    names = {str(tag) for tag in Tag}
    for path in MODULES.values():
        if path.name != "run.py" or "tracking" not in path.parts:
            strings = {node.value for node in ast.walk(parsed(path))
                       if isinstance(node, ast.Constant)}  # fmt: skip
            assert names.isdisjoint(strings), f"{path} spells a tag; take it from tracking.run.Tag"


def test_a_public_class_name_names_one_class():
    found: dict[str, list[str]] = {}
    for name, path in MODULES.items():
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found.setdefault(node.name, []).append(name)
    assert {name: places for name, places in found.items() if len(places) > 1} == {}
