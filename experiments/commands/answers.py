"""What the commands share: the store, and how an answer is printed."""

import argparse
import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from experiments.settings import read_settings

if TYPE_CHECKING:
    from experiments.tracking.store import Store

Command = Callable[[argparse.Namespace], int]


def open_store() -> "Store":
    """The store of the settings."""
    from experiments.tracking.store import Store

    return Store(read_settings())


def say(options: argparse.Namespace, answer: object, text: str) -> None:
    """Print the answer as JSON where that was asked for, and as text otherwise."""
    print(json.dumps(answer, ensure_ascii=False, indent=2) if options.json else text)
