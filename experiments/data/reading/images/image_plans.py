"""What would be stored of images: one size, one number of channels, their classes."""

from collections.abc import Sequence

import numpy as np

from experiments.core.errors import DatasetError
from experiments.data.catalog import Kind, Task
from experiments.data.reading.reader import Images, Plan, ReadOptions, SkippedPart, parts_notes

_TARGET = "class"
_SIDES = (8, 1024)  # pixels that the user can ask for
_AS_THEY_ARE = 512  # pixels a side up to which images of one size stay as they are
_LARGEST_CHOSEN = 224  # pixels a side where they do not
_SHOWN = 10


def check_wanted(wanted: ReadOptions, name: str) -> None:
    """Refuse what cannot be asked of images, before any is read; raises DatasetError."""
    low, high = _SIDES
    if wanted.size is not None and not all(low <= side <= high for side in wanted.size):
        height, width = wanted.size
        raise DatasetError(
            f"{name}: received the size {width}×{height} (width × height), allowed: {low} to "
            f"{high} pixels a side."
        )
    columns = [
        *([wanted.target] if wanted.target not in ("", _TARGET) else []), *wanted.features,
        *filter(None, (wanted.time,)),
    ]  # fmt: skip
    if columns:
        raise DatasetError(
            f"{name}: received {', '.join(columns)!r} as columns, but images have none: their "
            "class is the folder they are in. Leave target, features and time out."
        )
    if wanted.task is Task.REGRESSION:
        raise DatasetError(
            f"{name}: images in class folders have classes, regression needs numbers. Leave the "
            "task out."
        )


def plan_of(name: str, found: Images, wanted: ReadOptions) -> Plan:
    """The plan for images that were found; raises DatasetError for a binary task of 3 classes."""
    check_wanted(wanted, name)
    classes = tuple(kind for kind, _ in found.classes)
    if wanted.task is Task.BINARY and len(classes) > 2:
        raise DatasetError(
            f"{name} has {len(classes)} classes, a binary task has 2. Leave the task out."
        )
    height, width = wanted.size or _chosen_size(found)
    channels = 1 if all(_is_gray(mode) for mode, _ in found.modes) else 3
    return Plan(
        kind=Kind.IMAGE,
        task=wanted.task or (Task.BINARY if len(classes) == 2 else Task.MULTICLASS),
        shape=(height, width, channels),
        samples=sum(count for _, count in found.classes),
        dtype="uint8",
        target=_TARGET,
        class_names=classes,
        parts=found.parts,
        group=wanted.group,
        notes=(
            *parts_notes(found.parts, found.untrained),
            *_groups_notes(found, wanted, name),
            _sizes_note(found, (width, height)),
            _modes_note(found, channels),
            *(
                f"Folders with the same name, written otherwise, are one class: {kind}."
                for kind in found.merged[:_SHOWN]
            ),
            *_left_out_notes(found.left_out),
        ),
    )


def _groups_notes(found: Images, wanted: ReadOptions, name: str) -> tuple[str, ...]:
    if not wanted.group:
        return ()
    samples = sum(count for _, count in found.classes)
    if found.groups in (1, samples):
        what = "the same group in all" if found.groups == 1 else "another group in each of the"
        raise DatasetError(
            f"{name}: {wanted.group!r} finds {what} {samples:,} names of images. Correct the "
            "pattern, or leave the group out."
        )
    return (
        f"Images in whose names {wanted.group} finds the same are one group: {found.groups:,} "
        "groups.",
    )


def _is_gray(mode: str) -> bool:
    return mode in ("1", "L", "LA") or mode.startswith("I")


def _chosen_size(found: Images) -> tuple[int, int]:
    """(height, width): the one that all have, or their median, no larger than is usual."""
    if len(found.sizes) == 1 and max(found.sizes[0][0]) <= _AS_THEY_ARE:
        width, height = found.sizes[0][0]
        return height, width
    sizes = np.array([size for size, _ in found.sizes])
    counts = np.array([count for _, count in found.sizes])
    width, height = (_median(sizes[:, side], counts) for side in (0, 1))
    scale = min(1.0, _LARGEST_CHOSEN / max(width, height))
    return max(_SIDES[0], round(height * scale)), max(_SIDES[0], round(width * scale))


def _median(values: np.ndarray, counts: np.ndarray) -> int:
    """The lower median of values that are there several times."""
    order = np.argsort(values)
    reached = np.cumsum(counts[order])
    return int(values[order][np.searchsorted(reached, (reached[-1] + 1) // 2)])


def _sizes_note(found: Images, size: tuple[int, int]) -> str:
    sizes = [each for each, _ in found.sizes]
    most, count = found.sizes[0]
    if len(sizes) == 1:
        said = f"All images are {_text(most)} (width × height)"
    else:
        smallest, largest = (f(sizes, key=lambda s: (s[0] * s[1], s)) for f in (min, max))
        said = (
            f"{len(sizes):,} sizes (width × height), from {_text(smallest)} to {_text(largest)}, "
            f"most often {_text(most)} ({count:,})"
        )
    if sizes == [size]:
        return f"{said} and stay as they are."
    return f"{said}. Crop to the middle, then resize to {_text(size)}."


def _modes_note(found: Images, channels: int) -> str:
    modes = ", ".join(f"{mode} {count:,}" for mode, count in found.modes)
    became = "gray, 1 channel" if channels == 1 else "RGB, 3 channels"
    deep = any(mode.startswith("I") for mode, _ in found.modes)
    shrunk = " Grays of 16 bits are divided by 256: stretch those that use 12 bits." if deep else ""
    return (
        f"Color modes: {modes}; all become {became} of 8 bits, transparent parts white, "
        f"animations their first frame.{shrunk}"
    )


def _left_out_notes(parts: Sequence[SkippedPart]) -> list[str]:
    """A note for what is left out, and one for each class that is gone."""
    gone = [part for part in parts if part.what.endswith("/")]
    files = [part for part in parts if not part.what.endswith("/")]
    notes = [f"{part.what}: {part.why}." for part in gone]
    if files:
        shown = "; ".join(f"{part.what}: {part.why}" for part in files[:_SHOWN])
        more = f"; and {len(files) - _SHOWN:,} more" if len(files) > _SHOWN else ""
        count = "1 file" if len(files) == 1 else f"{len(files):,} files"
        notes.insert(0, f"Left out: {count} ({shown}{more}).")
    return notes


def _text(size: tuple[int, int]) -> str:
    return f"{size[0]:,}×{size[1]:,}"
