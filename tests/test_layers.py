"""The arrows of docs/architecture.md: a folder imports from those below it, and nothing else."""

import ast
import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

#: From the ground up. A module may import from its own folder and from folders of lower levels;
#: folders of one level do not know each other. Modules beside the folders stand on top.
LEVELS = [
    ["experiments/core"],
    ["experiments/data"],
    ["experiments/data/reading", "experiments/data/split"],
    ["experiments/spec"],
    ["experiments/diagnosis"],
    ["experiments/logs"],
    ["experiments/tracking", "experiments/inspection"],
    ["experiments/saving"],
    ["experiments/foreign"],
    ["experiments/models"],
    ["experiments/training"],
    ["experiments/inference"],
    ["experiments/running"],
    ["experiments/cli"],
    ["experiments"],
    ["dashboard/shared"],
    ["dashboard/chart"],
    [
        "dashboard/runs", "dashboard/run", "dashboard/launch", "dashboard/compare",
        "dashboard/data", "dashboard/models", "dashboard/pretrained",
    ],
    ["dashboard", "kerascope"],
]  # fmt: skip
#: Folders inside a room that are not levels of their own, but chapters of it.
_CHAPTERS = re.compile(r"^experiments/(data/reading|saving)/")


def modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


MODULES = {dotted(path): path for package in ("kerascope", "experiments", "dashboard")
           for path in modules(package)}  # fmt: skip


def imports(path: Path) -> Iterator[str]:
    """Every name that a module imports anywhere, late ones too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if whole in MODULES else node.module


def folder(name: str) -> str:
    """The folder that a module belongs to; a package's own module belongs to the package."""
    path = MODULES[name].parent.relative_to(ROOT).as_posix()
    return m.group(0).rstrip("/") if (m := _CHAPTERS.match(f"{path}/")) else path


def level(name: str) -> int:
    found = [number for number, folders in enumerate(LEVELS) if folder(name) in folders]
    assert found, f"{folder(name)} has no place in LEVELS"
    return found[0]


@pytest.mark.parametrize("name", MODULES)
def test_imports_point_down(name):
    for other in imports(MODULES[name]):
        ours = other.split(".")[0] in ("experiments", "dashboard")
        assert not ours or other in MODULES, f"{name} imports {other}, which is not there"
        if other in MODULES and folder(other) != folder(name):
            empty = other in ("experiments", "dashboard")  # packages that hold nothing
            assert empty or level(other) < level(name), f"{name} imports {other} from above"


def public(room: Path) -> set[str]:
    """The names in ``__all__`` of a folder: of its modules, or of what it exports itself."""
    for node in ast.parse((room / "__init__.py").read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            return set(ast.literal_eval(node.value))
    return set()


@pytest.mark.parametrize("name", MODULES)
def test_other_rooms_import_only_what_a_room_has_for_them(name):
    for other in imports(MODULES[name]):
        if other in MODULES and folder(other) != folder(name):
            room = MODULES[other].parent
            own = MODULES[other].name == "__init__.py" or room.parent == ROOT
            assert own or MODULES[other].stem in public(room), f"{name} imports {other}, private"


def test_a_room_has_nothing_for_others_that_no_other_asks_for():
    asked = {
        (MODULES[other].parent, MODULES[other].stem)
        for name, path in MODULES.items()
        for other in imports(path)
        if other in MODULES and folder(other) != folder(name)
    }
    for room in {path.parent for path in MODULES.values() if path.parent.parent != ROOT}:
        exported = {alias.name for node in ast.walk(ast.parse((room / "__init__.py").read_text()))
                    if isinstance(node, ast.ImportFrom) for alias in node.names}  # fmt: skip
        modules_there = {path.stem for path in room.glob("*.py")} - exported
        idle = {stem for stem in public(room) & modules_there if (room, stem) not in asked}
        assert not idle, f"{room.relative_to(ROOT)}: {idle}"


def test_no_modules_import_each_other_not_even_late():
    arrows = {name: {other for other in imports(path) if other in MODULES and other != name}
              for name, path in MODULES.items()}  # fmt: skip
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


def test_modules_that_are_started_by_name_are_there():
    """As in ``python_command("experiments.running.keras_server")``."""
    for name, path in MODULES.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            text = node.value if isinstance(node, ast.Constant) else None
            if isinstance(text, str) and re.fullmatch(r"(experiments|dashboard)(\.\w+)+", text):
                assert text in MODULES, f"{name} names {text}, which is not there"


def test_a_stem_names_one_file():
    found: dict[str, list[str]] = {}
    for name, path in MODULES.items():
        if path.stem not in ("__init__", "__main__", "page"):
            found.setdefault(path.stem, []).append(name)
    assert {stem: names for stem, names in found.items() if len(names) > 1} == {}


def test_only_tracking_imports_mlflow():
    for path in MODULES.values():
        if "tracking" not in path.parts:
            assert "mlflow" not in top_level_imports(path), path


def test_only_the_dashboard_imports_streamlit():
    for path in (*modules("experiments"), *modules("kerascope")):
        assert "streamlit" not in top_level_imports(path), path


def test_the_dashboard_imports_neither_tensorflow_nor_keras():
    for path in modules("dashboard"):
        assert not {"tensorflow", "keras"} & top_level_imports(path), path


def top_level_imports(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imports(path)}
