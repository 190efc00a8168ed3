"""Files that are whole or not there: written beside their place, then renamed.

What is being written is called ``unfinished.MACHINE.PID.NUMBER``, whatever it will be. A process
that is killed leaves it behind; whoever next writes into the same folder removes it. Only a
process of this machine can be seen to be gone: where a folder is shared (a network disk, a volume
of two containers), what another machine left goes after a day.
"""

import itertools
import os
import re
import shutil
import socket
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

#: What earlier versions wrote begins with it, too.
UNFINISHED = "unfinished."
_NAME = re.compile(r"unfinished\.([0-9a-f]{8})\.(\d+)\.\d+\b.*")
_DAY = 86_400
_LOOK_AGAIN = 3600  # seconds; a run of many epochs keeps thousands of files in one folder

_numbers = itertools.count()


@contextmanager
def replacing(path: Path, suffix: str = "") -> Iterator[Path]:
    """A name to write to; when the block ends, the file takes the place of ``path`` in one step.

    Readers see the old file or the new one, never half of it, and of several writers the last one
    stays. After an error the old file stays. ``suffix`` is for those that choose a format by it.
    The folder must be there. It is not synced to disk: a power cut may leave an empty file.
    """
    aside = unfinished_in(path.parent, suffix)
    try:
        yield aside
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


@contextmanager
def unfinished_folder(home: Path) -> Iterator[Path]:
    """A new folder in ``home``, to be renamed when all is in it; removed if it was not."""
    aside = unfinished_in(home)
    aside.mkdir()
    try:
        yield aside
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def unfinished_in(folder: Path, suffix: str = "") -> Path:
    """A new name for what is being written; what killed processes left in the folder is removed."""
    _remove_left(folder, int(time.time() / _LOOK_AGAIN))
    return folder / f"{UNFINISHED}{_machine()}.{os.getpid()}.{next(_numbers)}{suffix}"


def is_unfinished(path: Path) -> bool:
    """Whether a file or folder is being written, or was when its process was killed."""
    return _NAME.fullmatch(path.name) is not None


@lru_cache(maxsize=256)
def _remove_left(folder: Path, hour: int) -> None:
    with suppress(OSError):  # writing there will tell
        for name in os.listdir(folder):
            if (found := _NAME.fullmatch(name)) and _is_left(folder / name, *found.groups()):
                _remove(folder / name)


def _is_left(path: Path, machine: str, pid: str) -> bool:
    import psutil

    if machine == _machine():
        if int(pid) == os.getpid():
            return False
        if not psutil.pid_exists(int(pid)):
            return True
    try:
        return time.time() - path.stat().st_mtime > _DAY
    except FileNotFoundError:
        return False


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):  # another process was quicker, or has it open
            path.unlink()


def _machine() -> str:
    return f"{zlib.crc32(socket.gethostname().encode()):08x}"
