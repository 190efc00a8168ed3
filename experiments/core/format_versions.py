"""Files say which format they have, so that a later one is told of in words."""

from collections.abc import Mapping
from typing import Any

from experiments.core.errors import ExperimentsError


def check_format(
    what: str,
    data: Mapping[str, Any],
    known: int,
    error: type[ExperimentsError],
    key: str = "format",
) -> None:
    """Raise ``error`` where a file has a later format than this version knows.

    Files of before there was the key have format 1. Other keys that are not known are no reason:
    whoever reads passes over them.
    """
    found = data.get(key, 1)
    if not isinstance(found, int) or found > known:
        raise error(
            f"{what} was written by a newer Kerascope: received format {found}, known up to "
            f"{known}. Update this one, then open it again."
        )
