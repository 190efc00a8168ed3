"""Uploads that may become data sets: on disk for a day, never a second time in memory."""

import hashlib
import re
import shutil
import time
from pathlib import Path
from typing import IO

from experiments.settings import Settings

_DAY = 86_400
_LONGEST_NAME = 100


def keep_upload(settings: Settings, name: str, file: IO[bytes]) -> Path:
    """Write an upload into a folder named by its content; the same content is written once.

    Of the name only letters, digits and ``._-`` are kept. What is older than a day goes.
    """
    home = settings.home / "dataset uploads"
    for folder in home.glob("*"):
        if time.time() - folder.stat().st_mtime > _DAY:
            shutil.rmtree(folder, ignore_errors=True)
    file.seek(0)
    digest = hashlib.sha256()
    while part := file.read(1 << 20):
        digest.update(part)
    kept = re.sub(r"[^\w.-]", "_", Path(name).name)[-_LONGEST_NAME:].lstrip(".-") or "data"
    path = home / digest.hexdigest()[:16] / kept
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f".{kept}")
        file.seek(0)
        with unfinished.open("wb") as out:
            shutil.copyfileobj(file, out, 1 << 20)
        unfinished.rename(path)
    path.parent.touch()
    return path
