"""Configs that would make Keras run code, or read files, that are not its own."""

import re
from collections.abc import Iterator
from typing import Any

from experiments.core.errors import ModelFileError
from experiments.inspection.keras_names import OWN_FUNCTIONS, RUNS_CODE, Catalog, keras_catalog

#: Plain values that Keras wraps as objects, and what their ``dtype`` may be.
_VALUES = frozenset(
    {"__tensor__", "__numpy__", "__bytes__", "__ellipsis__", "__slice__", "__keras_tensor__"}
    | {"__tuple__", "TensorShape"}
)
_DTYPE = re.compile(r"(bool|string|u?int(4|8|16|32|64)|b?float(8\w*|16|32|64)|complex(64|128))$")

#: The end of a key, and the package of Keras in which a plain text there is looked up.
_NAMED = re.compile(r"(?:^|_)(activation|initializer|regularizer|constraint)$")
_METRIC_WORDS = frozenset({"accuracy", "acc", "crossentropy", "ce"})

#: Names under which Keras 2 had what Keras 3 still has.
_KERAS2_PACKAGE = re.compile(r"^(tensorflow\.(python\.)?keras|tf_keras)(?=\.|$)")
_KERAS2_FUNCTIONAL = ("keras.src.engine.functional", "keras.engine.functional")


def check_config(config: dict[str, Any], where: str) -> None:
    """Raise ModelFileError, naming what and where, for anything outside Keras' own.

    Every object anywhere in ``config`` is looked at: layers inside wrappers and nested models,
    functions, initializers and the like, dtype policies, and what the model was compiled with.
    ``where`` names the config in messages.
    """
    catalog = keras_catalog()
    for path, value in _walk(config, where):
        if "class_name" in value:
            _check_object(value, path, catalog)
        _check_names(value, path, catalog)
        if isinstance(value.get("compile_config"), dict):
            check_training(value["compile_config"], f"{path}.compile_config", walk=False)
        vocabulary = value.get("vocabulary")
        if vocabulary is not None and not isinstance(vocabulary, list):
            raise ModelFileError(
                f"{path}.vocabulary is {_short(vocabulary)}, which Keras would read from disk; "
                "allowed: the list of its words."
            )


def check_training(config: dict[str, Any], where: str, *, walk: bool = True) -> None:
    """As ``check_config``, for what a model was compiled with: optimizer, losses, metrics."""
    catalog = keras_catalog()
    names = catalog.names
    losses = names["losses"]
    known = {
        "loss": losses,
        "metrics": names["metrics"] | losses | _METRIC_WORDS,
        "weighted_metrics": names["metrics"] | losses | _METRIC_WORDS,
        "optimizer": names["optimizers"],
    }
    for key, allowed in known.items():
        for path, name in _texts(config.get(key), f"{where}.{key}"):
            if name not in allowed:
                raise ModelFileError(f"{path} is {_short(name)}, which Keras does not have.")
    if walk:
        check_config(config, where)


def _walk(config: object, where: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every dict with the path that leads to it."""
    waiting: list[tuple[str, object]] = [(where, config)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict):
            yield path, value
            waiting += [(f"{path}.{key}", inner) for key, inner in value.items()]
        elif isinstance(value, list):
            waiting += [(f"{path}[{position}]", inner) for position, inner in enumerate(value)]


def _texts(value: object, path: str) -> Iterator[tuple[str, str]]:
    """Plain texts in lists and dicts, but not those inside an object's config."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            yield from _texts(inner, f"{path}[{position}]")
    elif isinstance(value, dict) and "class_name" not in value:
        for key, inner in value.items():
            yield from _texts(inner, f"{path}.{key}")


def _check_object(value: dict[str, Any], path: str, catalog: Catalog) -> None:
    kind, inner = value["class_name"], value.get("config")
    if not isinstance(kind, str):
        raise ModelFileError(f"{path}: class_name is {_short(kind)}, allowed: a text.")
    if kind in RUNS_CODE:
        raise ModelFileError(
            f"{path}{_called(inner)} is a {kind}, which runs code from outside Keras; allowed: "
            "the layers that Keras itself has."
        )
    if _is_own_function(value):
        return
    if kind in _VALUES:
        dtype = inner.get("dtype") if isinstance(inner, dict) else None
        if dtype is not None and not (isinstance(dtype, str) and _DTYPE.match(dtype)):
            raise ModelFileError(
                f"{path} has the dtype {_short(dtype)}, which Keras does not have."
            )
        return
    module = _module(value, path)
    function = kind == "function"
    name = inner if function else without_package(kind)
    if not isinstance(name, str):
        raise ModelFileError(f"{path} is a function without a name.")
    known = catalog.has_function if function else catalog.has_class
    if not known(module, name) and not _is_optimizer(kind, module, catalog):
        what = "the function" if function else "the class"
        source = f" of {_short(module)}" if module else ""
        raise ModelFileError(
            f"{path}{_called(inner)} names {what} {_short(name)}{source}, which is not Keras' "
            "own; allowed: what Keras itself has."
        )
    registered = value.get("registered_name")
    if registered not in (None, kind, name):
        raise ModelFileError(
            f"{path}{_called(inner)} asks for {_short(registered)}, registered outside Keras; "
            "allowed: what Keras itself has."
        )


def _is_own_function(value: dict[str, Any]) -> bool:
    """Whether it is one of ours just as Keras writes it: another module would be imported."""
    told = (value["class_name"], value.get("module"), value.get("registered_name"))
    inner = value.get("config")
    is_function = told == ("function", "builtins", "function")
    return is_function and isinstance(inner, str) and inner in OWN_FUNCTIONS


def without_package(kind: str) -> str:
    """The optimizers of Keras 2.11 and later are ``Custom>Adam`` in legacy HDF5."""
    return kind.removeprefix("Custom>")


def _is_optimizer(kind: str, module: str | None, catalog: Catalog) -> bool:
    # Keras looks optimizers up in lower case.
    return module is None and kind.lower() in catalog.names["optimizers"]


def _module(value: dict[str, Any], path: str) -> str | None:
    """The module in the words of Keras 3."""
    module = value.get("module")
    if module is None:
        return None
    if not isinstance(module, str):
        raise ModelFileError(f"{path}: module is {_short(module)}, allowed: a text.")
    module = _KERAS2_PACKAGE.sub("keras", module)
    return "keras" if module in _KERAS2_FUNCTIONAL else module


def _check_names(value: dict[str, Any], path: str, catalog: Catalog) -> None:
    names = catalog.names
    for key, name in value.items():
        if not isinstance(name, str):
            continue
        if found := _NAMED.search(key):
            if name not in names[f"{found[1]}s"]:
                raise ModelFileError(
                    f"{path}.{key} is {_short(name)}, which Keras does not have among its "
                    f"{found[1]}s."
                )
        elif key == "fn" and name not in names["losses"] | names["metrics"]:
            raise ModelFileError(
                f"{path}.fn is {_short(name)}, which Keras does not have among its losses and "
                "metrics."
            )


def _called(config: object) -> str:
    name = config.get("name") if isinstance(config, dict) else None
    return f" ({name[:60]!r})" if isinstance(name, str) else ""


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "…"
