"""What the files below a folder or in an archive are to the reader of images, and their limits."""

from typing import Protocol

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


def is_hidden(path: str) -> bool:
    """Whether a file or folder is none of the user's: .DS_Store, Thumbs.db, __MACOSX …"""
    return any(part.startswith(".") or part.lower() in _SYSTEM_NAMES for part in path.split("/"))


def told(path: str) -> str:
    """A path as it can be printed and stored: bytes that are no UTF-8 and controls escaped."""
    text = path.encode("utf-8", "backslashreplace").decode()
    return "".join(c if c >= " " and c != "\x7f" else f"\\x{ord(c):02x}" for c in text)
