"""Which array of a file has the samples (x), and which the targets (y)."""

import re
from collections.abc import Collection, Iterable
from typing import NamedTuple

from experiments.core.errors import DatasetError, unknown
from experiments.data.reading.arrays.array_source import (
    ArrayEntry,
    ArraySource,
    list_text,
    product,
)
from experiments.data.reading.reader import ReadOptions

#: Names of arrays that are samples and targets where the user names none: as _plain has them, so
#: that Xtrain, X_train and x-train are one.
SAMPLE_NAMES = (
    "x", "data", "images", "features", "samples", "inputs",
    "xtrain", "trainx", "trainimages", "traindata", "trainsetx", "trainingx", "trainfeatures",
)  # fmt: skip
TARGET_NAMES = (
    "y", "target", "targets", "label", "labels", "class", "outcome",
    "ytrain", "trainy", "trainlabels", "traintargets", "trainlabel", "traintarget", "trainsety",
    "trainingy",
)  # fmt: skip
#: What says in a name that an array is for training: a word of its own, or beside x or y (trainX,
#: Xtrain), or before a capital (trainImages).
TRAINING_WORD = re.compile(
    r"((?<![a-z])|(?<=(?<![a-z])[xy]))train(ing)?((?![a-z])|(?=[xy](?![a-z]))|(?=(?-i:[A-Z][a-z])))",
    re.IGNORECASE,
)
#: An array of texts with this name names the features of rows.
FEATURE_NAMES = "feature_names"
# Arrays that name the classes, beside samples and targets
_CLASS_NAMES = ("list_classes", "class_names", "target_names")


class ArrayChoice(NamedTuple):
    """The samples, the targets, the names of the features if there is such an array, and how they
    were chosen."""

    x: ArrayEntry
    y: ArrayEntry
    names: ArrayEntry | None
    notes: tuple[str, ...]


def choose(source: ArraySource, wanted: ReadOptions) -> ArrayChoice:
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
    return ArrayChoice(x, y, names, (*said, *unused_note(source, used)))


def unused_note(source: ArraySource, used: Collection[str]) -> tuple[str, ...]:
    """A note on the arrays of other paths; none where there are none."""
    known = {listed.itself for listed in source.arrays if listed.path in used}
    left = [str(listed) for listed in source.arrays if listed.itself not in known]
    more = f" and {len(left) - 10:,} more" if len(left) > 10 else ""
    return (f"Not used: {', '.join(left[:10])}{more}.",) if left else ()


def asked_for(source: ArraySource, what: str, path: str) -> ArrayEntry:
    """The array of that path; raises DatasetError."""
    arrays = {listed.path: listed for listed in source.arrays}
    found = arrays.get(path) or arrays.get(path.strip("/"))
    if found is None:
        raise DatasetError(f"{source.name}: {unknown(what, path, list(arrays)[:50])}")
    return found


def _by_name(
    source: ArraySource, names: tuple[str, ...], other: ArrayEntry | None
) -> ArrayEntry | None:
    """The array with the first of these names that one array alone has; in the group of the other
    array before all, then outside of groups, then that for training."""
    group = _group(other) if other else ""
    for name in names:
        found = _different(
            one
            for one in source.arrays
            if _plain(one) == name and not (other and one.itself == other.itself)
        )
        for near in (group, ""):
            beside = [one for one in found if _group(one) == near]
            if len(beside) == 1:
                return beside[0]
        training = [one for one in found if TRAINING_WORD.search(one.path)]
        for only in (found, training):
            if len(only) == 1:
                return only[0]
    return None


def _by_shape(
    source: ArraySource, x: ArrayEntry | None, y: ArrayEntry | None
) -> tuple[ArrayEntry, ArrayEntry]:
    """Of two arrays of one length the one with more numbers in a sample is x."""
    arrays = [one for one in source.arrays if not one.link_to]
    usable = [
        one for one in arrays if one.samples and not one.unusable and _name(one) != FEATURE_NAMES
    ]
    if len(usable) > 2:
        usable = [one for one in usable if _name(one) not in _CLASS_NAMES]
    if len(arrays) == 1:
        raise DatasetError(
            f"{source.name} has one array, {arrays[0]}{_why(arrays[0])}. Needed: a target for each "
            "sample as well. Save both in one file, for example with "
            "np.savez('data.npz', x=x, y=y)."
        )
    if len(usable) == 2 and usable[0].samples == usable[1].samples:
        small, large = sorted(usable, key=lambda one: one.numbers)
        if x is None and y is None and small.numbers < large.numbers:
            return large, small
        for one, other in ((small, large), (large, small)):
            if x and one.itself == x.itself:
                return x, other
            if y and one.itself == y.itself:
                return other, y
    missing = "the target" if x else "the samples" if y else "the samples and the target"
    raise DatasetError(
        f"{source.name}: it is not clear which array is {missing}. It has: {list_text(source)}. "
        "Choose the array with the samples and the one with the targets, or call them x and y."
    )


def _check(source: ArraySource, x: ArrayEntry, y: ArrayEntry) -> None:
    for listed in (x, y):
        if listed.unusable:
            raise DatasetError(f"{source.name}: the array {listed.path!r}{_why(listed)}.")
    if x.itself == y.itself:
        raise DatasetError(
            f"{source.name}: {x.path!r} was chosen as samples and as target. Choose two arrays of: "
            f"{list_text(source)}."
        )
    if x.samples != y.samples or not x.samples:
        raise DatasetError(
            f"{source.name}: {x} has {x.samples:,} samples and {y} has {y.samples:,} targets. "
            f"Needed: one target for each sample, and at least two of them. {_advice(x, y)}"
        )


def _advice(x: ArrayEntry, y: ArrayEntry) -> str:
    if len(x.array.shape) == 2 and x.numbers == product(y.array.shape) > 1:
        name = x.path.rpartition("/")[2]
        return f"Save {name}.T: MATLAB writes arrays into HDF5 with their axes turned."
    return "Choose other arrays or save them with one length."


def _different(arrays: Iterable[ArrayEntry]) -> list[ArrayEntry]:
    """Without links to others of them."""
    found: dict[str, ArrayEntry] = {}
    for one in sorted(arrays, key=lambda one: bool(one.link_to)):
        found.setdefault(one.itself, one)
    return list(found.values())


def _why(listed: ArrayEntry) -> str:
    return f" {listed.unusable}" if listed.unusable else ""


def _name(listed: ArrayEntry) -> str:
    return listed.path.rpartition("/")[2].lower()


def _plain(listed: ArrayEntry) -> str:
    return re.sub(r"[\W_]", "", _name(listed))


def _group(listed: ArrayEntry) -> str:
    return listed.path.rpartition("/")[0]
