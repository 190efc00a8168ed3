"""The files below a folder or in a zip archive, each read whole by its path; nothing is unpacked
to disk and no link is followed."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from experiments.errors import DatasetError

MOST_MEMBERS = 1_000_000
#: Bytes of one file.
LARGEST_FILE = 100 * 1000**2

_SYSTEM_NAMES = {"__macosx", "thumbs.db", "desktop.ini"}


class BadPartError(Exception):
    """Why one file cannot be used, where all others may be good."""


class Members(Protocol):
    """Paths below one place, parts divided by ``/``, without those that systems leave behind.

    ``folders`` are only those that stand there themselves; those of ``files`` are not repeated.
    """

    files: list[str]
    folders: list[str]

    def read(self, file: str) -> bytes:
        """All of a file, at most LARGEST_FILE bytes; raises BadPartError. Safe in threads."""
        ...


@contextmanager
def open_members(path: Path) -> Iterator[Members]:
    """The members of a folder or of a zip archive; raises DatasetError for unsafe ones."""
    if path.is_dir():
        yield _Folder(path)
        return
    from experiments.datasets.reading.picture_archives import open_archive

    with open_archive(path) as members:
        yield members


def is_hidden(path: str) -> bool:
    """Whether a file or folder is none of the user's: .DS_Store, Thumbs.db, __MACOSX …"""
    return any(part.startswith(".") or part.lower() in _SYSTEM_NAMES for part in path.split("/"))


def told(path: str) -> str:
    """A path as it can be printed and stored: bytes that are no UTF-8 and controls escaped."""
    text = path.encode("utf-8", "backslashreplace").decode()
    return "".join(c if c >= " " and c != "\x7f" else f"\\x{ord(c):02x}" for c in text)


class _Folder:
    """The files below a folder. Raises DatasetError for links and for what is no file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.files: list[str] = []
        self.folders: list[str] = []
        waiting = [""]
        while waiting:
            folder = waiting.pop()
            for name, mode in self._entries(folder):
                member = f"{folder}{name}"
                self._check(member, mode)
                if stat.S_ISDIR(mode):
                    self.folders.append(member)
                    waiting.append(f"{member}/")
                else:
                    self.files.append(member)

    def _entries(self, folder: str) -> Iterator[tuple[str, int]]:
        """Names in a folder and their modes, hidden ones left out."""
        try:
            with os.scandir(self.path / folder) as entries:
                for entry in entries:
                    if not is_hidden(entry.name):
                        yield entry.name, entry.stat(follow_symlinks=False).st_mode
        except OSError as error:
            raise DatasetError(
                f"{told(str(self.path / folder))} cannot be read: {error.strerror}. Allow it to be "
                "read, or move it away."
            ) from None

    def _check(self, member: str, mode: int) -> None:
        where = told(str(self.path / member))
        if stat.S_ISLNK(mode):
            raise DatasetError(
                f"{where} is a link; links are not followed. Put the file or folder itself there."
            )
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            raise DatasetError(f"{where} is no ordinary file. Move it out of the folder.")
        if len(self.files) + len(self.folders) >= MOST_MEMBERS:
            raise DatasetError(
                f"{told(str(self.path))} has more than {MOST_MEMBERS:,} files and folders; no more "
                "are allowed. Give a part of it."
            )

    def read(self, file: str) -> bytes:
        try:
            # It may have become a link or a pipe since it was listed.
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
            with open(os.open(self.path / file, flags), "rb") as opened:
                status = os.fstat(opened.fileno())
                if not stat.S_ISREG(status.st_mode):
                    raise BadPartError("no ordinary file")
                if status.st_size > LARGEST_FILE:
                    raise BadPartError(
                        f"{status.st_size / 1e6:,.0f} MB, allowed: {LARGEST_FILE // 1000**2} MB"
                    )
                return opened.read(status.st_size)
        except OSError as error:
            raise BadPartError(f"cannot be read: {error.strerror}") from None
