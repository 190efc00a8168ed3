"""The networks of keras.applications that the installed Keras has; it is not imported for it."""

import ast
import importlib.util
from functools import lru_cache
from pathlib import Path

#: Those that are asked for most; the others follow in the order of their names.
_FIRST = ("VGG16", "VGG19", "ResNet50", "InceptionV3", "MobileNetV2")


@lru_cache(maxsize=1)
def application_names() -> tuple[str, ...]:
    """What ``keras.applications`` offers, read from its file: importing Keras takes seconds."""
    found = importlib.util.find_spec("keras")
    if found is None or found.origin is None:
        return _FIRST
    path = Path(found.origin).parent / "applications" / "__init__.py"
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    networks = sorted(name for name in names if name[0].isupper())
    first = [name for name in _FIRST if name in networks]
    return (*first, *(name for name in networks if name not in first))
