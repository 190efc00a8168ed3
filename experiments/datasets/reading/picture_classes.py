"""Which class each file below a folder or in an archive belongs to: its folder."""

import re
from typing import NamedTuple

from experiments.datasets.reading.found import MOST_CATEGORIES, LeftOut
from experiments.datasets.reading.picture_members import Members, told
from experiments.errors import DatasetError

_PARTS_OF_A_SPLIT = set("train training test testing val valid validation eval".split())


class ClassFolders(NamedTuple):
    """The files of each class, classes and files in natural order; and those that have no class.

    A class can be without files. Paths are those of Members.
    """

    classes: dict[str, list[str]]
    misplaced: list[LeftOut]


def class_folders(members: Members, name: str) -> ClassFolders:
    """The classes; ``name`` is what the user gave. One folder around all others is looked through.

    Raises DatasetError for fewer than 2 classes, more than MOST_CATEGORIES, and train/test folders.
    """
    top = _top_folder(members)
    files = [file.removeprefix(top) for file in members.files]
    folders = [folder.removeprefix(top) for folder in members.folders if folder + "/" != top]
    names = {path.partition("/")[0] for path in folders}
    names |= {path.partition("/")[0] for path in files if "/" in path}
    divided = {path.partition("/")[0] for path in folders if "/" in path}
    divided |= {path.partition("/")[0] for path in files if path.count("/") > 1}
    _refuse_split(names, divided, name, top)
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
    for file in sorted(files, key=natural):
        folder, _, rest = file.partition("/")
        if rest and "/" not in rest:
            classes[folder].append(top + file)
        else:
            why = "in a folder inside a class folder" if rest else "beside the class folders"
            misplaced.append(LeftOut(told(top + file), why))
    return ClassFolders(classes, misplaced)


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


def _refuse_split(names: set[str], divided: set[str], given: str, top: str) -> None:
    splits = {name for name in names if name.casefold() in _PARTS_OF_A_SPLIT}
    only_splits = splits == names and len(splits) > 1
    if splits and (only_splits or splits & divided):
        named = sorted(splits, key=natural)
        raise DatasetError(
            f"{given} is divided into {', '.join(named)}: parts of a split, no classes. Choose one "
            f"of them: give the folder {told(top)}{named[0]} itself, or a zip of it alone. The "
            "split is made when a run is launched."
        )


def _some(names: set[str]) -> str:
    shown = [told(name) for name in sorted(names, key=natural)[:3]]
    return f" ({', '.join(shown)}{' …' if len(names) > 3 else ''})" if shown else ""
