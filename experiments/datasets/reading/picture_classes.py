"""Which class each file below a folder or in an archive belongs to, and which part: its folders."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from experiments.datasets.catalogue import TEST, TRAINING, VALIDATION
from experiments.datasets.reading.found import MOST_CATEGORIES, LeftOut
from experiments.datasets.reading.picture_members import Members, told
from experiments.errors import DatasetError

#: Folders, in any case, that are parts of a split and no classes.
_PARTS = {
    **dict.fromkeys(("train", "training"), TRAINING),
    **dict.fromkeys(("val", "valid", "validation", "eval", "dev"), VALIDATION),
    **dict.fromkeys(("test", "testing"), TEST),
}


class ClassFolders(NamedTuple):
    """The files of each class, classes and files in natural order; and those that have no class.

    A class can be without files. Paths are those of Members. ``part_of`` has the part of each file,
    where there are folders for training, validation or test around those of the classes.
    """

    classes: dict[str, list[str]]
    misplaced: list[LeftOut]
    part_of: dict[str, int]


def class_folders(members: Members, name: str) -> ClassFolders:
    """The classes; ``name`` is what the user gave. One folder around all others is looked through.

    Raises DatasetError for fewer than 2 classes, more than MOST_CATEGORIES, and folders for parts
    beside others or without one for training.
    """
    top = _top_folder(members)
    files = [file.removeprefix(top) for file in members.files]
    folders = [folder.removeprefix(top) for folder in members.folders if folder + "/" != top]
    names = _first_folders(folders, files)
    divided = {path.partition("/")[0] for path in folders if "/" in path}
    divided |= {path.partition("/")[0] for path in files if path.count("/") > 1}
    parts = _split_folders(names, divided, name, top)
    if parts:
        names = _first_folders(
            [path.partition("/")[2] for path in folders if "/" in path],
            [path.partition("/")[2] for path in files],
        )
    if not 2 <= len(names) <= MOST_CATEGORIES:
        raise DatasetError(
            f"{name} has {len(names):,} class folders{_some(names)}, allowed: 2 to "
            f"{MOST_CATEGORIES:,}. Put the pictures of each class into a folder with its name."
        )
    unwritable = [folder for folder in names if told(folder) != folder]
    if unwritable:
        raise DatasetError(
            f"{name}: the folder {told(min(unwritable))!r} cannot name a class: it has controls or "
            "bytes that are no UTF-8. Rename it."
        )
    classes: dict[str, list[str]] = {folder: [] for folder in sorted(names, key=natural)}
    misplaced = []
    part_of = {}
    for file in sorted(files, key=natural):
        part, _, inside = file.partition("/") if parts else ("", "", file)
        folder, _, rest = inside.partition("/")
        if rest and "/" not in rest:
            classes[folder].append(top + file)
            if parts:
                part_of[top + file] = parts[part]
        else:
            why = "in a folder inside a class folder" if rest else "beside the class folders"
            misplaced.append(LeftOut(told(top + file), why))
    return ClassFolders(classes, misplaced, part_of)


def natural(name: str) -> tuple[list[str | int], str]:
    """The key by which 2 comes before 10, whatever the case of letters."""
    parts = re.split(r"([0-9]+)", name.casefold())
    # Names of archives and files have at most 255 characters, so no number takes long.
    return [int(part) if at % 2 else part for at, part in enumerate(parts)], name


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


def _split_folders(names: set[str], divided: set[str], given: str, top: str) -> dict[str, int]:
    """The part that each folder is, where all of them are parts; nothing where none is."""
    splits = {name: _PARTS[name.casefold()] for name in names if name.casefold() in _PARTS}
    only_splits = set(splits) == names and len(splits) > 1
    if not splits or not (only_splits or set(splits) & divided):
        return {}
    named = sorted(splits, key=natural)
    training = [name for name in named if splits[name] == TRAINING]
    if only_splits and len(set(splits.values())) == len(splits) and set(training) & divided:
        return splits
    raise DatasetError(
        f"{given} is divided into {', '.join(named)}: parts of a split, no classes. Allowed: a "
        "folder train with a folder for each class in it, beside it val and test with the same "
        f"ones, and nothing else. Or give one alone: the folder {told(top)}{named[0]} itself."
    )


def _some(names: set[str]) -> str:
    shown = [told(name) for name in sorted(names, key=natural)[:3]]
    return f" ({', '.join(shown)}{' …' if len(names) > 3 else ''})" if shown else ""
