"""The configs inside model files, read as plain data."""

import json
from typing import Any

import h5py

from experiments.core.errors import ModelFileError
from experiments.core.sizes import size_text
from experiments.inspection.checked_hdf5 import read_text
from experiments.inspection.file_limits import MAX_CONFIG_BYTES, MAX_CONFIG_DEPTH


def parse_json(content: str | bytes, where: str) -> dict[str, Any]:
    """The JSON object ``content``; ModelFileError for anything else and for deep nesting."""
    if len(content) > MAX_CONFIG_BYTES:
        raise ModelFileError(
            f"{where} has {size_text(len(content))}, allowed: {size_text(MAX_CONFIG_BYTES)}."
        )
    try:
        config = json.loads(content)
    except RecursionError:
        raise _too_deep(where) from None
    except ValueError as error:
        raise ModelFileError(f"{where} is not valid JSON: {str(error)[:200]}.") from None
    if not isinstance(config, dict):
        raise ModelFileError(
            f"{where} is a JSON {type(config).__name__}, allowed: an object with class_name and "
            "config."
        )
    check_depth(config, where)
    return config


def check_depth(config: object, where: str) -> None:
    """Raise ModelFileError where lists and objects nest deeper than MAX_CONFIG_DEPTH."""
    level: list[object] = [config]
    for _ in range(MAX_CONFIG_DEPTH):
        level = [
            inner
            for value in level
            if isinstance(value, dict | list)
            for inner in (value.values() if isinstance(value, dict) else value)
        ]
        if not level:
            return
    raise _too_deep(where)


def _too_deep(where: str) -> ModelFileError:
    return ModelFileError(f"{where} nests deeper than {MAX_CONFIG_DEPTH} levels.")


def check_model(config: dict[str, Any], where: str) -> dict[str, Any]:
    """``config`` itself where it can be a model's; ModelFileError otherwise."""
    if not isinstance(config.get("class_name"), str) or not isinstance(
        config.get("config"), dict | list
    ):
        raise ModelFileError(
            f"{where} does not describe a Keras model: it needs class_name and config, received "
            f"{', '.join(map(str, list(config)[:5])) or 'nothing'}."
        )
    return config


def read_attribute(file: h5py.File, key: str, where: str) -> dict[str, Any] | None:
    """A config that an HDF5 file keeps as JSON in an attribute, or None where it has none."""
    text = read_text(file, key)
    return None if text is None else parse_json(text, f"{where}: {key}")


#: Parts of a serialized object that say how it was written, not what it is.
_FORM = {"module", "registered_name", "shared_object_id", "build_config", "name"}


def flatten(config: object, prefix: str = "") -> dict[str, Any]:
    """A config as one level, ``kernel_initializer.class_name``: plain values by dotted keys.

    Keras 2 and 3, HDF5 and .keras serialize the same object with more or less around it; what is
    only form is left out, and a dtype policy is its name.
    """
    if isinstance(config, dict):
        inner = config.get("config")
        if isinstance(config.get("class_name"), str) and "DTypePolicy" in config["class_name"]:
            return {prefix: inner.get("name") if isinstance(inner, dict) else inner}
        flat: dict[str, Any] = {}
        for key, value in config.items():
            if key not in _FORM:
                # The inner config of an object stands at the level of the object.
                nested = key == "config" and "class_name" in config
                path = prefix if nested else f"{prefix}.{key}" if prefix else str(key)
                flat |= flatten(value, path) if value != {} else {}
        return flat
    if isinstance(config, list) and any(isinstance(value, dict | list) for value in config):
        flat = {}
        for position, value in enumerate(config):
            flat |= flatten(value, f"{prefix}[{position}]")
        return flat
    return {prefix: config}
