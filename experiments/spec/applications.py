"""The networks of keras.applications: which there are, and what Keras says of them.

Keras is not imported for it. ``scripts/application_facts.py`` writes the facts.
"""

import ast
import importlib.metadata
import importlib.util
import json
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

FACTS_FILE = Path(__file__).parent / "application_facts.json"
#: Those that are asked for most; the others follow in the order of their names.
_FIRST = ("VGG16", "VGG19", "ResNet50", "InceptionV3", "MobileNetV2")


class WeightFile(NamedTuple):
    """A file of ImageNet weights as Keras names it: with (``top``) or without the head.

    ``hash`` is what Keras compares it with, md5 or sha256, or empty where Keras does not.
    """

    name: str
    url: str
    hash: str
    top: bool


class Application(NamedTuple):
    """One network. ``side`` is of the images that it was trained on, in pixels; ``depth`` counts
    layers with parameters; accuracies on ImageNet are in percent, as keras.io documents them."""

    name: str
    parameters: int
    base_parameters: int
    layers: int
    depth: int
    side: int
    least_side: int
    files: tuple[WeightFile, WeightFile]
    top_1: float | None
    top_5: float | None


#: The names of ImageNet's 1,000 classes, as Keras' decode_predictions wants them.
CLASSES_FILE = WeightFile(
    "imagenet_class_index.json",
    "https://storage.googleapis.com/download.tensorflow.org/data/imagenet_class_index.json",
    "c2c37ea517e94d9795004a39431a14cb",
    top=True,
)


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


@lru_cache(maxsize=1)
def list_applications() -> tuple[Application, ...]:
    """The facts of all networks that the installed Keras has and the file of facts knows."""
    rows = json.loads(FACTS_FILE.read_text(encoding="utf-8"))["applications"]
    known = {
        row["name"]: Application(
            **row | {"files": tuple(WeightFile(**file) for file in row["files"])}
        )
        for row in rows
    }
    return tuple(known[name] for name in application_names() if name in known)


def find_application(name: str) -> Application | None:
    """The facts of one network; None where the file of facts does not know it."""
    return next((one for one in list_applications() if one.name == name), None)


def other_keras() -> str | None:
    """The version of Keras that the facts are of, where another one is installed."""
    of: str = json.loads(FACTS_FILE.read_text(encoding="utf-8"))["keras"]
    return of if importlib.metadata.version("keras") != of else None
