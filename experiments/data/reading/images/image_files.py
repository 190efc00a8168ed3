"""Images in class folders, below a folder or in a zip archive."""

from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from os import cpu_count
from pathlib import Path
from typing import TypeVar

import numpy as np

from experiments.core.errors import DatasetError
from experiments.data.catalog import TEST, TRAINING, VALIDATION
from experiments.data.reading.images.image_classes import ClassFolders, class_folders
from experiments.data.reading.images.image_decoding import (
    ImageHeader,
    check,
    decode,
    quiet_pillow,
)
from experiments.data.reading.images.image_folders import open_members
from experiments.data.reading.images.image_groups import GroupOf, grouping
from experiments.data.reading.images.image_members import BadPartError, Members, told
from experiments.data.reading.images.image_plans import check_wanted, plan_of
from experiments.data.reading.keys import same_number
from experiments.data.reading.reader import (
    Block,
    FileContents,
    Images,
    Plan,
    ReadOptions,
    SkippedPart,
)

_MOST_PIXELS = 500 * 10**9  # in all: hours of decoding, whatever the archive weighs
_BLOCK = 16 << 20  # bytes
_PORTION = 4 << 20  # bytes that a thread decodes at a time …
_MOST_OF_A_PORTION = 16  # … and images
_SHOWN = 5

In = TypeVar("In")
Out = TypeVar("Out")


