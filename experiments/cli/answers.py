"""What the commands share: the store, and how an answer is printed."""

import argparse
import json
import math
from typing import TYPE_CHECKING, Any

from experiments.core.settings import settings_in_use

if TYPE_CHECKING:
    from experiments.tracking.store import Store


def open_store() -> "Store":
    """The store of the settings."""
    from experiments.tracking.store import Store

    return Store(settings_in_use())


def say(options: argparse.Namespace, answer: object, text: str) -> None:
    """Print the answer as JSON where that was asked for, and as text otherwise."""
    print(as_json(answer) if options.json else text)


def as_json(answer: object) -> str:
    """An answer as JSON, which has no infinity and no NaN: they are null."""
    return json.dumps(_finite(answer), ensure_ascii=False, indent=2, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    return [_finite(one) for one in value] if isinstance(value, list | tuple) else value
