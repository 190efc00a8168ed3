"""Private names of other libraries stand in one module a package, each with a test."""

import ast
from collections.abc import Iterator

import pytest

from tests.test_layers import MODULES, ROOT, imports

#: Where private names of others may stand, and where the tests of them are.
COMPAT = {
    "experiments.core.keras_compat": "tests/experiments/core/test_keras_compat.py",
    "experiments.tracking.mlflow_compat": "tests/experiments/tracking/test_mlflow_compat.py",
    "dashboard.shared.streamlit_fixes": "tests/dashboard/shared/test_streamlit_fixes.py",
}
#: All that other modules may import of libraries whose modules are not all public.
PUBLIC = {
    "keras": {"keras", "keras.utils"},
    "tensorflow": {"tensorflow"},
    "mlflow": {"mlflow", "mlflow.entities", "mlflow.exceptions", "mlflow.tracking"},
    "streamlit": {"streamlit", "streamlit.components", "streamlit.testing.v1"},
    "plotly": {"plotly.express", "plotly.graph_objects"},
    "h5py": {"h5py"},
}
#: Names that begin with an underscore and are public all the same.
DOCUMENTED = {
    "_asdict": "NamedTuple", "_fields": "NamedTuple", "_make": "NamedTuple",
    "_replace": "NamedTuple", "_exit": "os, for a child that was forked",
}  # fmt: skip
#: Modules inside of libraries as one reaches them without an import.
_INSIDE = {"keras.src", "tensorflow.python", "tf.python", "mlflow.store", "mlflow.utils"} | {
    "st.runtime", "st.elements", "streamlit.runtime", "streamlit.elements", "h5py._hl",
}  # fmt: skip
OTHERS = {name: path for name, path in MODULES.items() if name not in COMPAT}
OTHERS |= {
    f"{folder}.{path.stem}": path
    for folder in ("scripts", "benchmarks") for path in (ROOT / folder).glob("*.py")
}  # fmt: skip


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name not in DOCUMENTED


def defined_in(tree: ast.Module) -> set[str]:
    """The names that a module gives to what is its own, attributes of ``self`` among them."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            if ast.unparse(node.value) in ("self", "cls"):
                names.add(node.attr)
    return names


def private_names(tree: ast.Module) -> Iterator[str]:
    """What is private of other objects, with its line: attributes, also by ``getattr``, and names
    that are imported."""
    own = defined_in(tree)
    for node in ast.walk(tree):
        found = []
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) not in ("self", "cls"):
            found = [node.attr] if node.attr not in own else []
            found += ["_"] if ast.unparse(node) in _INSIDE else []
        elif isinstance(node, ast.ImportFrom):
            found = [*str(node.module).split("."), *(alias.name for alias in node.names)]
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in (
            "getattr", "setattr", "hasattr", "delattr", "attrgetter", "methodcaller",
        ):  # fmt: skip
            said = [one.value for one in node.args if isinstance(one, ast.Constant)]
            found = [one for one in said if isinstance(one, str) and one not in own]
        if any(map(is_private, found)):
            yield f"{node.lineno}: {ast.unparse(node)}"


@pytest.mark.parametrize("name", OTHERS)
def test_no_module_reads_what_is_private_of_another(name):
    assert list(private_names(ast.parse(OTHERS[name].read_text(encoding="utf-8")))) == []


@pytest.mark.parametrize("name", OTHERS)
def test_no_module_imports_what_is_inside_of_a_library(name):
    for other in imports(OTHERS[name]):
        library = other.partition(".")[0]
        assert other in PUBLIC.get(library, {other}), (
            f"{name} imports {other}. Allowed: {sorted(PUBLIC[library])}, or a function of "
            f"{sorted(COMPAT)} with a test"
        )


@pytest.mark.parametrize("name", COMPAT)
def test_each_function_over_private_names_says_why_and_has_a_test(name):
    tests = (ROOT / COMPAT[name]).read_text(encoding="utf-8")
    for node in ast.parse(MODULES[name].read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{name}.{node.name} does not say what it is for"
            assert node.name == "hide_raw_export" or f".{node.name}(" in tests, node.name


@pytest.mark.parametrize(
    "code",
    [
        "model._flatten_layers()", "getattr(model, '_functional', None)", "self.model._layers",
        "from keras.src.utils._x import y", "from library import _name", "keras.src.utils",
        "optimizer._step = None", "hasattr(x, '_y')",
    ],
)  # fmt: skip
def test_private_names_are_found(code):
    assert len(list(private_names(ast.parse(code)))) == 1


@pytest.mark.parametrize(
    "code",
    [
        "self._x + cls._y", "row._replace(a=1)", "os._exit(0)", "x.__class__",
        "class A:\n def f(self, other):\n  self._x = other._x", "from a import b",
    ],
)  # fmt: skip
def test_names_of_ones_own_and_documented_ones_are_no_private_names(code):
    assert list(private_names(ast.parse(code))) == []
