"""Folders of copies that are kept for a day."""

import shutil
import time
from contextlib import suppress
from pathlib import Path

_DAY = 86_400


def remove_old(home: Path) -> None:
    """Remove the folders in ``home`` that nobody has touched for a day; others may do the same."""
    for folder in home.glob("*"):
        with suppress(FileNotFoundError):
            if time.time() - folder.stat().st_mtime > _DAY:
                shutil.rmtree(folder, ignore_errors=True)