class _ImageReader:
    """See ``found.Reader``. ``look`` decodes every image once, in as many threads as there are
    cores; between it and ``blocks`` nothing is kept but what ``look`` returned."""

    def look(self, path: Path, wanted: ReadOptions) -> Images:
        check_wanted(wanted, path.name)
        with open_members(path) as members:
            folders = class_folders(members, path.name, bool(wanted.group))
            group_of = grouping(wanted.group, path.name)
            found = _check_images(members, folders, path.name, group_of)
        if not wanted.skip_bad:
            _refuse_bad(path.name, folders, found)
        if len(found.classes) < 2:
            raise DatasetError(
                f"{path.name}: {len(found.classes)} of {len(folders.classes)} classes has good "
                f"images, at least 2 are needed. {_listed(found.left_out)}. Repair or remove them."
            )
        return found

    def plan(self, path: Path, found: FileContents, wanted: ReadOptions) -> Plan:
        assert isinstance(found, Images)
        return plan_of(path.name, found, wanted)

    def blocks(
        self, path: Path, found: FileContents, plan: Plan, wanted: ReadOptions
    ) -> Iterator[Block]:
        assert isinstance(found, Images)
        height, width, channels = plan.shape
        one = height * width * channels
        portion = max(1, min(_MOST_OF_A_PORTION, _PORTION // one))
        left_out = {part.what for part in found.left_out}
        group_of = grouping(plan.group, path.name)
        with open_members(path) as members:
            folders = class_folders(members, path.name, bool(plan.group))
            samples = [
                (file, number, folders.part_of.get(file, 0))
                for number, name in enumerate(plan.class_names)
                for file in folders.classes.get(name, [])
                if told(file) not in left_out
            ]
            samples.sort(key=lambda sample: sample[2])

            def decode_all(some: Sequence[tuple[str, int, int]]) -> Block:
                x = np.empty((len(some), height, width, channels), np.uint8)
                for row, (file, *_) in enumerate(some):
                    try:
                        x[row] = decode(members.read(file), (height, width, channels))
                    except BadPartError as error:
                        raise DatasetError(
                            f"{path.name}: {told(file)}: {error}. It was good before: the file "
                            "changed while it was read. Add it again when nothing writes to it."
                        ) from None
                y = np.array([number for _, number, _ in some], np.int64)
                parts = np.array([part for *_, part in some], np.int8) if plan.parts else None
                groups = None
                if group_of:
                    texts = [group_of(folders.inside[file]) for file, *_ in some]
                    groups = np.array([same_number(text) for text in texts], np.int64)
                return Block(x, y, groups, parts=parts)

            quiet_pillow()
            waiting: list[Block] = []
            for part in _in_order(decode_all, _portions(samples, portion)):
                waiting.append(part)
                if sum(len(block.y) for block in waiting) >= _BLOCK // one:
                    yield _joined(waiting)
                    waiting = []
            if waiting:
                yield _joined(waiting)


def _check_images(members: Members, folders: ClassFolders, name: str, group_of: GroupOf) -> Images:
    def check_all(some: Sequence[str]) -> list[ImageHeader | BadPartError]:
        return [_checked(members, file) for file in some]

    quiet_pillow()
    files = [(kind, file) for kind, files in folders.classes.items() for file in files]
    portions = _portions([file for _, file in files], _MOST_OF_A_PORTION)
    results = (result for part in _in_order(check_all, portions) for result in part)
    classes = dict.fromkeys(folders.classes, 0)
    sizes: Counter[tuple[int, int]] = Counter()
    modes: Counter[str] = Counter()
    parts = Counter[int]()
    groups: set[str] = set()
    trained: set[str] = set()
    left_out = [*folders.misplaced, *folders.beside]
    pixels = 0
    for (kind, file), result in zip(files, results, strict=True):
        if isinstance(result, BadPartError):
            left_out.append(SkippedPart(told(file), str(result)))
            continue
        classes[kind] += 1
        sizes[result.size] += 1
        modes[result.mode] += 1
        part = folders.part_of.get(file, TRAINING)
        parts[part] += 1
        trained |= {kind} if part == TRAINING else set()
        if group_of:
            groups.add(group_of(folders.inside[file]))
        pixels += result.size[0] * result.size[1]
        if pixels > _MOST_PIXELS:
            raise DatasetError(
                f"{name} has more than {_MOST_PIXELS // 10**9} gigapixels (reached at "
                f"{told(file)}); no more are allowed. Make the images smaller, or give fewer."
            )
    for kind, count in classes.items():
        if not count:
            empty = not folders.classes[kind]
            why = "no file in this class folder" if empty else "no good image in this class"
            left_out.append(SkippedPart(f"{kind}/", f"{why}, so the class is dropped"))
    return Images(
        classes=tuple((kind, count) for kind, count in classes.items() if count),
        sizes=tuple(sorted(sizes.items(), key=lambda item: (-item[1], item[0]))),
        modes=tuple(sorted(modes.items(), key=lambda item: (-item[1], item[0]))),
        left_out=tuple(left_out),
        parts=tuple(parts[part] for part in (TRAINING, VALIDATION, TEST)) if len(parts) > 1 else (),
        merged=folders.merged,
        groups=len(groups),
        untrained=tuple(kind for kind, count in classes.items() if count and kind not in trained),
    )


def _checked(members: Members, file: str) -> ImageHeader | BadPartError:
    try:
        return check(members.read(file))
    except BadPartError as error:
        return error


def _in_order(work: Callable[[In], Out], items: Iterator[In]) -> Iterator[Out]:
    """The results of work in threads, in the order of items, few of them at a time."""
    threads = cpu_count() or 1
    pending: deque[Future[Out]] = deque()
    with ThreadPoolExecutor(threads) as executor:
        try:
            pending.extend(executor.submit(work, item) for item in islice(items, threads + 2))
            while pending:
                result = pending.popleft().result()
                pending.extend(executor.submit(work, item) for item in islice(items, 1))
                yield result
        finally:
            for future in pending:
                future.cancel()


def _portions(items: Sequence[In], length: int) -> Iterator[Sequence[In]]:
    return (items[at : at + length] for at in range(0, len(items), length))


def _joined(blocks: list[Block]) -> Block:
    def together(arrays: Sequence[np.ndarray | None]) -> np.ndarray | None:
        there = [array for array in arrays if array is not None]
        return np.concatenate(there) if there else None

    return Block(
        np.concatenate([block.x for block in blocks]),
        np.concatenate([block.y for block in blocks]),
        together([block.groups for block in blocks]),
        parts=together([block.parts for block in blocks]),
    )


def _listed(parts: Sequence[SkippedPart]) -> str:
    shown = "; ".join(f"{part.what}: {part.why}" for part in parts[:_SHOWN])
    more = len(parts) - _SHOWN
    return f"{shown}; and {more:,} more" if more > 0 else shown


def _refuse_bad(name: str, folders: ClassFolders, found: Images) -> None:
    """Raise DatasetError where files cannot be used that should have been images of a class."""
    passed = {part.what for part in folders.beside}
    bad = [one for one in found.left_out if one.what not in passed and not one.what.endswith("/")]
    if not bad:
        return
    files = sum(map(len, folders.classes.values())) + len(folders.misplaced)
    good = {kind for kind, _ in found.classes}
    gone = [kind for kind, files in folders.classes.items() if files and kind not in good]
    without = ""
    if gone:
        count = "1 class" if len(gone) == 1 else f"{len(gone):,} classes"
        more = " …" if len(gone) > _SHOWN else ""
        without = f" Without them {count} would be dropped: {', '.join(gone[:_SHOWN])}{more}."
    raise DatasetError(
        f"{name}: {len(bad):,} of {files:,} files cannot be used: {_listed(bad)}.{without} Repair "
        "or remove them, or accept the rest: --skip-bad, or *Accept what is good* on the page."
    )


IMAGES = _ImageReader()
