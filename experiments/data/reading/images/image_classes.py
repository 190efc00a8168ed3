"""Which class each file below a folder or in an archive belongs to, and which part: its folders."""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable
from typing import NamedTuple

from experiments.core.errors import DatasetError
from experiments.data.catalog import PART_WORDS, TRAINING
from experiments.data.reading.images.image_members import Members, told
from experiments.data.reading.reader import MOST_CATEGORIES, SkippedPart

# Files that may stand beside the class folders, by their suffixes and, without one, their names
_NO_IMAGES = frozenset(
    ".md .txt .rst .csv .tsv .json .jsonl .xml .yaml .yml .toml .html .log .py .ipynb".split()
)
_NO_IMAGE_NAMES = frozenset("readme license license copying notice authors changelog".split())


class ClassFolders(NamedTuple):
    """The files of each class, classes and files in natural order; and those that have no class:
    ``misplaced``, and ``beside`` the class folders those that are plainly no images.

    A class can be without files. Its name is composed (NFC): folders whose names differ in that
    only, as macOS and others write them, are one class, and ``merged`` names these classes. Paths
    are those of Members; ``inside`` has what follows the class folder of each, and ``part_of`` its
    part, where there are folders for training, validation or test around those of the classes.
    """

    classes: dict[str, list[str]]
    misplaced: list[SkippedPart]
    beside: list[SkippedPart]
    part_of: dict[str, int]
    merged: tuple[str, ...]
    inside: dict[str, str]


def class_folders(members: Members, name: str, nested: bool = False) -> ClassFolders:
    """The classes; ``name`` is what the user gave. One folder around all others is looked through.
    With ``nested`` files may be in folders inside those of the classes.

    Raises DatasetError for fewer than 2 classes, more than MOST_CATEGORIES, and folders for parts
    beside others or without one for training.
    """
    top = _top_folder(members)
    files = [file.removeprefix(top) for file in members.files]
    folders = [folder.removeprefix(top) for folder in members.folders if folder + "/" != top]
    names = _first_folders(folders, files)
    divided = {path.partition("/")[0] for path in folders if "/" in path}
    divided |= {path.partition("/")[0] for path in files if path.count("/") > 1}
    parts = _split_folders(names, divided, name, nested)
    if parts:
        names = _first_folders(
            [path.partition("/")[2] for path in folders if "/" in path],
            [path.partition("/")[2] for path in files],
        )
    composed = Counter(map(_composed, names))
    if not 2 <= len(composed) <= MOST_CATEGORIES:
        raise DatasetError(
            f"{name} has {len(composed):,} class folders{_some(composed)}, allowed: 2 to "
            f"{MOST_CATEGORIES:,}. Put the images of each class into a folder with its name."
        )
    unwritable = [folder for folder in names if told(folder) != folder]
    if unwritable:
        raise DatasetError(
            f"{name}: the folder {told(min(unwritable))!r} cannot name a class: it has controls or "
            "bytes that are not UTF-8. Rename it."
        )
    classes: dict[str, list[str]] = {kind: [] for kind in sorted(composed, key=natural)}
    misplaced, beside = [], []
    part_of, inside_of = {}, {}
    for path in sorted(members.files, key=natural):
        file = path.removeprefix(top)
        part, _, inside = file.partition("/") if parts else ("", "", file)
        folder, _, rest = inside.partition("/")
        if rest and (nested or "/" not in rest):
            classes[_composed(folder)].append(path)
            inside_of[path] = rest
            if parts:
                part_of[path] = parts[part]
        elif rest:
            misplaced.append(SkippedPart(told(path), "in a folder inside a class folder"))
        elif _is_plainly_no_image(path):
            beside.append(SkippedPart(told(path), "no image, beside the class folders"))
        else:
            misplaced.append(SkippedPart(told(path), "beside the class folders"))
    merged = tuple(kind for kind in classes if composed[kind] > 1)
    return ClassFolders(classes, misplaced, beside, part_of, merged, inside_of)


def natural(name: str) -> tuple[list[str | int], str]:
    """The key by which 2 comes before 10, whatever the case of letters."""
    parts = re.split(r"([0-9]+)", name.casefold())
    # Names of archives and files have at most 255 characters, so no number takes long.
    return [int(part) if at % 2 else part for at, part in enumerate(parts)], name


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _is_plainly_no_image(path: str) -> bool:
    _, dot, suffix = path.rpartition("/")[2].lower().rpartition(".")
    return f".{suffix}" in _NO_IMAGES if dot else suffix in _NO_IMAGE_NAMES


def _top_folder(members: Members) -> str:
    """The one folder, with /, that holds all folders; else nothing."""
    paths = [*members.folders, *members.files]
    tops = {path.partition("/")[0] for path in members.folders}
    tops |= {path.partition("/")[0] for path in members.files if "/" in path}
    if len(tops) != 1:
        return ""
    top = tops.pop() + "/"
    inner = members.folders + [path.rpartition("/")[0] for path in paths if path.count("/") > 1]
    return top if any(folder.startswith(top) for folder in inner) else ""


def _first_folders(folders: Iterable[str], files: Iterable[str]) -> set[str]:
    names = {path.partition("/")[0] for path in folders}
    return names | {path.partition("/")[0] for path in files if "/" in path}


def _split_folders(names: set[str], divided: set[str], given: str, nested: bool) -> dict[str, int]:
    """The part that each folder is, where all of them are parts; nothing where none is, or where
    one class among others is called so."""
    splits = {name: PART_WORDS[low] for name in names if (low := name.casefold()) in PART_WORDS}
    only_splits = set(splits) == names and len(splits) > 1
    if not splits or not (only_splits or set(splits) & divided):
        return {}
    if nested and len(splits) == 1:
        return {}
    named, others = sorted(splits, key=natural), sorted(names - set(splits), key=natural)
    training = [name for name in named if splits[name] == TRAINING]
    if only_splits and len(set(splits.values())) == len(splits) and set(training) & divided:
        return splits
    beside = f", with {', '.join(map(told, others[:3]))} beside them" if others else ""
    raise DatasetError(
        f"{given} is divided into {', '.join(named)}: parts of a split, no classes{beside}. "
        "Allowed: a folder train with a folder for each class in it, beside it val and test with "
        f"the same ones, and nothing else. Or give one alone: the folder {(training or named)[0]}."
    )


def _some(names: Collection[str]) -> str:
    shown = [told(name) for name in sorted(names, key=natural)[:3]]
    return f" ({', '.join(shown)}{' …' if len(names) > 3 else ''})" if shown else ""
