"""What pydantic found wrong, said as: the field, what was received, what is allowed."""

import re
from difflib import get_close_matches
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

_MOST = 20
_TYPES = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "string": "text",
    "list": "a list",
    "model": "a mapping of fields",
    "dict": "a mapping of fields",
}


def describe_errors(error: ValidationError, root: type[BaseModel]) -> str:
    """One line for each refused field, each ``field: received …. Allowed: ….``."""
    lines = list(dict.fromkeys(_describe(detail, root) for detail in error.errors()))
    if len(lines) > _MOST:
        lines = [*lines[:_MOST], f"… and {len(lines) - _MOST} more."]
    return "\n".join(lines)


def _describe(detail: ErrorDetails, root: type[BaseModel]) -> str:
    kind = detail["type"]
    path, owner = _walk(detail["loc"], root)
    context = detail.get("ctx", {})
    if kind == "extra_forbidden" and owner is not None:
        name = path[-1]
        near = get_close_matches(name, owner.model_fields, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        return f"{'.'.join(path)}: unknown field.{hint} Allowed: {', '.join(owner.model_fields)}."
    if kind == "value_error":
        message = detail["msg"].removeprefix("Value error, ")
        names_field = path and re.match(r"\w+: received", message)  # of a part, by its own check
        return ("." if names_field else ": ").join(filter(None, [".".join(path), message]))
    allowed = _allowed(kind, detail, context)
    return f"{'.'.join(path)}: received {_short(detail['input'])}. Allowed: {allowed}."


def _walk(
    location: tuple[int | str, ...], root: type[BaseModel]
) -> tuple[list[str], type[BaseModel] | None]:
    """The dotted path without the tags that pydantic adds for unions, and the model it ends in."""
    path: list[str] = []
    owner: type[BaseModel] | None = root
    candidates = [root]
    for step in location:
        members = [model for model in candidates if _tag(model) == step]
        if members:  # the discriminator's value stands in the path after the field itself
            owner, candidates = members[0], members
            continue
        path.append(str(step))
        owner = candidates[0] if candidates else None
        fields = [model.model_fields[step] for model in candidates if step in model.model_fields]
        candidates = _models(fields[0].annotation) if fields else []
    return path, owner


def _tag(model: type[BaseModel]) -> Any:
    field = model.model_fields.get("name")
    return field.default if field and get_origin(field.annotation) is Literal else None


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models(part)]


def _allowed(kind: str, detail: ErrorDetails, context: dict[str, Any]) -> str:
    limits = {
        "greater_than_equal": "{ge} or more",
        "greater_than": "more than {gt}",
        "less_than_equal": "{le} or less",
        "less_than": "less than {lt}",
        "literal_error": "{expected}",
        "too_short": "at least {min_length} entries",
        "too_long": "at most {max_length} entries",
        "string_too_long": "at most {max_length} characters",
        "finite_number": "a finite number",
    }
    if kind in limits:
        return limits[kind].format(**context)
    if kind.startswith("union_tag"):
        tags = context.get("expected_tags", "'linear', 'mlp', 'cnn', 'resnet'")
        return f"a mapping with name one of {tags}"
    for prefix, words in _TYPES.items():
        if kind.startswith(prefix):
            return words
    return detail["msg"]


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}…"
