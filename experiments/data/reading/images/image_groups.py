"""Which images belong together, by what their names have in common: a patient, a scene."""

import re
from collections.abc import Callable

from experiments.core.errors import DatasetError
from experiments.data.reading.images.image_members import told

#: The group of an image by its path; None where none is asked for.
GroupOf = Callable[[str], str] | None


def grouping(pattern: str, name: str) -> GroupOf:
    """Finds the group of an image: what a pattern (of Python's re) finds in its path inside the
    class folder, or its first group in parentheses; ``name`` is what the user gave.

    Raises DatasetError for a pattern that is none, and when asked for a path that has no group.
    """
    if not pattern:
        return None
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise DatasetError(
            f"{name}: received {pattern!r} as the group, which is not a valid pattern: {error}. "
            "Write a regular expression that finds in the names of images what belongs "
            "together: ^[^_]+ is all before the first _."
        ) from None

    def group_of(path: str) -> str:
        found = compiled.search(path)
        text = (found[1] if compiled.groups else found[0]) if found else None
        if not text:
            raise DatasetError(
                f"{name}: {pattern!r} finds no group in the name of {told(path)}. Every image "
                "needs one: correct the pattern, or leave the group out."
            )
        return text

    return group_of
