"""What all parts of a spec have in common, and the numbers that several of them take."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Fraction = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[int, Field(ge=1)]
Penalty = Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)]
Seed = Annotated[int, Field(ge=0, le=2**31 - 1)]


class SpecPart(BaseModel):
    """A part of a spec: immutable, and a field that it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def flatten(data: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """What a spec or a part of it dumps, under dotted names."""
    flat: dict[str, Any] = {}
    for name, value in data.items():
        if isinstance(value, dict):
            flat |= flatten(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat
