"""What is Keras' own, read from the installed package's source without importing it.

Importing Keras costs seconds and 400 MB; the files that export its names are parsed in 60 ms.
"""

import ast
import importlib.util
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from experiments.core.errors import ModelFileError
from experiments.inspection.layer_tree import snake_case

#: Layers that run code from the file or from another file.
RUNS_CODE = frozenset(
    {"Lambda", "TFOpLambda", "SlicingOpLambda", "ClassMethod", "InstanceMethod", "InstanceProperty"}
    | {"TensorFlowOpLayer", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"}
    | {"__lambda__"}
)

#: Functions of ours that a model of Keras 2 has after it was opened, as Keras registers them.
OWN_FUNCTIONS = frozenset({"kerascope>hard_sigmoid_of_keras_2"})
#: Layers of Keras 2 that are opened as others.
_KERAS2_LAYERS = ("ThresholdedReLU",)

_PACKAGES = (
    "layers", "models", "losses", "metrics", "activations", "initializers", "regularizers",
    "constraints", "optimizers", "optimizers.schedules", "optimizers.legacy", "dtype_policies",
    "mixed_precision", "quantizers", "random",
)  # fmt: skip
_FROM_ROOT = {"Model", "Sequential", "DTypePolicy", "FloatDTypePolicy"}
#: Packages of which configs name members by a plain text.
_BY_NAME = ("losses", "metrics", "activations", "initializers", "regularizers", "constraints",
            "optimizers", "quantizers")  # fmt: skip
_OPERATIONS = ("core", "einops", "image", "linalg", "math", "nn", "numpy")
_NO_OBJECTS = {"get", "serialize", "deserialize"}

#: What Keras 2 called by other names, by where it stands; Keras 3 loads the second name.
_KERAS2_FUNCTIONS = {
    "logcosh": "log_cosh",
    "kullback_leibler_divergence": "kl_divergence",
    "cosine_proximity": "cosine_similarity",
}
KERAS2_NAMES = {"losses": _KERAS2_FUNCTIONS, "metrics": _KERAS2_FUNCTIONS}


@dataclass(frozen=True)
class Catalog:
    """``objects``: (module, name) of every class; ``functions``: likewise; ``names``: package to
    the texts that Keras understands there; ``layers``: snake-cased name to layer class."""

    objects: frozenset[tuple[str, str]]
    functions: frozenset[tuple[str, str]]
    names: dict[str, frozenset[str]]
    layers: dict[str, str]

    def has_class(self, module: str | None, name: str) -> bool:
        """Whether a config may name this class; without a module the name alone decides."""
        if module is None:
            return name in self._class_names
        return (module, name) in self.objects

    def has_function(self, module: str | None, name: str) -> bool:
        """Whether a config may name this function; ``builtins`` is Keras' word for its own."""
        if module in (None, "builtins"):
            return name in self._function_names
        return (module, name) in self.functions

    @property
    def _class_names(self) -> frozenset[str]:
        return _last_parts(self.objects)

    @property
    def _function_names(self) -> frozenset[str]:
        return _last_parts(self.functions)


@cache
def _last_parts(pairs: frozenset[tuple[str, str]]) -> frozenset[str]:
    return frozenset(name for _, name in pairs)


@cache
def keras_catalog() -> Catalog:
    """The catalog of the installed Keras; ModelFileError where there is none."""
    spec = importlib.util.find_spec("keras")
    if spec is None or spec.origin is None:
        raise ModelFileError("Keras is not installed, so what is its own cannot be told.")
    root = Path(spec.origin).parent
    objects: set[tuple[str, str]] = {("keras.src.models.functional", "Functional")}
    objects |= {(package, "Functional") for package in ("keras", "keras.models")}
    functions: set[tuple[str, str]] = set()
    names: dict[str, set[str]] = {package: set() for package in _BY_NAME}
    layers: dict[str, str] = {}
    for package in _PACKAGES:
        file = root.joinpath(*package.split("."), "__init__.py")
        for source, original, public in _imports(file):
            if public in _NO_OBJECTS or public in RUNS_CODE:
                continue
            kinds = objects if original[:1].isupper() else functions
            if kinds is objects or package in _BY_NAME:
                kinds |= {(f"keras.{package}", public), (source, original)}
            if package in names:
                names[package].add(public)
            if package == "optimizers":
                # Every optimizer of Keras 2 was there too; Keras 3 has the package, but empty.
                objects.add(("keras.optimizers.legacy", public))
                objects.add(("keras.optimizers.experimental", public))
            if package == "layers" and public[:1].isupper():
                layers[snake_case(public)] = public
    objects |= {("keras.layers", name) for name in _KERAS2_LAYERS}
    for source, original, public in _imports(root / "__init__.py"):
        if public in _FROM_ROOT:
            objects |= {("keras", public), (source, original)}
    for package in _BY_NAME:
        names[package] |= _own_names(root / "src" / package / "__init__.py")
        names[package] |= {snake_case(name) for name in names[package]}
        names[package] |= {name.lower() for name in names[package] if package == "optimizers"}
        names[package] |= set(KERAS2_NAMES.get(package, ()))
    for module in _OPERATIONS:
        text = (root / "src" / "ops" / f"{module}.py").read_text()
        objects |= {
            (f"keras.src.ops.{module}", name)
            for name in re.findall(r"^class (\w+)\(", text, re.MULTILINE)
        }
    for source, original, public in _imports(root / "ops" / "__init__.py"):
        if source == "keras.src.ops.nn":
            functions |= {("keras.ops", public), (source, original)}
    return Catalog(
        frozenset(objects),
        frozenset(functions),
        {package: frozenset(found) for package, found in names.items()},
        layers,
    )


def _imports(file: Path) -> Iterator[tuple[str, str, str]]:
    """Source module, name there and public name of all that a file imports from ``keras.src``."""
    if not file.is_file():
        return
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("keras.src"):
            for alias in node.names:
                yield str(node.module), alias.name, alias.asname or alias.name


def _own_names(file: Path) -> set[str]:
    """What ``ALL_OBJECTS_DICT`` of a package has: its members and the aliases in quotes."""
    names = set()
    for node in ast.parse(file.read_text()).body:
        text = ast.unparse(node)
        if text.startswith("ALL_OBJECTS"):
            names |= {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
            names |= {
                part.value
                for part in ast.walk(node)
                if isinstance(part, ast.Constant) and isinstance(part.value, str)
            }
    return names - {"ALL_OBJECTS", "ALL_OBJECTS_DICT", "cls", "fn", "to_snake_case"}
