"""The files below a folder or in a zip archive, each read whole by its path; nothing is unpacked
to disk and no link is followed."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from experiments.core.errors import DatasetError
from experiments.data.reading.images.image_archives import open_archive
from experiments.data.reading.images.image_members import (
    LARGEST_FILE,
    MOST_MEMBERS,
    BadPartError,
    Members,
    is_hidden,
    told,
)


@contextmanager
def open_members(path: Path) -> Iterator[Members]:
    """The members of a folder or of a zip archive; raises DatasetError for unsafe ones."""
    if path.is_dir():
        yield _Folder(path)
        return
    with open_archive(path) as members:
        yield members


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
            raise DatasetError(f"{where} is not a regular file. Move it out of the folder.")
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
                    raise BadPartError("not a regular file")
                if status.st_size > LARGEST_FILE:
                    raise BadPartError(
                        f"{status.st_size / 1e6:,.0f} MB, allowed: {LARGEST_FILE // 1000**2} MB"
                    )
                return opened.read(status.st_size)
        except OSError as error:
            raise BadPartError(f"cannot be read: {error.strerror}") from None
