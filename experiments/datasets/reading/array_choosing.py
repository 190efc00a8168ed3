"""Which array of a file has the samples (x), and which the targets (y)."""

import re
from collections.abc import Collection
from typing import NamedTuple

from experiments.datasets.reading.array_source import ArraySource, Listed, list_text
from experiments.datasets.reading.found import Wanted
from experiments.errors import DatasetError, unknown

#: Names, in any case, of arrays that are samples and targets where the user names none.
SAMPLE_NAMES = (
    "x", "data", "images", "features", "samples", "inputs",
    "x_train", "train_x", "train_images", "train_data",
)  # fmt: skip
TARGET_NAMES = (
    "y", "target", "targets", "label", "labels", "class", "outcome",
    "y_train", "train_y", "train_labels", "train_targets",
)  # fmt: skip
#: What says in a name that an array is for training.
TRAINING_WORD = re.compile(r"(?<![a-z])train(ing)?(?![a-z])", re.IGNORECASE)
#: An array of texts with this name names the features of rows.
FEATURE_NAMES = "feature_names"


class Chosen(NamedTuple):
    """The samples, the targets, the names of the features if there is such an array, and how they
    were chosen."""

    x: Listed
    y: Listed
    names: Listed | None
    notes: tuple[str, ...]


def choose(source: ArraySource, wanted: Wanted) -> Chosen:
    """The arrays that are wanted, else those that are known by their names, else by their shapes.

    Raises DatasetError where they are not clear, cannot be used or differ in length.
    """
    if len(wanted.features) > 1:
        raise DatasetError(
            f"{source.name}: received {len(wanted.features)} arrays as samples: "
            f"{', '.join(wanted.features)}. Choose one."
        )
    x = asked_for(source, "array", wanted.features[0]) if wanted.features else None
    y = asked_for(source, "target", wanted.target) if wanted.target else None
    how_x = how_y = "as asked for"
    if x is None:
        x, how_x = _by_name(source, SAMPLE_NAMES, y), "by its name"
    if y is None:
        y, how_y = _by_name(source, TARGET_NAMES, x), "by its name"
    if x is None or y is None:
        how_x = how_x if x else "by its shape"
        how_y = how_y if y else "by its shape"
        x, y = _by_shape(source, x, y)
    _check(source, x, y)
    names = next((listed for listed in source.arrays if _name(listed) == FEATURE_NAMES), None)
    keys = (asked_for(source, "key", path).path for path in (wanted.group, wanted.time) if path)
    used = {x.path, y.path, names.path if names else "", *keys}
    said = (f"The samples are {x} ({how_x}).", f"The targets are {y} ({how_y}).")
    return Chosen(x, y, names, (*said, *unused_note(source, used)))


def unused_note(source: ArraySource, used: Collection[str]) -> tuple[str, ...]:
    """A note on the arrays of other paths; none where there are none."""
    left = [str(listed) for listed in source.arrays if listed.path not in used]
    more = f" and {len(left) - 10:,} more" if len(left) > 10 else ""
    return (f"Not used: {', '.join(left[:10])}{more}.",) if left else ()


def asked_for(source: ArraySource, what: str, path: str) -> Listed:
    """The array of that path; raises DatasetError."""
    arrays = {listed.path: listed for listed in source.arrays}
    found = arrays.get(path) or arrays.get(path.strip("/"))
    if found is None:
        raise DatasetError(f"{source.name}: {unknown(what, path, list(arrays)[:50])}")
    return found


def _by_name(source: ArraySource, names: tuple[str, ...], other: Listed | None) -> Listed | None:
    """The array with the first of these names that one array alone has; in the group of the other
    array before all, then outside of groups, then that for training."""
    group = _group(other) if other else ""
    for name in names:
        found = [one for one in source.arrays if _name(one) == name and one is not other]
        for near in (group, ""):
            beside = [one for one in found if _group(one) == near]
            if len(beside) == 1:
                return beside[0]
        training = [one for one in found if TRAINING_WORD.search(one.path)]
        for only in (found, training):
            if len(only) == 1:
                return only[0]
    return None


def _by_shape(source: ArraySource, x: Listed | None, y: Listed | None) -> tuple[Listed, Listed]:
    """Of two arrays of one length the one with more numbers in a sample is x."""
    usable = [
        one
        for one in source.arrays
        if one.samples and not one.unusable and _name(one) != FEATURE_NAMES
    ]
    if len(source.arrays) == 1:
        raise DatasetError(
            f"{source.name} has one array, {source.arrays[0]}{_why(source.arrays[0])}. Needed: a "
            "target for each sample as well. Save both in one file, for example with "
            "np.savez('data.npz', x=x, y=y)."
        )
    if len(usable) == 2 and usable[0].samples == usable[1].samples:
        small, large = sorted(usable, key=lambda one: one.numbers)
        if x is None and y is None and small.numbers < large.numbers:
            return large, small
        for one, other in ((small, large), (large, small)):
            if one == x:
                return one, other
            if one == y:
                return other, one
    missing = "the target" if x else "the samples" if y else "the samples and the target"
    raise DatasetError(
        f"{source.name}: it is not clear which array is {missing}. It has: {list_text(source)}. "
        "Choose the array with the samples and the one with the targets, or call them x and y."
    )


def _check(source: ArraySource, x: Listed, y: Listed) -> None:
    for listed in (x, y):
        if listed.unusable:
            raise DatasetError(f"{source.name}: the array {listed.path!r}{_why(listed)}.")
    if x.path == y.path:
        raise DatasetError(
            f"{source.name}: {x.path!r} was chosen as samples and as target. Choose two arrays of: "
            f"{list_text(source)}."
        )
    if x.samples != y.samples or not x.samples:
        raise DatasetError(
            f"{source.name}: {x} has {x.samples:,} samples and {y} has {y.samples:,} targets. "
            "Needed: one target for each sample, and at least two of them. Choose other arrays or "
            "save them with one length."
        )


def _why(listed: Listed) -> str:
    return f" {listed.unusable}" if listed.unusable else ""


def _name(listed: Listed) -> str:
    return listed.path.rpartition("/")[2].lower()


def _group(listed: Listed) -> str:
    return listed.path.rpartition("/")[0]
