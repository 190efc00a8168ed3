"""Specs from outside: plain dicts, YAML text, YAML files, and overrides of the command line."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from experiments.core.errors import DatasetError, SpecError
from experiments.spec.run_spec import RunSpec
from experiments.spec.spec_errors import describe_errors

NameFinder = Callable[[str], str]


def parse_spec(data: Any) -> RunSpec:
    """A RunSpec from plain dicts; raises SpecError with one line for each field that is refused."""
    if data is None:
        data = {}
    if not isinstance(data, dict):
        raise SpecError(
            f"A spec is a mapping of fields; received {type(data).__name__}. "
            f"Allowed fields: {', '.join(RunSpec.model_fields)}."
        )
    try:
        return RunSpec.model_validate(data)
    except ValidationError as error:
        raise SpecError(describe_errors(error, RunSpec)) from None


def load_spec(
    text: str, overrides: list[str] | None = None, known_name: NameFinder | None = None
) -> RunSpec:
    """A RunSpec from YAML text, with ``a.b=value`` overrides; raises SpecError.

    ``known_name`` makes the whole name of a dataset of what a user calls it.
    """
    try:
        data = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise SpecError(f"This is not YAML: {' '.join(str(error).split())}") from None
    if overrides:
        if data is not None and not isinstance(data, dict):
            parse_spec(data)
        data = dict(data or {})
        for override in overrides:
            _override(data, override)
    if known_name and isinstance(data, dict) and isinstance(data.get("dataset"), dict):
        name = data["dataset"].get("name")
        if isinstance(name, str):
            data["dataset"] = data["dataset"] | {"name": _found(known_name, name)}
    return parse_spec(data)


def _found(known_name: NameFinder, name: str) -> str:
    try:
        return known_name(name)
    except DatasetError as error:
        raise SpecError(f"dataset.name: {error}") from None


def read_spec(
    path: Path, overrides: list[str] | None = None, known_name: NameFinder | None = None
) -> RunSpec:
    """A RunSpec from a YAML file, as load_spec makes one of its text; raises SpecError."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"Cannot read the spec {path}: {error}. Name a YAML file.") from None
    return load_spec(text, overrides, known_name)


def _override(data: dict[str, Any], override: str) -> None:
    path, equals, value = override.partition("=")
    if not equals or not path.strip():
        raise SpecError(
            f"--set received {override!r}. Write FIELD=VALUE, for example training.epochs=5."
        )
    *parents, leaf = path.strip().split(".")
    node = data
    for name in parents:
        child = node.get(name)
        child = dict(child) if isinstance(child, dict) else {}
        node[name] = child
        node = child
    try:
        node[leaf] = yaml.safe_load(value)
    except yaml.YAMLError:
        node[leaf] = value
