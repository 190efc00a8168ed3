"""Model files that were uploaded: kept for a day, each in a folder named after its content."""

import hashlib
import re
import shutil
import time
from pathlib import Path

from experiments.core.atomic_files import is_unfinished, replacing
from experiments.core.settings import Settings

SUFFIXES = (".h5", ".hdf5", ".keras", ".json", ".yaml", ".yml")
_DAY = 86_400
_KEY = re.compile(r"[0-9a-f]{16}")
_LONGEST_NAME = 100


def store_upload(settings: Settings, name: str, data: bytes) -> Path:
    """Write an upload and return where it is; the same content is written once.

    Of the name only letters, digits and ``._-`` are kept. What nobody looked at for a day goes.
    """
    remove_old(settings)
    folder = _home(settings) / hashlib.sha256(data).hexdigest()[:16]
    kept = re.sub(r"[^\w.-]", "_", Path(name).name)[-_LONGEST_NAME:].lstrip(".-") or "model.h5"
    if (found := _file_in(folder)) and found.name == kept:
        folder.touch()
        return found
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with replacing(folder / kept) as unfinished:
        unfinished.write_bytes(data)
    return folder / kept


def find_upload(settings: Settings, key: str) -> Path | None:
    """The upload with this key, which is its folder's name; None if it is gone or never was."""
    if not _KEY.fullmatch(key):
        return None
    found = _file_in(_home(settings) / key)
    if found:
        found.parent.touch()
    return found


def list_uploads(settings: Settings) -> list[Path]:
    """All uploads, the one that was looked at last first."""
    folders = sorted(_home(settings).glob("*"), key=_looked_at, reverse=True)
    return [file for folder in folders if (file := _file_in(folder))]


def remove_old(settings: Settings) -> None:
    """Delete what was not looked at for a day."""
    for folder in _home(settings).glob("*"):
        if time.time() - _looked_at(folder) > _DAY:
            shutil.rmtree(folder, ignore_errors=True)


def _home(settings: Settings) -> Path:
    return settings.home / "uploads"


def _file_in(folder: Path) -> Path | None:
    whole = (file for file in folder.glob("[!.]*") if not is_unfinished(file))
    return next((file for file in whole if file.is_file()), None)


def _looked_at(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except FileNotFoundError:  # another session has just deleted it
        return 0.0
